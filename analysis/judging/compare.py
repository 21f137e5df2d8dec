"""Two methods on the same images: mean difference with its interval, test and effect size (design: "Comparisons")."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.engine.rows import NOT_RUN
from analysis.judging.rules import decide
from analysis.page.panels import KEYS, panels, wide
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


def comparison_table(
    rows: pd.DataFrame, measure: str, form: str = "raw", fill: str = "mean", name: str = "cluscam"
) -> pd.DataFrame:
    """`name` against every other method in every panel; above 0 it is the better one."""
    found = []
    for model, panel, block in panels(rows):
        table = wide(block, measure, form, fill)
        if name in table:
            pairs = against_all(table, name, measure)
            found.append(pairs.assign(model=model, panel=panel, measure=measure, form=form, fill=fill))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def claim_evidence(
    rows: pd.DataFrame, claim: Mapping[str, Any], groups: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """What each block of a claim's population says, on exactly its images; `decision` "not run" where one is missing.

    The images are the first n that the study ran in the panel; with `groups` (image id -> group), the means over those
    of a group are compared. p is Holm's over the blocks, so a decision waits for
    all of them.
    """
    contrast, found = claim["contrast"], []
    for block in claim["population"]["blocks"]:
        row = {"claim": claim["id"], "model": block["model"], "panel": block["layer"], "planned": block["n"]}
        row["tier"] = claim["tier"][block["model"]]
        pair = pair_of(rows, block, contrast)
        if pair is not None and groups is not None:
            pair = tuple(values.groupby(values.index.map(groups)).mean() for values in pair)
        found.append(row | (compare(pair[0], pair[1], contrast["measure"]) if pair is not None else {}))
    return judged(pd.DataFrame(found), contrast)


def pair_of(
    rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]
) -> tuple[pd.Series, pd.Series] | None:
    """The two methods' values on the block's images, None unless both ran on all of them.

    Localisation has values on the images with one box only; those are used. The contrast may name another `form` and
    `fill` than the maps as they are on the image's mean.
    """
    if not len(rows):
        return None
    there = (rows.model == block["model"]) & (rows.panel == block["layer"])
    pair = [contrast["method"], contrast["against"]]
    if not {*pair} <= set(rows.loc[there, "method"].unique()):
        return None
    needed = dict.fromkeys([*KEYS, "drop", contrast["measure"]])
    mine = rows.loc[there, list(needed)]  # filtering all columns would take most of the time
    how = contrast.get("form", "raw"), contrast.get("fill", "mean")
    ran = wide(mine, "drop", *how).reindex(columns=pair).iloc[: block["n"]]
    if len(ran) < block["n"] or ran.isna().any(axis=None):
        return None
    values = wide(mine, contrast["measure"], *how).loc[ran.index, pair].dropna()
    return values[contrast["method"]], values[contrast["against"]]
