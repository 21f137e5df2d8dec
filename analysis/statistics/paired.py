"""Tests on paired samples: t, Wilcoxon's signed ranks, signs."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics import checks
from analysis.statistics.results import HypothesisTest
from analysis.statistics.tails import log10_sign_p, log10_symmetric_p

EXACT_UP_TO = 50  # differences, for Wilcoxon's test


def paired_t(x: ArrayLike, y: ArrayLike | None = None, *, alternative: str = "greater") -> HypothesisTest:
    """Student's t on the differences x - y (n,), n >= 2; H0: their mean is 0. The statistic is t, df = n - 1.

    If every difference is 0, there is no evidence: t = 0, p = 1. Raises CluscamError if they all equal another value.
    """
    checks.alternative(alternative)
    d = checks.differences(x, y, least=2)
    df = len(d) - 1
    if not d.any():
        return HypothesisTest("paired t", 0.0, 1.0, 0.0, len(d), alternative, "every difference is 0", df)
    checks.need_spread(d, "the t test")
    result = stats.ttest_1samp(d, 0, alternative=alternative)
    log10_p = log10_symmetric_p(stats.t(df), float(result.statistic), alternative)
    statistic, p = float(result.statistic), float(result.pvalue)
    return HypothesisTest("paired t", statistic, p, log10_p, len(d), alternative, "Student's t", df)


def signed_ranks(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The differences (m,) that are not 0, and the ranks (m,) of their sizes; ties share the mean rank."""
    d = d[d != 0]
    return d, stats.rankdata(checks.merged(np.abs(d)))


def wilcoxon(x: ArrayLike, y: ArrayLike | None = None, *, alternative: str = "greater") -> HypothesisTest:
    """Wilcoxon's signed-rank test on x - y (n,); H0: the differences are symmetric around 0. The statistic is W+.

    Zeros are dropped before ranking (Wilcoxon's own rule, scipy's default); `n` counts the rest. Up to 50 differences
    the p-value is exact, with ties too, and so never below the least possible; beyond, it is the normal approximation
    with the correction for ties and no correction for continuity. If every difference is 0, p = 1.
    """
    checks.alternative(alternative)
    d, ranks = signed_ranks(checks.differences(x, y))
    m = len(d)
    if m == 0:
        return HypothesisTest("Wilcoxon", 0.0, 1.0, 0.0, 0, alternative, "every difference is 0")
    w = float(ranks[d > 0].sum())
    ties = np.unique(ranks, return_counts=True)[1].astype(float)  # sizes of the groups of equal ranks
    if m <= EXACT_UP_TO:
        p = exact_p(ranks, w, alternative)
        return HypothesisTest("Wilcoxon", w, p, math.log10(p), m, alternative, "exact")
    variance = m * (m + 1) * (2 * m + 1) / 24 - (ties**3 - ties).sum() / 48
    z = (w - m * (m + 1) / 4) / math.sqrt(variance)
    log10_p = log10_symmetric_p(stats.norm(), z, alternative)
    return HypothesisTest("Wilcoxon", w, 10**log10_p, log10_p, m, alternative, "normal approximation")


def exact_p(ranks: np.ndarray, w: float, alternative: str) -> float:
    """p of W+ = `w` for ranks (m,), m <= 50, halves among them where there are ties: all 2^m choices of signs, counted.

    The distribution of W+ is symmetric; the two-sided p is twice the smaller tail, at most 1.
    """
    doubled = np.rint(2 * ranks).astype(int)
    counts = np.zeros(doubled.sum() + 1)  # of the choices with each 2 W+; whole numbers up to 2^50, exact in float64
    counts[0] = 1
    for rank in doubled:
        counts[rank:] += counts[:-rank].copy()
    total, at = 2.0 ** len(ranks), round(2 * w)
    above, below = counts[at:].sum() / total, counts[: at + 1].sum() / total
    if alternative == "two-sided":
        return float(min(1.0, 2 * min(above, below)))
    return float(above if alternative == "greater" else below)


def sign_test(x: ArrayLike, y: ArrayLike | None = None, *, alternative: str = "greater") -> HypothesisTest:
    """The exact sign test on x - y (n,); H0: positive and negative are equally likely.

    The statistic is the number of positive differences. Zeros are dropped; `n` counts the rest. If every difference
    is 0, p = 1.
    """
    checks.alternative(alternative)
    d = checks.differences(x, y)
    k, m = int((d > 0).sum()), int((d != 0).sum())
    if m == 0:
        return HypothesisTest("sign", 0.0, 1.0, 0.0, 0, alternative, "every difference is 0")
    p = float(stats.binomtest(k, m, 0.5, alternative).pvalue)
    return HypothesisTest("sign", float(k), p, log10_sign_p(k, m, alternative), m, alternative, "exact")
