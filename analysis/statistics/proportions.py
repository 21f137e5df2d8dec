"""Paired proportions: McNemar's test for two methods."""

import math
from dataclasses import dataclass, replace

from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics import checks
from analysis.statistics.paired import sign_test
from analysis.statistics.resampling.intervals import Interval
from analysis.statistics.results import HypothesisTest


@dataclass(frozen=True)
class McNemar:
    """Two booleans per image: the four counts, the exact test, and p(first) - p(second) as a fraction, -1 to 1."""

    both: int
    only_first: int
    only_second: int
    neither: int
    exact: HypothesisTest
    difference: Interval


def mcnemar(first: ArrayLike, second: ArrayLike, *, alternative: str = "two-sided", level: float = 0.95) -> McNemar:
    """McNemar's test of two boolean samples (n,) of the same images, for instance the increase of two methods.

    The exact test is the sign test on the discordant images; the statistic is `only_first`. The interval of the
    difference is Bonett and Price's (2012) adjusted Wald interval.
    """
    checks.alternative(alternative)
    checks.between_0_and_1(level, "level")
    a, b = checks.booleans(first, "first"), checks.booleans(second, "second")
    checks.same_length(len(a), len(b), "first and second")
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    signs = sign_test(a.astype(float), b.astype(float), alternative=alternative)
    return McNemar(
        both=int((a & b).sum()),
        only_first=only_first,
        only_second=only_second,
        neither=int((~a & ~b).sum()),
        exact=replace(signs, name="McNemar", method="exact"),
        difference=bonett_price(only_first, only_second, len(a), level),
    )


def bonett_price(only_first: int, only_second: int, n: int, level: float = 0.95) -> Interval:
    """Interval of the difference of two paired proportions: Wald's after one image is added to each discordant cell."""
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = stats.norm.isf((1 - level) / 2) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    low, high = max(-1.0, p - q - half), min(1.0, p - q + half)
    return Interval((only_first - only_second) / n, float(low), float(high), level, n, "Bonett-Price")
