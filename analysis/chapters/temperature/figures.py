"""Figures of the `temperature` chapter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.page.figures import DROPPED, KEPT, figure
from analysis.page.panels import panel_title
from cluscam_lite.explanation import ClusteredExplanation

BLOCK = ["model", "layer"]


def temperature_figure(table: pd.DataFrame, labels: Mapping[str, str]) -> Figure:
    """Measures against tau on a logarithmic axis, a row of panels for each and a column for each network.

    Bands: 95 % intervals; dotted: the limits of one group and of all. `table` is that of the temperature chapter's
    `evidence.curve`; the ring is Eq. 10's tau.
    """
    found = list(table.groupby(BLOCK, sort=False))
    fig, axes = figure(len(labels), len(found), 1.75 * len(labels) + 0.5, sharex=True)
    for column, ((model, layer), mine) in zip(axes.T, found, strict=True):
        grid, own = mine[mine["kind"] == "grid"], mine[mine["kind"] == "table 3"]
        for ax, (measure, label) in zip(column, labels.items(), strict=True):
            ax.plot(grid["tau"], grid[measure], color=KEPT, marker="o", ms=3)
            if f"{measure} low" in grid:
                ax.fill_between(grid["tau"], grid[f"{measure} low"], grid[f"{measure} high"], color=KEPT, alpha=0.15)
            ax.plot(own["tau"], own[measure], "o", ms=9, mfc="none", mec="#c44e52", mew=1.6)
            for kind, style in (("best", ":"), ("uniform", "--")):
                ax.axhline(mine.loc[mine["kind"] == kind, measure].iloc[0], color="0.4", lw=0.9, ls=style)
            ax.set_xscale("log")
            ax.set(ylabel=label if ax is axes[list(labels).index(measure), 0] else "")
        column[0].set_title(panel_title(model, layer).replace(", ", ",\n"), fontsize=9, loc="left")
        column[-1].set_xlabel("temperature τ")
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
