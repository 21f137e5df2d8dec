"""The figure of the chapter on agreement: the specification curve."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.chapters.agreement.evidence import dimensions, effect_columns, order_of
from analysis.judging.rules import NOT_RUN, WORDS
from analysis.judging.sources import Claim
from analysis.judging.ways.colours import COLOURS
from analysis.page.figures import WIDTH
from analysis.page.panels import panel_title

COLUMN, NAMES = 1.5, 1.9  # inches: of a network's panels, and of the words beside them


def curve_figure(ways: pd.DataFrame, claim: Claim) -> Figure:
    """The specification curve, a column for each network and layer.

    Above, the estimates of all ways, sorted, with their intervals, in the colours of their words; below, a dot for what
    each way chose.
    """
    ran = ways[ways["verdict"] != NOT_RUN]
    blocks = list(ran.groupby(["model", "panel"], sort=False))
    names = [(dimension, choice) for dimension in dimensions(ran) for choice in ran[dimension].unique()]
    fig = Figure(
        figsize=(max(WIDTH, NAMES + COLUMN * len(blocks)), 2.8 + 0.19 * len(names)), dpi=150, layout="constrained"
    )
    axes = fig.subplots(
        2, len(blocks), squeeze=False, sharey="row", sharex="col", height_ratios=[2.4, 0.19 * len(names) + 0.1]
    )
    for column, ((model, panel), mine) in enumerate(blocks):
        mine = mine.iloc[order_of(mine[effect_columns(claim)[0]])]
        _estimates(axes[0, column], mine, claim)
        axes[0, column].set_title(panel_title(model, panel).replace(", ", ",\n"), fontsize=9)
        _choices(axes[1, column], mine, names)
    axes[0, 0].set_ylabel(effect_columns(claim)[3], fontsize=9)
    axes[1, 0].set_yticks(range(len(names)), [f"{dimension}: {choice}" for dimension, choice in names], fontsize=9)
    there = [word for word in WORDS if (ran["verdict"] == word).any()]
    handles = [Line2D([], [], marker="o", ls="", color=COLOURS[word], label=word) for word in there]
    fig.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    return fig


def _estimates(ax: Axes, ways: pd.DataFrame, claim: Claim) -> None:
    """The sorted estimates of one block, and lines at 0 and at the smallest effect of interest on both sides."""
    estimate, low, high, _ = effect_columns(claim)
    x, colours = np.arange(len(ways)), [COLOURS[word] for word in ways["verdict"]]
    ax.vlines(x, ways[low], ways[high], color=colours, lw=1.2, alpha=0.7)
    ax.scatter(x, ways[estimate], color=colours, s=9, zorder=3)
    ax.axhline(0, color="0.3", lw=0.8)
    for side in (-1, 1):
        ax.axhline(side * claim["thresholds"]["sesoi"], color="0.5", lw=0.8, ls=":")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=9)


def _choices(ax: Axes, ways: pd.DataFrame, names: list[tuple[str, str]]) -> None:
    """What each way of one block chose: a row for each choice of each dimension."""
    chosen = [(x, y) for y, (dimension, choice) in enumerate(names) for x in np.flatnonzero(ways[dimension] == choice)]
    ax.scatter(*np.array(chosen).reshape(-1, 2).T, s=4, color="0.35", marker="s")
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(f"{len(ways)} ways, sorted", fontsize=9)
    ax.set_xticks([])
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(left=False)
