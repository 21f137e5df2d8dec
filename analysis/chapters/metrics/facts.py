"""What the reference run says about the metrics, as text for the sentences of the chapter."""

from collections.abc import Iterable

import pandas as pd

from analysis.chapters.metrics.page import FAKE, NULLS
from analysis.judging.compare import comparison_table
from cluscam_lite.methods import METHODS

OURS, BLANK = "ClusCAM", METHODS["ones"].title


def span(values: Iterable[float], digits: int = 0) -> str:
    """The smallest and the largest of some numbers, as text: "4 to 83"; one number if they look the same."""
    found = pd.Series(list(values), dtype=float).dropna()
    low, high = (f"{value:.{digits}f}".replace("-", "−") for value in (found.min(), found.max()))
    return low if low == high else f"{low} to {high}"


def fake_facts(means: pd.DataFrame) -> dict[str, str]:
    """FakeCAM against ClusCAM, from means of drop, increase and gain (percent) by network and title of the method.

    `below_fake` are the methods whose AD is below FakeCAM's anywhere, the map of ones left out.
    """
    drop, rise = means["drop"].unstack("network"), means["increase"].unstack("network")
    below = drop.index[(drop < drop.loc[FAKE]).any(axis=1)].drop(BLANK, errors="ignore")
    return {
        "panels": str(drop.shape[1]),
        "fake_ad": span(drop.loc[FAKE], 1),
        "clus_ad": span(drop.loc[OURS]),
        "fake_ad_ahead": str(int((drop.loc[FAKE] < drop.loc[OURS]).sum())),
        "below_fake": ", ".join(below) or "none",
        "fake_ic": span(rise.loc[FAKE]),
        "clus_ic": span(rise.loc[OURS]),
        "fake_ic_ahead": str(int((rise.loc[FAKE] > rise.loc[OURS]).sum())),
        "fake_ag": span(means["gain"].unstack("network").loc[FAKE], 1),
    }


def coverage_facts(both: pd.DataFrame, first: str, second: str, against: str = "GradCAM") -> dict[str, str]:
    """What equal coverage changes: in how many networks ClusCAM leads one rival before and after, and the order.

    `both` has the columns `first` and `second`, by network and title of the method. `order` is Spearman's correlation
    of the two columns over the methods, the smallest and the largest of any network.
    """
    wide = {name: both[name].unstack("network") for name in (first, second)}
    ahead = {name: int((table.loc[OURS] > table.loc[against]).sum()) for name, table in wide.items()}
    order = [part[first].corr(part[second], method="spearman") for _, part in both.dropna().groupby("network")]
    return {
        "ahead_before": str(ahead[first]),
        "ahead_after": str(ahead[second]),
        "order": span(order, 2),
    }


def own_fill(table: pd.DataFrame) -> pd.Series:
    """How much IC (points) ClusCAM gains if it was scored with the fill of the evaluation, by model and panel.

    `table` is that of `analysis.chapters.faithfulness.evidence.fill_table`. For each evaluation fill: the IC if scored
    with it less the mean IC if scored with another; then the mean over the evaluation fills.
    """
    gains = {}
    for block, part in table.groupby(["model", "panel"], sort=False):
        square = part.set_index("scored with")
        fills = list(square.index)
        gains[block] = sum(square.loc[f, f] - square.drop(f)[f].mean() for f in fills) / len(fills)
    return pd.Series(gains, dtype=float)


def null_facts(rows: pd.DataFrame) -> dict[str, str]:
    """In how many panels ClusCAM's IC is above and below each null method's, by 95 % intervals without 0."""
    table = comparison_table(rows[rows["method"].isin(("cluscam", *NULLS))], "increase")
    found = {}
    for name in NULLS:
        mine = table[table["against"] == name]
        found[f"{name}_ahead"] = str(int((mine["low"] > 0).sum()))
        found[f"{name}_behind"] = str(int((mine["high"] < 0).sum()))
    return found
