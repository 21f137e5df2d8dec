"""Algorithm 3 on many resamples of the same scores at once: EM with a weight for each score.

`cluscam_lite.tuning.mixture` fits one set of scores by scikit-learn, whose mixture takes no weights and needs twelve
times as long for each resample (0.3 s against 0.02 s for 3,000 scores). The tests compare the two. A resample is a row
of weights: how often each score was drawn. With the sufficient statistics [1, s, s^2], both steps of EM are matrix
products.
"""

import numpy as np
from numpy.typing import ArrayLike

from cluscam_lite.tuning.mixture import MAX_ITERATIONS, TOLERANCE

LEAST_VARIANCE = 1e-6  # added to each variance, as scikit-learn does
STARTS = ((0.25, 0.75), (0.05, 0.5), (0.5, 0.95))  # quantiles from which K-Means starts
NOTHING = 1e-300
AT_ONCE = 32  # resamples whose (B, n) arrays fit into a core's cache: less than half the time of all together


def bootstrap_ratios(
    scores: ArrayLike, weights: ArrayLike, tolerance: float = TOLERANCE, max_iterations: int = MAX_ITERATIONS
) -> np.ndarray:
    """r of Algorithm 3, (B,), for B resamples of scores (n,), given by their weights (B, n).

    EM starts from two-means clustering, the best of a few starts, and stops by the criterion of scikit-learn.
    """
    s, w = np.asarray(scores, float), np.asarray(weights, float)
    s, w = s - s.mean(), w / w.sum(1, keepdims=True)  # variances are differences: centred scores lose fewer digits
    blocks = range(0, len(w), AT_ONCE)
    return np.concatenate([_ratios(s, w[i : i + AT_ONCE], tolerance, max_iterations) for i in blocks])


def _ratios(s: np.ndarray, w: np.ndarray, tolerance: float, max_iterations: int) -> np.ndarray:
    powers = np.stack([np.ones_like(s), s, s**2], 1)  # (n, 3)
    whole = w @ powers  # (B, 3)
    parameters = _maximised((w * lower_half(s, w)) @ powers, whole)
    ratios, active = np.empty(len(w)), np.arange(len(w))
    before = np.full(len(w), -np.inf)
    for _ in range(max_iterations):
        lower, likelihood = _expected(powers, w[active], whole[active], parameters)
        done = np.abs(likelihood - before) < tolerance
        parameters = _maximised(lower, whole[active])
        ratios[active] = lower[:, 0]
        active, before, parameters = active[~done], likelihood[~done], parameters[~done]
        if not len(active):
            break
    return ratios


def lower_half(s: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The lower cluster of two-means clustering, (B, n) bool: Lloyd's algorithm, the best of several starts."""
    order = np.argsort(s)
    cumulated, values = w[:, order].cumsum(1), s[order]
    best, least = np.zeros(w.shape, bool), np.full(len(w), np.inf)
    for quantiles in STARTS:
        low, high = (values[(cumulated < q).sum(1).clip(max=len(s) - 1)] for q in quantiles)
        while True:
            below = s < ((low + high) / 2)[:, None]
            moved = [(w * part) @ s / ((w * part).sum(1) + NOTHING) for part in (below, ~below)]
            if np.allclose(moved, [low, high], rtol=1e-12, atol=1e-12):
                break
            low, high = moved
        inertia = (w * np.where(below, s - low[:, None], s - high[:, None]) ** 2).sum(1)
        best[inertia < least] = below[inertia < least]
        least = np.minimum(inertia, least)
    return best


def _expected(powers: np.ndarray, w: np.ndarray, whole: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, ...]:
    """E-step: the lower component's share of [1, s, s^2] (B, 3), and the mean log-likelihood (B,)."""
    share, mean, variance = parameters[..., 0], parameters[..., 1], parameters[..., 2]  # (B, 2) each
    # log of pi_c N(s | mu_c, var_c) as a polynomial of s, (B, 2, 3)
    constant = np.log(share / np.sqrt(2 * np.pi * variance)) - mean**2 / (2 * variance)
    logs = np.stack([constant, mean / variance, -1 / (2 * variance)], -1)
    odds = (logs[:, 1] - logs[:, 0]) @ powers.T  # (B, n), of the upper component
    small = np.exp(-np.abs(odds))
    posterior = np.where(odds > 0, small, 1.0) / (1 + small)
    softplus = np.maximum(odds, 0) + np.log1p(small)
    return (w * posterior) @ powers, (logs[:, 0] * whole).sum(1) + np.einsum("bn,bn->b", w, softplus)


def _maximised(lower: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """M-step from the shares of [1, s, s^2], (B, 3): share, mean and variance of either component, (B, 2, 3)."""
    parts = np.stack([lower, whole - lower], 1).clip(min=[NOTHING, -np.inf, NOTHING])  # (B, 2, 3)
    mass = parts[..., :1]
    mean = parts[..., 1:2] / mass
    variance = (parts[..., 2:] / mass - mean**2).clip(min=0) + LEAST_VARIANCE
    return np.concatenate([mass, mean, variance], -1)
