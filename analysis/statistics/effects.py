"""Effect sizes of paired samples."""

import math

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics import checks
from analysis.statistics.paired import signed_ranks
from analysis.statistics.resampling.intervals import Interval, bootstrap_interval, bootstrap_intervals


def d_z(x: ArrayLike, y: ArrayLike | None = None) -> float:
    """Cohen's d of paired data: mean / sample standard deviation of the differences x - y (n,), n >= 2.

    The paper's "Cohen's d" agrees with this one: t = d_z * sqrt(n) gives its p-values. 0 if every difference is 0.
    Raises CluscamError if they all equal another value.
    """
    d = checks.differences(x, y, least=2)
    if not d.any():
        return 0.0
    checks.need_spread(d, "d_z")
    return float(d.mean() / d.std(ddof=1))


def rank_biserial(x: ArrayLike, y: ArrayLike | None = None) -> float:
    """Matched-pairs rank-biserial correlation of x - y (n,): (W+ - W-) / (W+ + W-), from -1 to 1.

    Zeros are dropped, as in :func:`wilcoxon`. 0 if every difference is 0. Source: Kerby 2014, the simple difference
    formula.
    """
    d, ranks = signed_ranks(checks.differences(x, y))
    return float((np.sign(d) * ranks).sum() / ranks.sum()) if len(d) else 0.0


def standardised(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """d_z along an axis; 0 where all values are equal, as they may be in a resample of a bootstrap."""
    spread = x.std(axis=axis, ddof=1)
    return np.divide(x.mean(axis=axis), spread, out=np.zeros_like(spread), where=spread > 0)


def mean_and_d_z(differences: ArrayLike, level: float = 0.95) -> tuple[Interval, Interval]:
    """The mean of differences (n,), n >= 2, and their d_z, with the intervals of one bootstrap.

    If the differences are all equal, their spread is unknown: d_z and its limits are NaN, method "no spread".
    """
    d = checks.differences(differences, None, least=2)
    if checks.constant(d):
        nothing = Interval(math.nan, math.nan, math.nan, level, len(d), "no spread")
        return bootstrap_interval(d, level=level), nothing
    mean, effect = bootstrap_intervals(d, statistics=(np.mean, standardised), level=level)
    return mean, effect
