"""The figure of the chapter on verdicts."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.judging.rules import VERDICTS
from analysis.judging.ways.colours import COLOURS
from analysis.page.figures import single_axes


def tiers_figure(counts: pd.DataFrame) -> Figure:
    """How many claims have which verdict, a bar for each tier; `counts` is `counts.tier_counts`."""
    fig, ax = single_axes(2.4)
    left = pd.Series(0, index=counts.index)
    for verdict in (name for name in VERDICTS if counts[name].any()):
        ax.barh(counts.index, counts[verdict], left=left, color=COLOURS[verdict], label=verdict)
        for y, (n, x) in enumerate(zip(counts[verdict], left, strict=True)):
            if n:
                ax.text(x + n / 2, y, str(n), ha="center", va="center", fontsize=9)
        left = left + counts[verdict]
    ax.invert_yaxis()
    ax.set(xlabel="claims")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    return fig
