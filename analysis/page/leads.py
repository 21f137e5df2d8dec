"""One panel that answers a question: means with their intervals, a line for each thing and a colour for each series."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.page.figures import KEPT, single_axes

SERIES = ((KEPT, "o"), ("#c44e52", "s"), ("#dd9a3c", "^"), ("#6b8e5a", "D"), ("#7a5195", "v"), ("0.45", "P"))


def leads_figure(
    table: pd.DataFrame,
    lines: str,
    series: str,
    label: str,
    value: Sequence[str] = ("mean", "low", "high"),
    zero: float = 0.0,
    log: bool = False,
) -> Figure:
    """Means with intervals in one panel, from top to bottom in the order of the table.

    Args:
        table: a row for each dot.
        lines: the column whose values are the lines of the figure.
        series: the column whose values have a colour and a mark each.
        label: of the horizontal axis.
        value: the columns of the mean and of the ends of its interval.
        zero: where the dotted line stands that the dots are held against.
        log: whether the axis is logarithmic.
    """
    names, kinds = list(dict.fromkeys(table[lines])), list(dict.fromkeys(table[series]))
    room = 0.36 + 0.16 * max(0, len(kinds) - 2)  # inches for a line
    legend = -(-len(kinds) // 2) if len(kinds) > 1 else 0
    fig, ax = single_axes(0.8 + room * len(names) + 0.22 * legend)
    mean, low, high = value
    shifts = np.linspace(-0.27, 0.27, len(kinds)) if len(kinds) > 1 else [0.0]
    for i, kind in enumerate(kinds):
        mine = table[table[series] == kind]
        y = np.array([names.index(name) for name in mine[lines]]) + shifts[i]
        colour, mark = SERIES[i % len(SERIES)]
        ax.hlines(y, mine[low], mine[high], color=colour, lw=2)
        ax.plot(mine[mean], y, mark, color=colour, ms=5, label=kind)
    for edge in range(len(names) - 1):
        ax.axhline(edge + 0.5, color="0.92", lw=0.8, zorder=0)
    ax.axvline(zero, color="0.4", lw=0.8, ls=":", zorder=0)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(label)
    if legend:
        fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return fig


def interval_text(row: pd.Series, value: Sequence[str] = ("mean", "low", "high"), digits: int = 0) -> str:
    """A mean with its interval for a sentence, without its sign: "12 (7 to 17)"; a minus only at an end beyond 0."""
    mean, low, high = (float(row[name]) for name in value)
    if mean < 0:
        mean, low, high = -mean, -high, -low
    return f"{_number(mean, digits)} ({_number(low, digits)} to {_number(high, digits)})"


def span_text(values: Sequence[float] | pd.Series, digits: int = 1) -> str:
    """The least and the largest of some values, without their signs, for a sentence: "0.2 to 2.1"."""
    sizes = np.abs(np.asarray(values, dtype=float))
    least, most = _number(sizes.min(), digits), _number(sizes.max(), digits)
    return least if least == most else f"{least} to {most}"


def _number(x: float, digits: int) -> str:
    text = f"{x:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")
