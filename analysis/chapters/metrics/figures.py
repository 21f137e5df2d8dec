"""The figures of the chapter on the metrics, readable on a phone: two panels side by side."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.page.figures import COLOURS, KEPT, figure
from cluscam_lite.methods import METHODS

PALETTE = {
    "ClusCAM": COLOURS["cluscam"],
    "rivals": COLOURS["rival"],
    "null methods": COLOURS["null"],
    "trivial maps": COLOURS["trivial"],
    "FakeCAM": "#1a1a1a",
}
MARKERS, SHADES = "osD", (KEPT, "#c44e52", "#dd9a3c")


def ways_figure(table: pd.DataFrame, label: str, across: int = 2) -> Figure:
    """Each method's number measured in several ways, joined by a line; a panel for each network.

    `table` has a row for each network and title of a method, and a column for each way (at most three).
    """
    networks = table.index.unique("network")
    titles = [info.title for info in METHODS.values() if info.title in table.index.unique("title")]
    down = -(-len(networks) // across)
    fig, axes = figure(down, across, (0.21 * len(titles) + 0.7) * down + 0.5, sharex=True, sharey=True)
    y = np.arange(len(titles))
    for ax, network in zip(axes.flat, networks, strict=False):
        mine = table.loc[network].reindex(titles)
        ax.hlines(y, mine.min(axis=1), mine.max(axis=1), color="0.75", lw=1.5)
        for marker, shade, way in zip(MARKERS, SHADES, table.columns, strict=False):
            ax.scatter(mine[way], y, s=24, marker=marker, color=shade, label=way, zorder=3)
        ax.set_yticks(y, titles, fontsize=9)
        ax.set_title(fill(network, 20), fontsize=9)
    for ax in axes.flat[len(networks) :]:
        ax.set_axis_off()
    for ax in axes.flat[max(0, len(networks) - across) : len(networks)]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    axes[0, 0].invert_yaxis()
    fig.supxlabel(label, fontsize=10)
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(table.columns), fontsize=9
    )
    return fig
