"""A permutation test: is the K-Means partition exchangeable with random partitions of the same image?"""

import math

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics import checks
from analysis.statistics.results import HypothesisTest

EXACT_UP_TO = 200_000  # relabellings
CHUNK = 4_000_000  # random labels held at once


def permutation_test(
    observed: ArrayLike, controls: ArrayLike, *, alternative: str = "greater", draws: int = 99_999, seed: int = 0
) -> HypothesisTest:
    """The mean over images of Delta_i = y_i - mean_b y_ib, with p from relabelling within each image.

    Under H0 the observed partition and its B random ones are exchangeable within an image, so any of the B + 1 could
    have been the observed one, independently of the other images. All (B + 1)^n relabellings are counted when they
    are at most 200,000; otherwise `draws` of them are drawn with `seed`, and p = (1 + #{as extreme}) / (1 + draws),
    which is valid and at least 1 / (1 + draws). Two-sided compares absolute means.

    Args:
        observed: (n,), y of the partition under test, one per image.
        controls: (n, B), y of B >= 1 random partitions of the same image.

    Returns: the statistic is the mean Delta, in the unit of y.
    """
    checks.alternative(alternative)
    checks.count(draws, "draws")
    y, random = checks.array(observed, "observed"), checks.array(controls, "controls", ndim=2)
    checks.same_length(len(y), len(random), "observed and controls")
    table = np.column_stack([y, random])  # (n, B + 1)
    n, labels = table.shape
    # Delta_i if column j were the observed one: y_ij - (S_i - y_ij) / B
    delta = table - (table.sum(1, keepdims=True) - table) / (labels - 1)
    statistic = float(delta[:, 0].mean())
    exact = n * math.log(labels) <= math.log(EXACT_UP_TO)
    means = every_mean(delta) if exact else drawn_means(delta, draws, np.random.default_rng(seed))
    tolerance = 1e-12 * np.abs(delta).max()  # a tie counts as extreme, whatever the rounding
    fold = {"greater": np.positive, "less": np.negative, "two-sided": np.abs}[alternative]
    extreme = int((fold(means) >= fold(statistic) - tolerance).sum())
    p = extreme / len(means) if exact else (1 + extreme) / (1 + draws)
    method = f"exact, {len(means):,} relabellings" if exact else f"{draws:,} random relabellings"
    return HypothesisTest("permutation", statistic, p, math.log10(p), n, alternative, method)


def every_mean(delta: np.ndarray) -> np.ndarray:
    """The mean Delta of each of the (B + 1)^n relabellings; `delta` is (n, B + 1)."""
    sums = np.zeros(1)
    for row in delta:
        sums = np.add.outer(sums, row).ravel()
    return sums / len(delta)


def drawn_means(delta: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """The mean Delta (draws,) of random relabellings, a label per image; `delta` is (n, B + 1)."""
    n, labels = delta.shape
    flat, start = delta.ravel(), labels * np.arange(n)
    means = np.empty(draws)
    rows = max(1, CHUNK // n)
    for first in range(0, draws, rows):
        part = means[first : first + rows]
        part[:] = flat[start + rng.integers(labels, size=(len(part), n))].mean(1)
    return means
