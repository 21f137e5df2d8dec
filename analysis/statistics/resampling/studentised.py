"""An interval of the mean of few, skewed differences with many zeros, such as gains of confidence on twenty images."""

import math

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics import checks
from analysis.statistics.resampling.intervals import Interval
from analysis.statistics.resampling.weights import resample_weights

TINY = 1e-9  # standard deviations, in units of the sample's largest value, that rounding alone can leave


def symmetric_t_interval(x: ArrayLike, level: float = 0.95, draws: int = 9_999, seed: int = 0) -> Interval:
    """The symmetric studentised bootstrap interval of the mean of x (n,), n >= 2 (Hall 1988).

    As wide on either side as |t| of resamples is at `level` (0-1), where t is a resample's distance from the sample's
    mean in its own standard errors. In samples that a long tail or many zeros make look less spread than they are, BCa
    covers too rarely, and this covers about as often as it says (`tests/statistics/test_studentised.py`).

    Where so few values differ from the others that resamples without spread make up more than 1 - `level`, the limits
    are infinite, method "unbounded"; a constant sample has its value as limits, method "constant".
    """
    checks.between_0_and_1(level, "level")
    checks.count(draws, "draws", least=100)
    values = checks.differences(x, None, least=2)
    low, high = symmetric_t_limits(values[None], level, draws, seed)
    method = "symmetric bootstrap t" if math.isfinite(low[0]) else "unbounded"
    if checks.constant(values):
        method = "constant"
    return Interval(float(values.mean()), float(low[0]), float(high[0]), level, len(values), method)


def symmetric_t_limits(
    values: np.ndarray, level: float = 0.95, draws: int = 9_999, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high (samples,) of each row of `values` (samples, n), all from the same resamples."""
    samples, n = values.shape
    scale = np.maximum(np.abs(values).max(1, keepdims=True), np.finfo(float).tiny)
    z = values / scale
    mean, error = z.mean(1), z.std(1, ddof=1) / math.sqrt(n)
    weights = resample_weights(n, draws, seed)
    means = z @ weights.T
    spread = np.sqrt(np.maximum(z**2 @ weights.T - means**2, 0) / (n - 1))
    away = np.abs(means - mean[:, None])
    t = np.where(spread > TINY, away / np.maximum(spread, TINY), np.where(away > TINY, np.inf, 0))
    at = min(draws - 1, math.ceil(level * draws) - 1)
    with np.errstate(invalid="ignore"):
        half = np.where(error > TINY, np.partition(t, at, axis=1)[:, at] * error, 0) * scale[:, 0]
    middle = values.mean(1)
    return middle - half, middle + half
