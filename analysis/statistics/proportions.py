"""Paired proportions: McNemar's test for two methods, Cochran's Q for several."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q

from analysis.statistics import checks
from analysis.statistics.intervals import Interval
from analysis.statistics.paired import sign_test
from analysis.statistics.results import HypothesisTest
from analysis.statistics.tails import log10_tail


@dataclass(frozen=True)
class McNemar:
    """Two booleans per image: the four counts, both tests, and p(first) - p(second) as a fraction, -1 to 1."""

    both: int
    only_first: int
    only_second: int
    neither: int
    exact: HypothesisTest
    mid_p: HypothesisTest
    difference: Interval


def mcnemar(first: ArrayLike, second: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95) -> McNemar:
    """McNemar's test of two boolean samples (n,) of the same images, for instance the increase of two methods.

    The exact test is the sign test on the discordant images; the statistic is `only_first`. mid-p subtracts half the
    probability of the observed count (Fagerland, Lydersen and Laake 2013): less conservative, and not always below
    its nominal level. The interval of the difference is Bonett and Price's (2012) adjusted Wald interval.
    """
    checks.alternative(alternative)
    checks.between_0_and_1(level, "level")
    a, b = checks.booleans(first, "first"), checks.booleans(second, "second")
    checks.same_length(len(a), len(b), "first and second")
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    exact = sign_test(a.astype(float), b.astype(float), alternative=alternative)
    log10_mid_p = log10_of_mid_p(only_first, only_second, exact)
    return McNemar(
        both=int((a & b).sum()),
        only_first=only_first,
        only_second=only_second,
        neither=int((~a & ~b).sum()),
        exact=HypothesisTest("McNemar", exact.statistic, exact.p, exact.log10_p, exact.n, alternative, "exact"),
        mid_p=HypothesisTest("McNemar", exact.statistic, 10**log10_mid_p, log10_mid_p, exact.n, alternative, "mid-p"),
        difference=bonett_price(only_first, only_second, len(a), level),
    )


def log10_of_mid_p(only_first: int, only_second: int, exact: HypothesisTest) -> float:
    """log10 of the mid-p version of the exact p-value; 0 (p = 1) without discordant images."""
    if exact.n == 0:
        return 0.0
    both_tails = exact.alternative == "two-sided" and only_first != only_second
    log10_observed = float(stats.binom.logpmf(only_first, exact.n, 0.5)) / math.log(10)
    # p - P(observed) with two tails, else p - P(observed) / 2; as a ratio to p, which may underflow
    share = 10 ** (log10_observed - exact.log10_p) * (1 if both_tails else 0.5)
    return exact.log10_p + math.log10(1 - share)


def bonett_price(only_first: int, only_second: int, n: int, level: float = 0.95) -> Interval:
    """Interval of the difference of two paired proportions: Wald's after one image is added to each discordant cell."""
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = stats.norm.isf((1 - level) / 2) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    low, high = max(-1.0, p - q - half), min(1.0, p - q + half)
    return Interval((only_first - only_second) / n, float(low), float(high), level, n, "Bonett-Price")


def cochran_q(table: ArrayLike) -> HypothesisTest:
    """Cochran's Q on booleans (n, k): n images, k >= 2 methods; H0: every method is as often True.

    The statistic is Q, by chi-squared with k - 1 degrees of freedom; `n` counts the images on which the methods differ.
    If they never do, Q = 0 and p = 1.
    """
    hits = checks.booleans(table, "table", ndim=2)
    k = hits.shape[1]
    checks.at_least(2, k, "methods (columns of the table)")
    mixed = int((hits.any(1) & ~hits.all(1)).sum())
    if mixed == 0:
        return HypothesisTest("Cochran's Q", 0.0, 1.0, 0.0, 0, "two-sided", "the methods never differ", k - 1)
    result = cochrans_q(hits.astype(np.int64))
    q, p = float(result.statistic), float(result.pvalue)
    log10_p = log10_tail(stats.chi2(k - 1), q)
    return HypothesisTest("Cochran's Q", q, p, log10_p, mixed, "two-sided", "chi-squared", k - 1)
