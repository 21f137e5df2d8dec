"""Verdicts from numbers: by a claim's thresholds for each of its blocks, and from its blocks for the claim.

The thresholds are fields of `analysis/paper/claims.yaml`, which names the rule too. No other module says supported or
contradicted.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.statistics import holm
from analysis.studies.rows import NOT_RUN

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
VERDICTS = (SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN)
Thresholds = Mapping[str, Any]


def decide(low: float, high: float, effect: float, effect_high: float, p: float, sesoi: float, alpha: float) -> str:
    """A directional claim with a smallest effect of interest.

    Supported: the interval (low, high) of the mean is above 0, the `effect` is at least `sesoi`, and the corrected `p`
    is below `alpha`. Contradicted: the interval is below 0, or `effect_high`, the upper end of the effect's interval,
    is below `sesoi`. Otherwise inconclusive.
    """
    if low > 0 and effect >= sesoi and p < alpha:
        return SUPPORTED
    if high < 0 or effect_high < sesoi:
        return CONTRADICTED
    return INCONCLUSIVE


def decide_limits(
    least: float, most: float, supported: Mapping[str, float], contradicted: Mapping[str, float], met: bool = True
) -> str:
    """A claim on a quantity whose values lie in least ... most: all of them have to keep the same limit.

    `supported` and `contradicted` are limits, {"at_most": x} for instance. Support also needs a further condition, if
    the claim has one, to be `met`.
    """
    if _keeps(least, most, supported) and met:
        return SUPPORTED
    return CONTRADICTED if _keeps(least, most, contradicted) else INCONCLUSIVE


def _keeps(least: float, most: float, limit: Mapping[str, float]) -> bool:
    ((kind, bound),) = limit.items()
    kept = {"at_most": most <= bound, "below": most < bound, "at_least": least >= bound, "more_than": least > bound}
    return bool(kept[kind])


def judge(table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """A claim's evidence (a row for each block) with its `verdict`, and Holm's p where the rule has a p.

    Rule "effect" reads `mean` and `high`, or `d_z` and `d_z high`, by the unit of the smallest effect of interest, with
    `low`, `high` and `p`. `of` names several effects, whose columns begin with their names: all have to be supported,
    and one can contradict. Rule "limits" reads `least` and `most`, and the column that `needs` names.
    """
    return RULES[thresholds["rule"]](table, thresholds)


def _by_effect(table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """p is Holm's over the blocks, so that no block has a verdict before all have run."""
    if "p" not in table or table["p"].isna().any():
        return table.assign(verdict=NOT_RUN)
    table = table.assign(**{"p (Holm)": holm(table["p"])})
    effect, end = ("mean", "high") if thresholds["unit"] == "points" else ("d_z", "d_z high")
    verdicts = []
    for _, row in table.iterrows():
        each = set()
        for name in thresholds.get("of", [""]):
            numbers = (float(row[f"{name} {what}".lstrip()]) for what in ("low", "high", effect, end))
            each.add(decide(*numbers, row["p (Holm)"], thresholds["sesoi"], thresholds["alpha"]))
        verdicts.append(CONTRADICTED if CONTRADICTED in each else each.pop() if len(each) == 1 else INCONCLUSIVE)
    return table.assign(verdict=verdicts)


def _by_limits(table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Each block by itself."""

    def verdict(row: pd.Series) -> str:
        if pd.isna(row.get("least")):
            return NOT_RUN
        met = bool(row[thresholds["needs"]]) if "needs" in thresholds else True
        return decide_limits(row["least"], row["most"], thresholds["supported"], thresholds["contradicted"], met)

    return table.assign(verdict=[verdict(row) for _, row in table.iterrows()])


RULES: dict[str, Callable[[pd.DataFrame, Thresholds], pd.DataFrame]] = {"effect": _by_effect, "limits": _by_limits}


def combine(decisions: Iterable[str]) -> str:
    """One verdict of a claim from those of its networks and layers: a majority without opposition.

    Not run: any has not run (or there is none). Supported: more than half are supported and none is contradicted.
    Contradicted: more than half are contradicted and none is supported. Otherwise inconclusive. Networks are never
    pooled, and a claim that holds on one and fails on another is neither proved nor refuted by that.
    """
    found = list(decisions)
    if not found or NOT_RUN in found:
        return NOT_RUN
    for verdict, opposite in ((SUPPORTED, CONTRADICTED), (CONTRADICTED, SUPPORTED)):
        if found.count(verdict) > len(found) / 2 and opposite not in found:
            return verdict
    return INCONCLUSIVE
