"""Shared parts of the figures of all chapters: size, colours, mosaics of maps, dots with intervals.

Maps and masks are shown in one perceptually uniform colour map, on a common scale of 0 to 1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from cluscam_lite.show.drawing import heat_map

WIDTH = 4.8  # inches: text of 9 points is about 9 pixels high in the 342 pixels of a phone's column
KEPT, DROPPED = "#2a6f97", "#b8b8b8"


def figure(rows: int, columns: int, height: float, width: float = WIDTH, **layout) -> tuple[Figure, np.ndarray]:
    """An empty figure and its axes (rows, columns), open above and at the right.

    Sizes are in inches; by default it is so narrow that its text can be read on a phone.
    """
    fig = Figure(figsize=(width, height), dpi=150, layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False, **layout)
    fig.get_layout_engine().set(h_pad=0.08)  # inches: panels that stand on each other stay apart
    sns.despine(fig)
    return fig, axes


def single_axes(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes, as `figure` makes it."""
    fig, axes = figure(1, 1, height, width)
    return fig, axes[0, 0]


def mosaic(maps: Tensor, columns: int) -> np.ndarray:
    """Maps (n, h, w) in [0, 1] as one picture (uint8 RGB), `columns` to a row, with white lines between them."""
    n, h, w = maps.shape
    gap = max(1, round(h / 12))
    rows = -(-n // columns)
    out = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, dtype=np.uint8)
    for i, one in enumerate(maps):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        out[top : top + h, left : left + w] = heat_map(one)
    return out


COLOURS = {"cluscam": KEPT, "rival": "#7a7a7a", "null": "#c44e52", "trivial": "#dd9a3c"}


def dots(
    axes: Sequence[Axes], table: pd.DataFrame, headings: Mapping[str, str], names: Sequence[str], colours: list[str]
) -> None:
    """The rows of a table as dots with their intervals, a panel per heading; names beside the first."""
    y = np.arange(len(table))
    for ax, (heading, label) in zip(axes, headings.items(), strict=True):
        if f"{heading} low" in table:
            ax.hlines(y, table[f"{heading} low"], table[f"{heading} high"], color=colours, lw=2)
        ax.scatter(table[heading], y, color=colours, s=18, zorder=3)
        ax.set_yticks(y, names if ax is axes[0] else [], fontsize=9)
        ax.set(xlabel=label)
        ax.invert_yaxis()
