"""The figure of the chapter on the fifth network."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.page.figures import KEPT, single_axes


def effects_figure(table: pd.DataFrame, ledger: pd.DataFrame) -> Figure | None:
    """Standardised effects, a line for each predicted claim: the fifth network with its interval, the four as rings.

    `table` is `evidence.prediction_table`. None if the fifth network has none yet.
    """
    ran = table[table["d_z"].notna()]
    if not len(ran):
        return None
    fig, ax = single_axes(0.3 * len(ran) + 1.1)
    y = range(len(ran))
    for i, claim in enumerate(ran["claim"]):
        others = ledger.loc[(ledger["claim"] == claim) & (ledger["model"] != ""), "d_z"].dropna()
        ax.scatter(others, [i] * len(others), s=26, facecolors="none", edgecolors="0.45", label="the four" * (not i))
    ax.hlines(y, ran["d_z low"], ran["d_z high"], color=KEPT, lw=2)
    ax.scatter(ran["d_z"], y, color=KEPT, s=28, zorder=3, label="the fifth")
    ax.axvline(0, color="0.4", lw=0.8, ls=":")
    ax.set_yticks(y, ran["claim"])
    ax.invert_yaxis()
    ax.set(xlabel="standardised effect d_z, of the fifth network with its 95 % interval; above 0 favours the claim")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9, frameon=False)
    return fig
