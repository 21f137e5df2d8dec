"""What a claim's evidence decides, by the rule that the claim states beforehand (`analysis/paper/claims.yaml`)."""

from collections.abc import Iterable

from analysis.engine.rows import NOT_RUN

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
VERDICTS = (SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN)


def decide(
    low: float, high: float, effect: float, effect_high: float, p: float, sesoi: float, alpha: float = 0.05
) -> str:
    """The rule of C6a and C6b: a directional claim with a smallest effect of interest.

    Supported: the interval (low, high) of the mean is above 0, the standardised `effect` is at least `sesoi`, and the
    corrected `p` is below `alpha`. Contradicted: the interval is below 0, or `effect_high`, the upper end of the
    effect's interval, is below `sesoi`. Otherwise inconclusive.
    """
    if low > 0 and effect >= sesoi and p < alpha:
        return SUPPORTED
    if high < 0 or effect_high < sesoi:
        return CONTRADICTED
    return INCONCLUSIVE


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
