"""Tests of equivalence: is a paired difference smaller than a margin?"""

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics import checks
from analysis.statistics.results import HypothesisTest
from analysis.statistics.tails import log10_noncentral_t_cdf, log10_tail
from cluscam_lite.errors import unknown

UNITS = ("raw", "d_z")


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests. `above`: the mean is above -margin; `below`: it is below +margin. Both must reject.

    `estimate` is the mean difference and `margin` its bound, both in `units` ("raw" or "d_z"); `p` (0-1) is the
    larger of the two p-values.
    """

    p: float
    above: HypothesisTest
    below: HypothesisTest
    estimate: float
    margin: float
    units: str


def tost(x: ArrayLike, y: ArrayLike | None = None, *, margin: float, units: str = "raw") -> Equivalence:
    """Equivalence of paired samples: H0 is |mean of x - y| >= margin; n >= 2.

    With units "raw" each side is a one-sided paired t test against the margin (Schuirmann 1987). With "d_z" the margin
    is a multiple of the unknown standard deviation of the differences, so t is compared with the noncentral t
    distribution at margin * sqrt(n), which keeps the level exactly (Wellek 2010) where a plugged-in standard deviation
    would not. Raises CluscamError if the differences are constant or the margin is not above 0.
    """
    checks.positive(margin, "margin")
    if units not in UNITS:
        raise unknown("units of a margin", units, UNITS)
    d = checks.differences(x, y, least=2)
    checks.need_spread(d, "an equivalence test")
    n, df, sd = len(d), len(d) - 1, float(d.std(ddof=1))
    t = float(d.mean()) / sd * math.sqrt(n)
    if units == "raw":
        shift = margin / sd * math.sqrt(n)
        statistics = (t + shift, t - shift)
        log10_p = (log10_tail(stats.t(df), t + shift), log10_tail(stats.t(df), shift - t))
    else:
        statistics = (t, t)
        # P(T >= t) at -margin is P(T <= -t) at +margin
        log10_p = tuple(log10_noncentral_t_cdf(side, df, margin * math.sqrt(n)) for side in (-t, t))
    above, below = (
        HypothesisTest("TOST", statistic, 10**value, value, n, alternative, f"{units} margin {margin:g}", df)
        for statistic, value, alternative in zip(statistics, log10_p, ("greater", "less"), strict=True)
    )
    estimate = float(d.mean()) if units == "raw" else float(d.mean()) / sd
    return Equivalence(max(above.p, below.p), above, below, estimate, float(margin), units)


def tost_shares(only_first: int, only_second: int, n: int, margin: float) -> float:
    """p of equivalence of two paired shares: H0 is |difference| >= `margin`, a fraction in 0-1.

    Two one-sided Wald tests after one image is added to each discordant cell, as in the interval of Bonett and Price
    (2012) whose ends they agree with: both reject at 2.5 % where the 95 % interval lies within the margin.
    """
    checks.between_0_and_1(margin, "margin")
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    se = math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return float(stats.norm.sf((margin - abs(p - q)) / se))
