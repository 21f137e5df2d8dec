"""What a claim's evidence decides, by the rule that the claim states beforehand (`analysis/paper/claims.yaml`)."""

SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN = "supported", "contradicted", "inconclusive", "not run"


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
