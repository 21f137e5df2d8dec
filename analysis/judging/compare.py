"""Two methods on the same images: mean difference with its interval, test and effect size (design: "Comparisons")."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.judging.rules import NOT_RUN, decide
from analysis.statistics import bonett_price, holm, mcnemar, mean_and_d_z, rank_biserial, wilcoxon

# measure -> is more better?
BETTER = {
    "drop": "lower",
    "increase": "higher",
    "gain": "higher",
    "gain_over_p": "higher",
    "ep": "higher",
    "le": "lower",
    "le_soft": "lower",
    "le_half": "lower",
    "le_energy": "lower",
    "ep_unscaled": "higher",
    "le_unscaled": "lower",
}
# the measures that are 0 or 100 for each image
SHARES = ("increase",)
# images, or groups of them, on which two shares differ: with fewer a bootstrap resamples next to nothing, too surely
FEWEST = 5


def compare(first: ArrayLike, second: ArrayLike, measure: str) -> dict[str, Any]:
    """`first` against `second` (n,), the same images in the same order, in percent; n >= 2.

    Differences are turned so that above 0 `first` is better. The test is McNemar's for shares of images (exact) and
    Wilcoxon's for the others, also for shares within groups of images; both two-sided. Intervals are BCa, but Bonett
    and Price's for shares that differ on fewer than `FEWEST` images, or groups: a group then counts as if all its
    images differed, the most that it can do. d_z and its interval are NaN where all differences are equal.
    """
    a, b = (np.asarray(values, dtype=float) for values in (first, second))
    better = (a - b) if BETTER[measure] == "higher" else (b - a)
    mean, effect = mean_and_d_z(better)
    low, high = mean.low, mean.high
    ahead, behind = int((better > 0).sum()), int((better < 0).sum())
    if measure in SHARES and ahead + behind < FEWEST:
        few = bonett_price(ahead, behind, len(better))
        low, high = 100 * few.low, 100 * few.high
    if measure in SHARES and np.isin([a, b], (0, 100)).all():
        test = mcnemar(a > 50, b > 50).exact
    else:
        test = wilcoxon(better, alternative="two-sided")
    return {
        "n": len(better),
        "mean": mean.estimate,
        "low": low,
        "high": high,
        "d_z": effect.estimate,
        "d_z low": effect.low,
        "d_z high": effect.high,
        "rank-biserial": rank_biserial(better),
        "test": test.name,
        "p": test.p,
        "log10 p": test.log10_p,
    }


def against_all(wide: pd.DataFrame, name: str, measure: str) -> pd.DataFrame:
    """`name` against every other method: `wide` has a row for each image and a column for each method.

    Each pair is compared on the images that both have (dear methods ran on fewer); pairs with fewer than two are left
    out.
    """
    found = []
    for other in wide.columns.drop(name):
        both = wide[[name, other]].dropna()
        if len(both) >= 2:
            found.append({"against": other, **compare(both[name], both[other], measure)})
    return pd.DataFrame(found)


def smallest_effect(contrast: Mapping[str, Any], comparison: Mapping[str, Any]) -> tuple[float, float, float]:
    """What a claim's smallest effect of interest is held against: effect, the upper end of its interval, and the sesoi.

    `contrast` names "points" (percentage points of the mean difference) or "d_z".
    """
    if "points" in contrast:
        return comparison["mean"], comparison["high"], float(contrast["points"])
    return comparison["d_z"], comparison["d_z high"], float(contrast["d_z"])


def judged(table: pd.DataFrame, contrast: Mapping[str, Any]) -> pd.DataFrame:
    """The blocks of a claim (rows of `compare`, without numbers where one did not run) with Holm's p and `decision`.

    p is Holm's over the blocks, so a decision waits for all of them: "not run" until then.
    """
    if "p" not in table or table["p"].isna().any():
        return table.assign(decision=NOT_RUN)
    table = table.assign(**{"p (Holm)": holm(table["p"])})
    decisions = []
    for _, row in table.iterrows():
        effect, effect_high, sesoi = smallest_effect(contrast, row)
        decisions.append(decide(row["low"], row["high"], effect, effect_high, row["p (Holm)"], sesoi))
    return table.assign(decision=decisions)
