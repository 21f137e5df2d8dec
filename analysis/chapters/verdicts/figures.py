"""Figures of the chapter on verdicts."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.judging.rules import VERDICTS
from analysis.judging.text import network_text
from analysis.judging.ways.colours import COLOURS
from analysis.page.figures import single_axes


def tiers_figure(counts: pd.DataFrame) -> Figure:
    """How many claims have which verdict, a bar for each tier; `counts` is `counts.tier_counts`."""
    fig, ax = single_axes(1.9)
    left = pd.Series(0, index=counts.index)
    for verdict in (name for name in VERDICTS if counts[name].any()):
        ax.barh(counts.index, counts[verdict], left=left, color=COLOURS[verdict], label=verdict)
        for y, (n, x) in enumerate(zip(counts[verdict], left, strict=True)):
            if n:
                ax.text(x + n / 2, y, str(n), ha="center", va="center", fontsize=9)
        left = left + counts[verdict]
    ax.invert_yaxis()
    ax.set(xlabel="claims")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=6, fontsize=8, frameon=False)
    return fig


def effects_figure(table: pd.DataFrame) -> Figure | None:
    """Every standardised effect of the ledger with its interval, coloured by its verdict; None if there is none yet."""
    ran = table[table["d_z"].notna() & (table["model"] != "")]
    if not len(ran):
        return None
    fig, ax = single_axes(0.24 * len(ran) + 0.9)
    colours = [COLOURS[verdict] for verdict in ran["verdict"]]
    y = range(len(ran))
    ax.hlines(y, ran["d_z low"], ran["d_z high"], color=colours, lw=2)
    ax.scatter(ran["d_z"], y, color=colours, s=24, zorder=3)
    ax.axvline(0, color="0.4", lw=0.8, ls=":")
    ax.set_yticks(y, [f"{row['claim']}, {network_text(row)}" for _, row in ran.iterrows()], fontsize=8)
    ax.invert_yaxis()
    ax.set(xlabel="standardised effect d_z with its 95 % interval; above 0 favours the claim")
    return fig
