"""Figures of the chapter on stability."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from analysis.chapters.stability.evidence import ORDER, title_of
from analysis.chapters.stability.perturbations import PERTURBATIONS
from analysis.page.figures import figure
from analysis.page.panels import panel_title
from cluscam_lite.show.drawing import draw_image, draw_mask, draw_overlay

COLOURS = "viridis"
DARK = 0.55  # correlations below which text on the cell is white


def heat_figure(table: pd.DataFrame, measure: str = "correlation") -> Figure:
    """Medians of a measure of `agreement_table`: a panel for each network, a row for a method, a column for a change.

    Empty: the method has nothing that could be changed so, or was not run so. Colours span 0 to 1.
    """
    found = list(table.groupby(["model", "panel"], sort=False))
    names = [name for name in PERTURBATIONS if name in set(table["perturbation"])]
    counts = [mine["explainer"].nunique() for _, mine in found]
    fig, axes = figure(len(found), 1, 0.28 * sum(counts) + 0.55 * len(found) + 0.9, height_ratios=counts, sharex=True)
    for ax, ((model, panel), mine) in zip(axes[:, 0], found, strict=True):
        rows = [name for name in ORDER if name in set(mine["explainer"])]
        grid = mine.pivot(index="explainer", columns="perturbation", values=measure).reindex(index=rows, columns=names)
        picture = ax.imshow(grid, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
        for (i, j), value in np.ndenumerate(grid.to_numpy(dtype=float)):
            if not np.isnan(value):
                ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if value < DARK else "k")
        ax.set_yticks(range(len(rows)), [title_of(name) for name in rows], fontsize=8)
        ax.set_xticks(range(len(names)), [fill(name, 6) for name in names], fontsize=7)
        ax.set_title(panel_title(model, panel), fontsize=10, loc="left")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    fig.colorbar(picture, ax=axes, fraction=0.02, label=f"median {measure}")
    return fig


def seeds_figure(image: np.ndarray, maps: Tensor, mean: Tensor, spread: Tensor) -> Figure:
    """One image (H, W, 3), the maps (n, H, W) of some seeds over it, the mean map (H, W), and the spread (H, W)."""
    fig, axes = figure(1, len(maps) + 3, 1.9)
    draw_image(axes[0, 0], image, "input")
    for seed, ax in enumerate(axes[0, 1:-2]):
        draw_overlay(ax, image, maps[seed], f"seed {seed}")
    draw_overlay(axes[0, -2], image, mean, "mean map")
    draw_mask(axes[0, -1], (2 * spread).clamp(0, 1), "spread, doubled")
    return fig
