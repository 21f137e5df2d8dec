"""Bootstrap intervals of many samples of the same images at once: the mean and d_z of each, by matrix products.

The same resamples serve every sample, so that a hundred ways to analyse one comparison cost little more than one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics import checks
from analysis.statistics.resampling.weights import weight_chunks
from cluscam_lite.errors import CluscamError


@dataclass(frozen=True)
class Batch:
    """Estimates and limits (samples,) of the mean and of d_z; d_z is NaN where a sample has no spread."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    d_z: np.ndarray
    d_z_low: np.ndarray
    d_z_high: np.ndarray


def batch_intervals(values: ArrayLike, level: float = 0.95, draws: int = 1_999, seed: int = 0) -> Batch:
    """BCa intervals (Efron 1987) of the mean and of d_z of each sample; `values` (samples, n), n >= 2.

    Where BCa has no answer (all resamples on one side of the estimate), the interval is the percentile interval, as in
    `bootstrap_intervals`, of which this is the fast form: it differs from it by the draws alone.
    Raises CluscamError for fewer than two images, or a value that is not finite.
    """
    checks.between_0_and_1(level, "level")
    checks.count(draws, "draws", least=100)
    x = checks.array(values, "values", ndim=2)
    samples, n = x.shape
    checks.at_least(2, n, "images")
    # d_z does not change with the unit, and sums of squares keep their digits near 0
    scale = np.maximum(np.abs(x).max(1, keepdims=True), np.finfo(float).tiny)
    z = x / scale
    means, spreads = np.empty((samples, draws)), np.empty((samples, draws))
    for some, weights in weight_chunks(n, draws, seed):
        means[:, some] = z @ weights.T
        spreads[:, some] = np.sqrt(np.maximum(0, z**2 @ weights.T - means[:, some] ** 2) * n / (n - 1))
    mean, spread = z.mean(1), z.std(1, ddof=1)
    left = (z.sum(1, keepdims=True) - z) / (n - 1)  # (samples, n), the mean without each image
    low, high = _bca(mean, means, left, level)
    flat = spread <= 1e-12
    none = np.full(samples, np.nan)
    if n < 3:
        d_z, d_low, d_high = none, none, none
    else:
        around = (z**2).sum(1, keepdims=True) - z**2 - (n - 1) * left**2
        without = np.sqrt(np.maximum(around, 0) / (n - 2))
        d_z = np.where(flat, np.nan, mean / np.where(flat, 1, spread))
        d_low, d_high = _bca(d_z, _ratio(means, spreads), _ratio(left, without), level)
        d_low, d_high = np.where(flat, np.nan, d_low), np.where(flat, np.nan, d_high)
    factor = scale[:, 0]
    return Batch(mean * factor, low * factor, high * factor, d_z, d_low, d_high)


def _ratio(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """d_z of resamples; 0 where all values of one are equal, as in `standardised`."""
    return np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 1e-12)


def _bca(estimate: np.ndarray, resampled: np.ndarray, left: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """BCa limits (samples,) from estimates (samples,), resamples (samples, draws) and jackknife values (samples, n)."""
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    below = (np.sum(resampled < estimate[:, None], 1) + np.sum(resampled <= estimate[:, None], 1)) / 2
    share = below / resampled.shape[1]
    ordered = np.sort(resampled, axis=1)
    influence = left.mean(1, keepdims=True) - left
    square = (influence**2).sum(1)
    ready = (share > 0) & (share < 1) & (square > 0)
    bias = stats.norm.ppf(np.where(ready, share, 0.5))
    pull = (influence**3).sum(1) / (6 * np.where(square > 0, square, 1) ** 1.5)
    at = bias[:, None] + stats.norm.ppf(tails)  # (samples, 2)
    probability = stats.norm.cdf(bias[:, None] + at / (1 - pull[:, None] * at))
    probability = np.where(ready[:, None], probability, tails)
    if not np.isfinite(probability).all():
        raise CluscamError("the acceleration of a sample is beyond BCa; give more images")
    place = probability * (ordered.shape[1] - 1)
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, ordered.shape[1] - 1)
    first, second = (np.take_along_axis(ordered, index, 1) for index in (lower, upper))
    limits = first + (place - lower) * (second - first)
    return limits[:, 0], limits[:, 1]
