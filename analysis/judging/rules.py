"""Words from numbers: by a claim's thresholds for each of its blocks, and from its blocks for the claim.

The thresholds are fields of `analysis/paper/claims.yaml`, which names the rule too. No other module decides on one of
the words. A block, which is a network and layer, gets one of these once it has run:

- supported: the effect is there, the paper's way;
- reversed: it is there, the other way;
- negligible: whatever there is, is smaller than the smallest effect of interest, which is more than no evidence;
- undecided: the images do not tell;
- uninformative: they could not have told, since too little could have happened.

Before that it is "not run", or "not tested" if the claim says that no study tests it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics import holm
from analysis.studies.rows import NOT_RUN

SUPPORTED, REVERSED, NEGLIGIBLE = "supported", "reversed", "negligible"
UNDECIDED, UNINFORMATIVE = "undecided", "uninformative"
NOT_TESTED = "not tested"
WORDS = (SUPPORTED, REVERSED, NEGLIGIBLE, UNDECIDED, UNINFORMATIVE, NOT_RUN, NOT_TESTED)  # of a block
CONTRADICTED = "contradicted"  # of a claim, by blocks of either kind:
AGAINST = (REVERSED, NEGLIGIBLE)
VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED, UNINFORMATIVE, NOT_RUN, NOT_TESTED)  # of a claim
FEWEST = 5  # images, or groups of them, on which two sides differ: no exact test at 5 % can reject with fewer
Thresholds = Mapping[str, Any]


def decide(
    interval: tuple[float, float],
    effect: float,
    effect_interval: tuple[float, float],
    ps: tuple[float, float, float],
    sesoi: float,
    alpha: float,
) -> str:
    """A directional claim with a smallest effect of interest, `sesoi`, by the same standard for either side.

    Args:
        interval: of the mean.
        effect, effect_interval: in the unit of `sesoi`.
        ps: corrected, of the claim, of its mirror image, and of equivalence (|effect| is below `sesoi`).
        sesoi, alpha: above 0; between 0 and 1.

    Returns:
        Supported: the interval is above 0, the effect is at least `sesoi`, and p is below `alpha`. Reversed: the same
        of the other side. Negligible: the effect's interval lies within -sesoi ... sesoi, and the p of equivalence is
        below `alpha`. Else undecided.
    """
    (low, high), (p, p_reversed, p_equivalence) = interval, ps
    if low > 0 and effect >= sesoi and p < alpha:
        return SUPPORTED
    if high < 0 and effect <= -sesoi and p_reversed < alpha:
        return REVERSED
    if -sesoi < effect_interval[0] and effect_interval[1] < sesoi and p_equivalence < alpha:
        return NEGLIGIBLE
    return UNDECIDED


def decide_limits(
    least: float, most: float, supported: Mapping[str, float], reversed_: Mapping[str, float], met: bool = True
) -> str:
    """A claim on a quantity whose values lie in least ... most: all of them have to keep the same limit.

    `supported` and `reversed_` are limits, {"at_most": x} for instance. Support also needs a further condition, if
    the claim has one, to be `met`.
    """
    if _keeps(least, most, supported) and met:
        return SUPPORTED
    return REVERSED if _keeps(least, most, reversed_) else UNDECIDED


def _keeps(least: float, most: float, limit: Mapping[str, float]) -> bool:
    ((kind, bound),) = limit.items()
    kept = {"at_most": most <= bound, "below": most < bound, "at_least": least >= bound, "more_than": least > bound}
    return bool(kept[kind])


def judge(table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """A claim's evidence (a row for each block) with its `verdict`, and Holm's p where the rule has a p.

    Rule "effect" reads `mean` and its `low` and `high`, or `d_z` and its limits, by the unit of the smallest effect of
    interest; `p`, `p_reversed` (the same, where a test is two-sided) and `p_equivalence`; `uninformative`, which says
    why a block could not have told, "" where it could; and `differing`, on how many images the two sides differ: with
    fewer than `FEWEST` only equivalence can be told. `of` names several effects, whose columns begin with
    their names: all have to be supported, and one can contradict. Rule "limits" reads `least` and `most`, and the
    column that `needs` names.
    """
    return RULES[thresholds["rule"]](table, thresholds)


def _by_effect(table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Holm corrects over the blocks, and the effects, so that no block has a verdict before all have run."""
    names = [f"{name} ".lstrip() for name in thresholds.get("of", [""])]
    ps = {name: [_tested(table, name, kind) for kind in ("p", "p_reversed", "p_equivalence")] for name in names}
    if any(p.isna().any() for kinds in ps.values() for p in kinds):
        return table.assign(verdict=NOT_RUN)
    corrected = {}
    for kind in range(3):
        together = holm(np.concatenate([ps[name][kind] for name in names])).reshape(len(names), len(table))
        corrected |= {(name, kind): together[i] for i, name in enumerate(names)}
    either = [np.minimum(corrected[name, 0], corrected[name, 1]) for name in names]  # one test, if it is two-sided
    same = [corrected[name, 2] for name in names]
    verdicts = []
    for i, row in enumerate(table.to_dict("records")):
        each = [
            _word(row, name, tuple(float(corrected[name, kind][i]) for kind in range(3)), thresholds) for name in names
        ]
        against = [word for word in each if word in AGAINST]
        verdicts.append(against[0] if against else each[0] if len({*each}) == 1 else UNDECIDED)
    ps_holm = {"p (Holm)": np.max(either, axis=0), "p equivalence (Holm)": np.max(same, axis=0)}
    return table.assign(**ps_holm, verdict=verdicts)


