"""Figures of the `audit` chapter."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.chapters.audit.audit import gains_above_increases
from analysis.chapters.audit.counts import fitting
from analysis.chapters.audit.table1 import SHAPES, log10_p_t, log10_p_wilcoxon
from analysis.page.figures import DROPPED, KEPT, figure, single_axes

IMPOSSIBLE = "#c44e52"
SHADES = (KEPT, "#dd9a3c", "#55a868", "#8172b3")


def impossible_figure(cells: pd.DataFrame) -> Figure:
    """AG against IC of every cell of Tables 5 and 6; no cell can lie above the diagonal."""
    fig, axes = figure(2, 1, 7.4, sharex=True, sharey=True)
    bad = gains_above_increases(cells)
    for ax, dataset in zip(axes[:, 0], cells["dataset"].unique(), strict=True):
        every, mine = (table[table["dataset"] == dataset] for table in (cells, bad))
        ax.fill_between([0, 100], [0, 100], 100, color=IMPOSSIBLE, alpha=0.08, lw=0)
        ax.plot([0, 100], [0, 100], color="0.4", lw=0.8, ls=":")
        ax.scatter(every["IC"], every["AG"], s=16, color=DROPPED, label="possible")
        ax.scatter(mine["IC"], mine["AG"], s=28, color=IMPOSSIBLE, marker="D", label="impossible", zorder=3)
        for model, one in mine.groupby("model", sort=False):
            top = one.loc[one["AG"].idxmax()]
            ax.annotate(f"{model} ({len(one)})", (top["IC"], top["AG"]), xytext=(0, 8), textcoords="offset points",
                        ha="center", fontsize=9)  # fmt: skip
        ax.set_title(f"{dataset}, {len(every)} cells", fontsize=10)
        ax.set(ylabel="AG, %", xlim=(-2, 100), ylim=(-2, 100))
    axes[-1, 0].set_xlabel("IC, %")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return fig


def counts_figure(percentages: Mapping[str, np.ndarray], largest: int = 3000) -> Figure:
    """How many of a table's percentages are multiples of 100 / N, for every N; dotted: the number by chance."""
    fig, axes = figure(len(percentages), 1, 2.1 * len(percentages) + 0.3, sharex=True, sharey=True)
    for ax, (title, values) in zip(axes[:, 0], percentages.items(), strict=True):
        table = fitting(values, np.arange(50, largest))
        best = table.loc[table["fit"].idxmax()]
        ax.plot(table["n"], table["fit"], color=KEPT, lw=0.7)
        ax.plot(table["n"], table["chance"], color="black", lw=1, ls=":")
        ax.annotate(f"N = {best['n']:.0f}\n{best['fit']:.0f} of {len(values)}", (best["n"], best["fit"]),
                    xytext=(-6, -4), textcoords="offset points", ha="right", va="top", fontsize=9)  # fmt: skip
        ax.set_title(title, fontsize=10)
        ax.set(ylabel="percentages that fit")
    axes[-1, 0].set_xlabel("number of images N")
    return fig


def table1_figure(d_range: tuple[float, float], bounds: Mapping[str, float]) -> Figure:
    """log10 p against Cohen's d at 2,000 images: the t test, and Wilcoxon's for four shapes of the differences.

    `d_range`: the printed smallest and largest d; `bounds`: test -> log10 of its printed bound.
    """
    fig, ax = single_axes(3.8)
    d = np.linspace(0.6, 1.0, 21)
    ax.axvspan(*d_range, color="0.93")
    ax.plot(d, [log10_p_t(value) for value in d], color="black", lw=1.6, label="t test")
    for shape, colour in zip(SHAPES, SHADES, strict=True):
        ax.plot(d, log10_p_wilcoxon(d, shape), color=colour, ls="--", label=f"Wilcoxon, {shape}")
    behind = {"fc": "white", "ec": "none", "alpha": 0.7, "pad": 1}
    for i, (test, bound) in enumerate(bounds.items()):
        ax.axhline(bound, color="0.4", lw=0.8, ls=":")
        ax.annotate(f"printed bound, {test}", (0.995, bound), ha="right", va=("bottom", "top")[i], fontsize=9,
                    xytext=(0, 2 - 4 * i), textcoords="offset points", bbox=behind)  # fmt: skip
    ax.invert_yaxis()
    ax.set(xlabel="Cohen's d (shaded: the range of Table 1)", ylabel="log10 p, smaller is higher up", xlim=(0.6, 1))
    ax.legend(fontsize=9, frameon=False, loc="upper left")
    return fig


def algorithm2_figure(tables: Mapping[str, pd.DataFrame], choices: Mapping[str, Mapping[str, float]]) -> Figure:
    """Algorithm 2 on several curves: P (left) and its curvature C (right); marked: the largest and the smallest C."""
    fig, axes = figure(len(tables), 2, 1.9 * len(tables) + 0.3, sharex="row")
    for (left, right), (title, table) in zip(axes, tables.items(), strict=True):
        left.plot(table["K"], table["P"], "o-", ms=3, color="0.3", lw=1)
        right.axhline(0, color="0.4", lw=0.8, ls=":")
        right.plot(table["K"], table["C"], "o-", ms=3, color="0.3", lw=1)
        marks = {"argmax": ("^", IMPOSSIBLE, "largest C"), "argmin": ("v", KEPT, "smallest C")}
        for name, (marker, colour, words) in marks.items():
            row = table[table["K"] == choices[title][name]].iloc[0]
            for ax, value in ((left, row["P"]), (right, row["C"])):
                ax.scatter([row["K"]], [value], marker=marker, s=60, color=colour, zorder=3, label=words)
        left.set_title(title, fontsize=9, loc="left")
        left.set_ylabel("P(K), logits", fontsize=9)
        right.set_ylabel("curvature C", fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("K")
    axes[0, 0].legend(fontsize=9, frameon=False)
    return fig
