"""Figures of the chapters on faithfulness, localisation and metrics."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from analysis.page.figures import COLOURS, KEPT, WIDTH, figure
from analysis.page.panels import panel_title
from cluscam_lite.methods import METHODS
from cluscam_lite.show.drawing import draw_image, draw_overlay

MARKERS, SHADES = "osD^v", (KEPT, "#c44e52", "#dd9a3c", "#55a868", "#8172b3")


def forest_figure(comparisons: pd.DataFrame, unit: str = "points") -> Figure:
    """How far ClusCAM is ahead of every other method: mean with its 95 % interval, a panel for each network.

    `comparisons` is the table of `analysis.judging.compare.comparison_table`. Colours tell rivals, null methods and
    trivial maps.
    """
    names = [name for name in METHODS if name in set(comparisons["against"])]
    found = list(comparisons.groupby(["model", "panel"], sort=False))
    fig, axes = figure(1, len(found), 0.26 * len(names) + 1.1, sharex=True, sharey=True)
    y = dict(zip(names, range(len(names)), strict=True))
    for ax, ((model, panel), mine) in zip(axes[0], found, strict=True):
        at = [y[name] for name in mine["against"]]
        colours = [COLOURS[METHODS[name].kind] for name in mine["against"]]
        ax.hlines(at, mine["low"], mine["high"], color=colours, lw=2)
        ax.scatter(mine["mean"], at, color=colours, s=22, zorder=3)
        ax.axvline(0, color="0.4", lw=0.8, ls=":")
        ax.set_yticks(range(len(names)), [METHODS[name].title for name in names])
        ax.set_title(fill(panel_title(model, panel), 17), fontsize=9)
    axes[0, 0].invert_yaxis()
    fig.supxlabel(f"ClusCAM ahead, {unit}", fontsize=10)
    return fig


def variants_figure(table: pd.DataFrame, columns: Sequence[str], label: str) -> Figure:
    """Each method's mean under several ways of measuring it, joined by a line; a panel for each network.

    `table` is a `method_table` with a column for each way.
    """
    named = table.dropna(subset=list(columns), how="all")
    names = [name for name in METHODS if name in set(named["method"])]
    found = list(named.groupby(["model", "panel"], sort=False))
    fig, axes = figure(1, len(found), 0.24 * len(names) + 1.3, sharey=True)
    y = dict(zip(names, range(len(names)), strict=True))
    for ax, ((model, panel), mine) in zip(axes[0], found, strict=True):
        at = [y[name] for name in mine["method"]]
        values = mine[list(columns)]
        ax.hlines(at, values.min(axis=1), values.max(axis=1), color="0.75", lw=1.5)
        for i, column in enumerate(columns):
            ax.scatter(mine[column], at, s=24, marker=MARKERS[i], color=SHADES[i], label=column, zorder=3)
        ax.set_yticks(range(len(names)), [METHODS[name].title for name in names])
        ax.set_title(fill(panel_title(model, panel), 17), fontsize=9)
    axes[0, 0].invert_yaxis()
    fig.supxlabel(label, fontsize=10)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(columns), fontsize=8)
    return fig


def maps_figure(images: list[np.ndarray], maps: Mapping[str, list[Tensor]], labels: list[str]) -> Figure:
    """After Figs. 3 and 4: each image (H, W, 3) in a row, then the maps (H, W) of every method over it.

    `maps`: title of a method -> its map of each image, None where it cannot explain the network.
    """
    columns = 1 + len(maps)
    fig, axes = figure(len(images), columns, (WIDTH / columns + 0.12) * len(images) + 0.3)
    for i, (row, image) in enumerate(zip(axes, images, strict=True)):
        draw_image(row[0], image, labels[i].replace(", ", "\n"))
        row[0].title.set_fontsize(7)
        for ax, (title, found) in zip(row[1:], maps.items(), strict=True):
            if found[i] is None:
                draw_image(ax, np.full_like(image, 255), "")
                ax.text(0.5, 0.5, "n/a", ha="center", va="center", transform=ax.transAxes, fontsize=8)
            else:
                draw_overlay(ax, image, found[i], "")
            if i == 0:
                ax.set_title(title.replace(" ", "\n"), fontsize=7)
    return fig
