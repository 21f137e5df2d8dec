"""Figures of the `logits` chapter."""

from textwrap import fill

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from torch import Tensor

from analysis.chapters.logits.evidence import CONTRASTS, group_differences, random_columns, whole_scores
from analysis.chapters.logits.study import WHOLE
from analysis.page.figures import KEPT, WIDTH, figure
from analysis.page.panels import blocks
from cluscam_lite import get_spec
from cluscam_lite.show.drawing import draw_image, draw_masked

ORDER = ["mean of all", "random", "kmeans", "renormalised", "members, area matched", "members", "rolled", "donor"]


def strips_figure(image: np.ndarray, strips: dict[str, tuple[Tensor, Tensor]], background: object) -> Figure:
    """One image (H, W, 3) through masks of several kinds, a strip each: masks (n, H, W) and scores (n,)."""
    n = max(len(masks) for masks, _ in strips.values())
    fig, axes = figure(len(strips), n + 1, (WIDTH / (n + 1) + 0.2) * len(strips))
    for row, (name, (masks, scores)) in zip(axes, strips.items(), strict=True):
        draw_image(row[0], image, name)
        for ax, mask, score in zip(row[1:], masks, scores.tolist(), strict=True):
            draw_masked(ax, image, mask, f"{score:+.1f}", background)
    return fig


def block_title(model: str, layer: str) -> str:
    """A network and layer in words."""
    return f"{get_spec(model).title}, {layer}"


def scores_figure(rows: pd.DataFrame) -> Figure:
    """The size-weighted mean score of every kind of masks, a panel for each block.

    Dot: median over the images; thick: the middle half; thin: the middle nine tenths.
    """
    found = list(blocks(rows))
    fig, axes = figure(1, len(found), 3.4, sharey=True)
    for ax, (model, layer, block) in zip(axes[0], found, strict=True):
        scores = whole_scores(block)
        table = scores.assign(random=random_columns(scores).mean(1))[ORDER]
        y, colours = np.arange(len(ORDER)), [KEPT if name == "kmeans" else "0.45" for name in ORDER]
        low, first, median, third, high = table.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_numpy()
        ax.hlines(y, low, high, color=colours, lw=1)
        ax.hlines(y, first, third, color=colours, lw=5, alpha=0.5)
        ax.scatter(median, y, color=colours, s=28, zorder=3)
        ax.set_yticks(y, ORDER)
        ax.axvline(0, color="0.6", lw=0.6)
        ax.set_title(block_title(model, layer), fontsize=10)
        ax.set(xlabel="mean score of the masks, logits")
    axes[0, 0].invert_yaxis()
    return fig


def forest_figure(contrasts: pd.DataFrame) -> Figure:
    """The mean advantage of K-Means' masks over each contrast with its 95 % interval, a panel for each block."""
    found = contrasts[["model", "layer"]].drop_duplicates()
    fig, axes = figure(1, len(found), 2.8, sharey=True)
    names = list(CONTRASTS)
    for ax, (model, layer) in zip(axes[0], found.itertuples(index=False), strict=True):
        mine = contrasts[(contrasts.model == model) & (contrasts.layer == layer)].set_index("against").loc[names]
        y = np.arange(len(names))
        ax.hlines(y, mine["low"], mine["high"], color=KEPT, lw=2)
        ax.plot(mine["mean"], y, "o", color=KEPT, ms=5)
        ax.axvline(0, color="0.4", lw=0.8, ls=":")
        ax.set_yticks(y, names)
        ax.set_title(fill(block_title(model, layer), 17), fontsize=9)
    axes[0, 0].invert_yaxis()
    fig.supxlabel("K-Means less contrast, logits", fontsize=10)
    return fig


def paper_figure_2(rows: pd.DataFrame, top: int = 10) -> Figure:
    """Fig. 2 as the paper drew it, for one block: groups' differences by rank (left), and all of them (right)."""
    differences = group_differences(rows)
    fig, axes = figure(1, 2, 2.9)
    box = {"facecolor": KEPT, "alpha": 0.6}
    axes[0, 0].boxplot(differences[:, :top], patch_artist=True, boxprops=box, flierprops={"markersize": 2})
    axes[0, 0].set(xlabel="group, by the score of its mask", ylabel="mask less members, logits")
    sns.histplot(differences.ravel(), ax=axes[0, 1], color=KEPT, bins=50)
    axes[0, 1].set(xlabel="mask less members, logits", ylabel="groups")
    axes[0, 0].axhline(0, color="0.4", lw=0.8, ls=":")
    axes[0, 1].axvline(0, color="0.4", lw=0.8, ls=":")
    return fig


def paper_figure_9(rows: pd.DataFrame) -> Figure:
    """Fig. 9: each group's mean member score against its mask's score, for each block."""
    found = list(blocks(rows))
    fig, axes = figure(1, len(found), 3.0)
    for ax, (model, layer, block) in zip(axes[0], found, strict=True):
        groups = block[(block.group != WHOLE) & block.masks.isin(["kmeans", "members"])]
        wide = groups.pivot(index=["image_id", "group"], columns="masks", values="score")
        ax.plot(wide["members"], wide["kmeans"], ".", color=KEPT, ms=3, alpha=0.4)
        ends = [wide.min().min(), wide.max().max()]
        ax.plot(ends, ends, color="0.4", lw=0.8, ls=":")
        ax.set(xlabel="mean score of the members", ylabel="score of the mask", box_aspect=1)
        ax.set_title(block_title(model, layer), fontsize=10)
    return fig
