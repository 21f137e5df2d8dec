"""The result of a test, and the text of a p-value that may be too small for a float."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class HypothesisTest:
    """The outcome of one test.

    Attributes:
        name: for instance "paired t".
        statistic: t, W+, the number of positive signs or a mean difference; the function says which.
        p: p-value, 0-1; 0 where it underflows.
        log10_p: its decimal logarithm, at most 0, finite even where `p` underflows.
        n: observations that the statistic uses (without zeros, if the test drops them).
        alternative: "greater", "less" or "two-sided".
        method: how `p` was computed, for instance "exact" or "normal approximation".
        df: degrees of freedom, if the test has any.
    """

    name: str
    statistic: float
    p: float
    log10_p: float
    n: int
    alternative: str
    method: str
    df: float | None = None

    @property
    def p_text(self) -> str:
        """The p-value for a table, from `log10_p`."""
        return p_text(self.log10_p)


def p_text(log10_p: float) -> str:
    """ "0.012" from one thousandth up, else two digits and an exponent: "1.5e-200"."""
    if log10_p >= -3:
        return f"{10**log10_p:.3f}"
    if log10_p == -math.inf:
        return "0"
    exponent = math.floor(log10_p)
    mantissa = f"{10 ** (log10_p - exponent):.1f}"
    return f"1.0e{exponent + 1}" if mantissa == "10.0" else f"{mantissa}e{exponent}"


def p_bound(log10_p: float) -> str:
    """The smallest power of ten above p, as the paper prints it: "< 10^-199" for log10 p = -199.8."""
    if log10_p >= -3:
        return p_text(log10_p)
    if log10_p == -math.inf:
        return "0"
    exponent = math.floor(log10_p) + 1  # strictly above p
    return f"< 10^{exponent}"