def _tested(table: pd.DataFrame, name: str, kind: str) -> pd.Series:
    """A p of each block: the two-sided one where there is none of the mirror image; 1 where equivalence has none."""
    if f"{name}p" not in table:
        return pd.Series([float("nan")] * len(table), index=table.index)
    p = table[f"{name}p"].astype(float)
    if kind == "p":
        return p
    if f"{name}{kind}" not in table:
        return p if kind == "p_reversed" else p.where(p.isna(), 1.0)
    return table[f"{name}{kind}"].astype(float).where(p.notna())


def _word(row: Mapping[str, Any], name: str, ps: tuple[float, ...], thresholds: Thresholds) -> str:
    """The word of one effect of a block."""
    why = row.get("uninformative")
    if isinstance(why, str) and why:
        return UNINFORMATIVE
    effect = "mean" if thresholds["unit"] == "points" else "d_z"
    of_effect = ("low", "high") if effect == "mean" else ("d_z low", "d_z high")
    interval, around = (tuple(float(row[f"{name}{end}"]) for end in ends) for ends in (("low", "high"), of_effect))
    word = decide(interval, float(row[f"{name}{effect}"]), around, ps, thresholds["sesoi"], thresholds["alpha"])
    hardly = row.get("differing", FEWEST) < FEWEST
    return UNINFORMATIVE if word == UNDECIDED and hardly else word


def _by_limits(table: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Each block by itself."""

    def verdict(row: Mapping[str, Any]) -> str:
        if pd.isna(row.get("least")):
            return NOT_RUN
        met = bool(row[thresholds["needs"]]) if "needs" in thresholds else True
        return decide_limits(row["least"], row["most"], thresholds["supported"], thresholds["reversed"], met)

    return table.assign(verdict=[verdict(row) for row in table.to_dict("records")])


RULES: dict[str, Callable[[pd.DataFrame, Thresholds], pd.DataFrame]] = {"effect": _by_effect, "limits": _by_limits}


def combine(words: Iterable[tuple[str, str]]) -> str:
    """One verdict of a claim from (network, word) of each block.

    A network counts once, however many of its layers ran: its word is `majority` of theirs, and the claim's that of
    its networks. Networks are never pooled, and a claim that holds on one and fails on another is neither proved nor
    refuted by that.
    """
    by_network: dict[str, list[str]] = {}
    for network, word in words:
        by_network.setdefault(network, []).append(word)
    return majority(majority(layers) for layers in by_network.values())


def majority(words: Iterable[str]) -> str:
    """A majority without opposition, of words of blocks or of `VERDICTS`.

    Not tested or not run: one is (or there is none). Supported: more than half are, and none is against it.
    Contradicted: more than half are reversed or negligible, and none is supported. Uninformative: all are; where some
    are not, an uninformative word counts as one that is neither for nor against. Else undecided.
    """
    found = [CONTRADICTED if word in AGAINST else word for word in words]
    for absent in (NOT_TESTED, NOT_RUN):
        if absent in found:
            return absent
    if not found:
        return NOT_RUN
    for verdict, opposite in ((SUPPORTED, CONTRADICTED), (CONTRADICTED, SUPPORTED), (UNINFORMATIVE, "")):
        least = len(found) - 1 if verdict == UNINFORMATIVE else len(found) / 2
        if found.count(verdict) > least and opposite not in found:
            return verdict
    return UNDECIDED


def of_sentence(verdicts: Iterable[str]) -> str:
    """One verdict of a sentence of the paper from its claims': it says all of them, so it falls with any.

    Contradicted: one is. Supported, uninformative, not run, not tested: all are. Else undecided.
    """
    found = list(verdicts)
    if CONTRADICTED in found:
        return CONTRADICTED
    if found and all(verdict == found[0] for verdict in found):
        return found[0]
    return UNDECIDED if found else NOT_RUN
