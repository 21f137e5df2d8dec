"""Figures of the `ablation` chapter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.chapters.ablation.evidence import BLOCK
from analysis.page.figures import DROPPED, KEPT, dots, figure
from analysis.page.panels import panel_title
from analysis.studies.mask_sources import TITLES
from analysis.studies.weightings import RATIOS, TEMPERATURES

WEIGHTING = "#dd9a3c"
SHADES = dict(zip(TEMPERATURES, (KEPT, "#dd9a3c", "#c44e52"), strict=True))
MARKERS = dict(zip(RATIOS, "o^s", strict=True))
FORMS = {"raw": "as they are", "matched": "at a coverage of one half"}
CLUSTERED = ("ClusCAM", "no clustering", "spectral", "HDBSCAN", "agglomerative", "random partition")


def bars_figure(table: pd.DataFrame, headings: Mapping[str, str]) -> Figure:
    """After Fig. 5: every ablated variant's means with intervals, a row of panels for each network.

    `table` is `bars_table`'s; `headings`: column -> label. Blue: the full method; grey: another clustering; orange:
    another weighting. The line is the full method's mean.
    """
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(len(found), len(headings), 0.22 * len(table) + 0.9 * len(found))
    fig.get_layout_engine().set(h_pad=0.12)
    for row, ((model, layer), mine) in zip(axes, found, strict=True):
        colours = [KEPT if b == "ClusCAM" else "0.45" if b in CLUSTERED else WEIGHTING for b in mine["bar"]]
        dots(row, mine, headings, mine["bar"], colours)
        for ax, heading in zip(row, headings, strict=True):
            ax.axvline(mine[heading].iloc[0], color=KEPT, lw=0.8, ls=":")
            ax.set_xlabel(headings[heading].replace("%, ", "%,\n"))
        row[0].set_title(panel_title(model, layer), fontsize=10, loc="left")
    return fig


def factorial_figure(table: pd.DataFrame, label: str) -> Figure:
    """The factorial: a line for each source of masks, nine dots for r (shape) and tau (colour); a panel per network."""
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(1, len(found), 0.38 * table["source"].nunique() + 1.8, sharey=True)
    for ax, ((model, layer), mine) in zip(axes[0], found, strict=True):
        names = list(mine["source"])
        for a, r in enumerate(RATIOS):
            for b, tau in enumerate(TEMPERATURES):
                y = np.arange(len(names)) + 0.24 * (a - 1) + 0.07 * (b - 1)  # equal means lie side by side
                column = mine[f"r {r}, tau {tau}"]
                ax.scatter(column, y, s=22, color=SHADES[tau], marker=MARKERS[r], alpha=0.85, zorder=3)
        for i in range(len(names)):
            ax.axhline(i + 0.5, color="0.9", lw=0.8)
        ax.set_yticks(range(len(names)), [TITLES[name] for name in names], fontsize=9)
        ax.set_title(panel_title(model, layer).replace(", ", ",\n"), fontsize=9)
        ax.set_xlabel(label.replace("%, ", "%,\n"))
    axes[0, 0].invert_yaxis()
    handles = [Line2D([], [], marker="o", ls="", color=SHADES[t], label=f"τ {t}") for t in TEMPERATURES]
    handles += [Line2D([], [], marker=MARKERS[r], ls="", color="0.4", label=f"r {r}") for r in RATIOS]
    fig.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9)
    return fig


def sources_figure(table: pd.DataFrame, label: str) -> Figure:
    """Scored against uniform weights for every source of masks, as they are and at equal coverage, with intervals."""
    ways = {"scored": KEPT, "uniform": DROPPED}
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(len(found), 2, (0.28 * table["source"].nunique() + 1) * len(found), sharey="row")
    for row, ((model, layer), mine) in zip(axes, found, strict=True):
        y = np.arange(len(mine))
        for ax, (form, words) in zip(
            row, (("raw", "as they are"), ("matched", "at a coverage of one half")), strict=True
        ):
            for shift, (way, colour) in zip((-0.12, 0.12), ways.items(), strict=True):
                name = f"{way}, {form}"
                if f"{name} low" in mine:
                    ax.hlines(y + shift, mine[f"{name} low"], mine[f"{name} high"], color=colour, lw=2)
                ax.scatter(mine[name], y + shift, s=22, color=colour, zorder=3, label=f"{way} weights")
            ax.set_yticks(y, mine["masks"], fontsize=9)
            ax.set(xlabel=label)
            ax.set_title(f"{panel_title(model, layer)}\n{words}".replace(", ", ",\n"), fontsize=9, loc="left")
        row[0].invert_yaxis()
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return fig
