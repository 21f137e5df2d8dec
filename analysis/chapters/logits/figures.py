"""Figures of the `logits` chapter."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from analysis.chapters.logits.evidence import group_differences
from analysis.chapters.logits.study import WHOLE
from analysis.page.figures import KEPT, figure
from analysis.page.panels import blocks, panel_title


def paper_figure_2(rows: pd.DataFrame, top: int = 10) -> Figure:
    """Fig. 2 as the paper drew it, for one block: groups' differences by rank (above), and all of them (below)."""
    differences = group_differences(rows)
    fig, axes = figure(2, 1, 5.2)
    box = {"facecolor": KEPT, "alpha": 0.6}
    axes[0, 0].boxplot(differences[:, :top], patch_artist=True, boxprops=box, flierprops={"markersize": 2})
    axes[0, 0].set(xlabel="group, by the score of its mask", ylabel="mask less members, logits")
    sns.histplot(differences.ravel(), ax=axes[1, 0], color=KEPT, bins=50)
    axes[1, 0].set(xlabel="mask less members, logits", ylabel="groups")
    axes[0, 0].axhline(0, color="0.4", lw=0.8, ls=":")
    axes[1, 0].axvline(0, color="0.4", lw=0.8, ls=":")
    return fig


def paper_figure_9(rows: pd.DataFrame, columns: int = 2) -> Figure:
    """Fig. 9: each group's mean member score against its mask's score, a panel for each block."""
    found = list(blocks(rows))
    lines = -(-len(found) // columns)
    fig, axes = figure(lines, columns, 2.5 * lines)
    for ax in axes.flat[len(found) :]:
        ax.remove()
    for ax, (model, layer, block) in zip(axes.flat, found, strict=False):
        groups = block[(block.group != WHOLE) & block.masks.isin(["kmeans", "members"])]
        wide = groups.pivot(index=["image_id", "group"], columns="masks", values="score")
        ax.plot(wide["members"], wide["kmeans"], ".", color=KEPT, ms=3, alpha=0.4)
        ends = [wide.min().min(), wide.max().max()]
        ax.plot(ends, ends, color="0.4", lw=0.8, ls=":")
        ax.set_box_aspect(1)
        ax.set_title(panel_title(model, layer).replace(", ", ",\n"), fontsize=10)
    fig.supxlabel("mean score of the members", fontsize=10)
    fig.supylabel("score of the mask", fontsize=10)
    return fig
