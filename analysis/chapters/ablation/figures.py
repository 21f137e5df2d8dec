"""Figures of the chapters on the ablation and on the temperature."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.chapters.ablation.evidence import BLOCK
from analysis.page.figures import DROPPED, KEPT, WIDTH, dots, figure
from analysis.page.panels import panel_title
from analysis.studies.mask_sources import TITLES
from analysis.studies.weightings import RATIOS, TEMPERATURES
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.show.drawing import draw_image, draw_overlay

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
    fig, axes = figure(len(found), len(headings), 0.2 * len(table) + 0.9 * len(found))
    for row, ((model, layer), mine) in zip(axes, found, strict=True):
        colours = [KEPT if b == "ClusCAM" else "0.45" if b in CLUSTERED else WEIGHTING for b in mine["bar"]]
        dots(row, mine, headings, mine["bar"], colours)
        for ax, heading in zip(row, headings, strict=True):
            ax.axvline(mine[heading].iloc[0], color=KEPT, lw=0.8, ls=":")
        row[0].set_title(panel_title(model, layer), fontsize=10, loc="left")
    return fig


def factorial_figure(table: pd.DataFrame, label: str) -> Figure:
    """The factorial: a line for each source of masks, nine dots for r (shape) and tau (colour); a panel per network."""
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(1, len(found), 0.34 * table["source"].nunique() + 1.5, sharey=True)
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
        ax.set(xlabel=label)
    axes[0, 0].invert_yaxis()
    handles = [Line2D([], [], marker="o", ls="", color=SHADES[t], label=f"τ {t}") for t in TEMPERATURES]
    handles += [Line2D([], [], marker=MARKERS[r], ls="", color="0.4", label=f"r {r}") for r in RATIOS]
    fig.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8)
    return fig


def sources_figure(table: pd.DataFrame, label: str) -> Figure:
    """Scored against uniform weights for every source of masks, as they are and at equal coverage, with intervals."""
    ways = {"scored": KEPT, "uniform": DROPPED}
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(len(found), 2, (0.26 * table["source"].nunique() + 0.9) * len(found), sharey="row")
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
            ax.set_yticks(y, mine["masks"], fontsize=8)
            ax.set(xlabel=label)
            ax.set_title(f"{panel_title(model, layer)}\n{words}", fontsize=9, loc="left")
        row[0].invert_yaxis()
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return fig


def temperature_figure(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Measures against tau on a logarithmic axis; bands: 95 % intervals; dotted: the limits of one group and of all.

    `table` is that of the temperature chapter's `evidence.curve`; the ring is Eq. 10's tau.
    """
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(len(found), len(labels), 2.1 * len(found) + 0.2, sharex=True)
    for row, ((model, layer), mine) in zip(axes, found, strict=True):
        grid, own = mine[mine["kind"] == "grid"], mine[mine["kind"] == "table 3"]
        for ax, (measure, label) in zip(row, labels.items(), strict=True):
            ax.plot(grid["tau"], grid[measure], color=KEPT, marker="o", ms=3)
            if f"{measure} low" in grid:
                ax.fill_between(grid["tau"], grid[f"{measure} low"], grid[f"{measure} high"], color=KEPT, alpha=0.15)
            ax.plot(own["tau"], own[measure], "o", ms=9, mfc="none", mec="#c44e52", mew=1.6)
            for kind, style in (("best", ":"), ("uniform", "--")):
                ax.axhline(mine.loc[mine["kind"] == kind, measure].iloc[0], color="0.4", lw=0.9, ls=style)
            ax.set_xscale("log")
            ax.set(ylabel=label)
        row[0].set_title(panel_title(model, layer), fontsize=9, loc="left")
    for ax in axes[-1]:
        ax.set_xlabel("temperature τ")
    return fig


def sharpening_figure(explanation: ClusteredExplanation, i: int = 0) -> Figure:
    """After Fig. 7: one image's scores, what softmax makes of them, and what dropout with the temperature does."""
    order = explanation.scores[i].argsort(descending=True)
    rows = {
        "scores $s_j$, logits": explanation.scores[i],
        "softmax": explanation.reweigh(weighting="softmax").weights[i],
        "dropout and\ntemperature softmax": explanation.weights[i],
    }
    fig, axes = figure(len(rows), 1, 4.4, sharex=True)
    kept = (explanation.weights[i][order] > 0).numpy()
    for ax, (name, found) in zip(axes[:, 0], rows.items(), strict=True):
        shown = found[order].numpy()
        ax.bar(np.arange(len(order)), shown, color=np.where(kept, KEPT, DROPPED))
        ax.set_ylabel(name, fontsize=9)
    axes[-1, 0].set_xlabel("group, by falling score")
    return fig


def ladder_figure(image: np.ndarray, explanation: ClusteredExplanation, taus: list[float], i: int = 0) -> Figure:
    """After Fig. 8: the maps of one image (H, W, 3) from tau large to tau small, with their coverage."""
    columns = len(taus) // 2 + 1
    fig, axes = figure(2, columns, 2 * (WIDTH / columns + 0.4))
    for ax in axes.flat:
        ax.set_axis_off()
    draw_image(axes[0, 0], image, "input\n")
    places = [*axes[0, 1:], *axes[1, 1:]]
    for ax, tau in zip(places, taus, strict=False):
        saliency = explanation.reweigh(temperature=tau).saliency[i]
        draw_overlay(ax, image, saliency, f"τ = {tau:g}\ncoverage {float(saliency.mean()):.0%}")
        ax.title.set_fontsize(9)
    return fig
