"""Random effects: one estimate from several networks that are taken as drawn from a population of networks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from analysis.statistics import checks
from cluscam_lite.errors import CluscamError


@dataclass(frozen=True)
class RandomEffects:
    """The mean effect over the population, `estimate`, with its interval `low` to `high` at `level` (0-1) and two-sided
    p; `tau`, the standard deviation of effects between networks; `next_low` to `next_high`, the prediction interval of
    one more network's effect, infinite for two; `n` networks.
    """

    estimate: float
    low: float
    high: float
    p: float
    tau: float
    next_low: float
    next_high: float
    n: int
    level: float


def random_effects(estimates: ArrayLike, errors: ArrayLike, level: float = 0.95) -> RandomEffects:
    """REML for tau, and Hartung and Knapp's interval (2001), which allows for how few the networks are.

    Args:
        estimates: (n,), one per network, n >= 2.
        errors: (n,), their standard errors, > 0, taken as known.

    The prediction interval is Higgins, Thompson and Spiegelhalter's (2009), with Hartung and Knapp's variance. Raises
    CluscamError for fewer than two networks, or an error that is not above 0.
    """
    checks.between_0_and_1(level, "level")
    y, se = checks.array(estimates, "estimates"), checks.array(errors, "errors")
    checks.same_length(len(y), len(se), "estimates and errors")
    checks.at_least(2, len(y), "networks")
    if not (se > 0).all():
        raise CluscamError(f"a standard error must be above 0, but {se.min():g} is among those given")
    tau_2, n = _between(y, se**2), len(y)
    weights = 1 / (se**2 + tau_2)
    mean = float(weights @ y / weights.sum())
    error = math.sqrt(float(weights @ (y - mean) ** 2) / (n - 1) / weights.sum())
    tail = (1 - level) / 2
    half = stats.t.isf(tail, n - 1) * error
    spread = stats.t.isf(tail, n - 2) * math.sqrt(tau_2 + error**2) if n > 2 else math.inf
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1)) if error > 0 else float(mean == 0)
    return RandomEffects(mean, mean - half, mean + half, p, math.sqrt(tau_2), mean - spread, mean + spread, n, level)


def log_likelihood(tau_2: float, y: np.ndarray, variances: np.ndarray) -> float:
    """The restricted log likelihood of the variance between networks, without its constant."""
    weights = 1 / (variances + tau_2)
    mean = weights @ y / weights.sum()
    return float(np.log(weights).sum() - math.log(weights.sum()) - weights @ (y - mean) ** 2) / 2


def _between(y: np.ndarray, variances: np.ndarray) -> float:
    """The variance between networks that maximises the restricted likelihood, 0 or more."""
    grid = np.concatenate([[0.0], np.geomspace(1e-8, 1e2, 400) * max(float(np.ptp(y)) ** 2, float(variances.max()))])
    values = [log_likelihood(one, y, variances) for one in grid]
    best = int(np.argmax(values))
    if best == 0:
        return 0.0
    ends = grid[best - 1], grid[min(best + 1, len(grid) - 1)]
    fine = optimize.minimize_scalar(
        lambda one: -log_likelihood(one, y, variances),
        bounds=ends,
        method="bounded",
        options={"xatol": 1e-10 * ends[1]},
    )
    return float(fine.x)
