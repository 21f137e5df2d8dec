"""What a matplotlib figure shows, read back from it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure


def dots(ax: Axes) -> np.ndarray:
    """All dots of scatter plots on the axes, (n, 2), in the order in which they were drawn."""
    found = [part.get_offsets() for part in ax.collections if isinstance(part, PathCollection)]
    return np.concatenate([np.empty((0, 2)), *(np.asarray(part) for part in found)])


def lines(ax: Axes) -> list[np.ndarray]:
    """The points (n, 2) of each line on the axes; markers alone count as lines, too."""
    return [np.column_stack(line.get_data()).astype(float) for line in ax.lines]


def widths(ax: Axes) -> list[float]:
    """The lengths of horizontal bars."""
    return [bar.get_width() for bar in ax.patches]


def heights(ax: Axes) -> list[float]:
    """The lengths of vertical bars."""
    return [bar.get_height() for bar in ax.patches]


def titles(figure: Figure) -> list[str]:
    """The titles of all axes that have one."""
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def row_names(ax: Axes) -> list[str]:
    """The labels of the vertical axis."""
    return [label.get_text() for label in ax.get_yticklabels()]
