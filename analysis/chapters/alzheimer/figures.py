"""Figures of the `alzheimer` chapter. No slice of the data set is in any of them: phantoms, numbers and class means."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from analysis.chapters.alzheimer.networks.trained import backbone
from analysis.page.figures import COLOURS, DROPPED, KEPT, figure
from cluscam_lite.datasets.phantoms.phantom import (
    GRADES,
    PHANTOM_CLASSES,
    Phantom,
    at_grade,
    grade_mask,
    phantom_pixels,
)
from cluscam_lite.methods import method_info
from cluscam_lite.show.drawing import overlay

SECOND = "#c44e52"
SPLIT_WORDS = {"paper, test": "public split", "components, test": "components kept together"}


def grades(phantom: Phantom) -> dict[str, np.ndarray]:
    """One head in all four grades, and where they differ: words -> picture (H, W, 3), for `picture_grid`."""
    found = {PHANTOM_CLASSES[grade]: colour(phantom_pixels(at_grade(phantom, grade))) for grade in range(GRADES)}
    return found | {"where any two differ": colour(255 * grade_mask(phantom).astype(np.uint8))}


def example_pictures(phantom: Phantom, maps: Mapping[str, Tensor], said: Mapping[str, float]) -> dict[str, np.ndarray]:
    """A phantom, what differs between its grades, and maps (H, W) of several methods with their AUC, percent."""
    image = colour(phantom_pixels(phantom))
    found = {f"graded “{PHANTOM_CLASSES[phantom.grade]}”": image}
    found["what differs"] = colour(255 * grade_mask(phantom).astype(np.uint8))
    return found | {f"{title}, AUC {said[title]:.0f}": overlay(image, saliency) for title, saliency in maps.items()}


def class_pictures(
    found: Mapping[str, Mapping[int, tuple[np.ndarray, int]]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The mean map (16, 16) of each class for several methods, as `class_maps.class_means` gives it, by its words."""
    return {
        f"{title}: {names[k].replace('_', ' ')} ({n})": mean
        for title, maps in found.items()
        for k, (mean, n) in maps.items()
    }


def colour(pixels: np.ndarray) -> np.ndarray:
    """(H, W) uint8 as (H, W, 3)."""
    return np.repeat(pixels[..., None], 3, axis=2)


def similarity_figure(figures: Mapping[str, Any]) -> Figure:
    """The Alzheimer slices, from `leakage.json`: likeness of test and training slices, and what falls together."""
    fig, axes = figure(2, 1, 5.2)
    middles = (np.array(figures["bins"][:-1]) + figures["bins"][1:]) / 2
    width = figures["bins"][1] - figures["bins"][0]
    for (split, words), colour in zip(SPLIT_WORDS.items(), (SECOND, KEPT), strict=True):
        row = figures["splits"][split]
        share = 100 * np.array(row["counts"]) / row["test"]
        axes[0, 0].bar(middles, share, width=width, color=colour, alpha=0.75, label=words)
    axes[0, 0].set(xlabel="similarity to the nearest training slice", ylabel="test slices, %", xlim=(0.88, 1.0))
    axes[0, 0].legend(fontsize=9, frameon=False)
    curve = pd.DataFrame(figures["curve"])
    axes[1, 0].plot(curve["threshold"], curve["components"], "o-", color=KEPT, ms=4)
    axes[1, 0].axvspan(figures["plateau"]["low"], figures["plateau"]["high"], color=DROPPED, alpha=0.4, lw=0)
    axes[1, 0].set(xlabel="threshold of similarity", ylabel="components", yscale="log")
    axes[1, 0].set_yticks([200, 1000, 5000], ["200", "1,000", "5,000"])
    axes[1, 0].set_yticks([], minor=True)
    return fig


def ranks_figure(table: pd.DataFrame) -> Figure:
    """Each method's rank under networks that differ in their seed, a panel for each layer, from `rank_table`."""
    panels = list(table.groupby("panel", sort=False))
    fig, axes = figure(len(panels), 1, 0.24 * len(table) + 0.9 * len(panels))
    for ax, (panel, mine) in zip(axes[:, 0], panels, strict=True):
        ordered = mine.sort_values("mean", ascending=False).reset_index(drop=True)
        for y, row in ordered.iterrows():
            colour = COLOURS["cluscam"] if row["method"] == "cluscam" else "0.5"
            ax.plot(row["ranks"], [y] * len(row["ranks"]), "o-", color=colour, ms=5, lw=1.5)
        ax.set_yticks(range(len(ordered)), ordered["title"], fontsize=9)
        ax.set(xlabel="rank, 1 the best")
        ax.set_title(f"{panel_words(panel)}: W = {ordered['W'][0]:.2f}", fontsize=10)
        ax.invert_yaxis()
    return fig


def twelve_figure(ours: pd.DataFrame, paper: pd.DataFrame, rings: Sequence[str]) -> Figure:
    """The IC of every method under each of twelve networks: from `paper_twelve`, and beside it from `twelve_table`.

    ClusCAM in colour, Table 6's other methods grey; methods that know nothing of the image or the network (`rings`) as
    rings, which the paper does not have.
    """
    fig, axes = figure(1, 2, 0.3 * len(paper) + 1.6, sharey=True)
    mine = ours.set_index("model").reindex(paper.index).astype(float)
    others = [name for name in paper if name != "cluscam"]
    for ax, table, title in ((axes[0, 0], paper, "paper, Table 6"), (axes[0, 1], mine, "reference run")):
        for y, (_, row) in enumerate(table.iterrows()):
            ax.plot(row[others], [y] * len(others), "o", color="0.55", ms=6, alpha=0.6, mew=0)
            ax.plot(row["cluscam"], y, "D", color=COLOURS["cluscam"], ms=6, zorder=4)
        ax.set_title(title, fontsize=10)
        ax.set(xlabel="IC, %", xlim=(-4, 104))
        ax.grid(axis="y", color="0.9", lw=0.8)
        ax.set_axisbelow(True)
    for y, (_, row) in enumerate(mine.reindex(columns=[*rings]).iterrows()):
        axes[0, 1].plot(row, [y] * len(rings), "o", mfc="none", mec=SECOND, ms=10, mew=1.2, zorder=3)
    axes[0, 0].set_yticks(range(len(paper)), [backbone(model).title for model in paper.index], fontsize=9)
    axes[0, 0].invert_yaxis()
    ringed = ", ".join(method_info(name).title for name in rings)
    handles = [
        Line2D([], [], marker="D", ls="", color=COLOURS["cluscam"], ms=6, label="ClusCAM"),
        Line2D([], [], marker="o", ls="", color="0.55", ms=6, label="Table 6's other methods"),
        Line2D([], [], marker="o", ls="", mfc="none", mec=SECOND, ms=10, label=ringed),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=1, fontsize=9, frameon=False)
    return fig


def panel_words(panel: str) -> str:
    """A layer in words."""
    return {"paper": "patch embedding", "last": "last block"}.get(panel, panel)
