"""Could these images have told? The power of a claim with a smallest effect of interest, and what would decide it."""

import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from analysis.statistics import checks

MOST = 1_000_000  # images that anyone might collect


def power_of_shares(difference: float, discordant: float, n: int, sesoi: float, alpha: float) -> float:
    """P(support) of a difference of two paired shares by McNemar's exact two-sided test; shares are fractions, 0-1.

    Support needs p below `alpha` and an estimate of at least `sesoi`. `discordant` is the share of images on which one
    method is alone ahead; it is at least the `difference`. Exact, summed over the number of discordant images.
    """
    checks.at_least(1, n, "images")
    checks.between_0_and_1(alpha, "alpha")
    psi = max(discordant, abs(difference))
    if psi == 0:
        return 0.0
    m = np.arange(1, n + 1)  # discordant images
    # the least k of m that rejects: P(K >= k) <= alpha / 2 under one half
    least = stats.binom.isf(alpha / 2, m, 0.5) + 1
    enough = np.ceil((m + sesoi * n) / 2 - 1e-9)
    first = stats.binom.sf(np.maximum(least, enough) - 1, m, (psi + difference) / (2 * psi))
    return float((stats.binom.pmf(m, n, psi) * first).sum())


def power_of_d_z(effect: float, n: int, sesoi: float, alpha: float) -> float:
    """P(support) at a true d_z by the two-sided paired t test, which stands for the rank test too; n >= 2.

    Support needs p below `alpha` and an estimate of at least `sesoi`. From the noncentral t distribution.
    """
    checks.at_least(2, n, "images")
    checks.between_0_and_1(alpha, "alpha")
    least = max(stats.t.isf(alpha / 2, n - 1), sesoi * math.sqrt(n))
    return float(stats.nct.sf(least, n - 1, effect * math.sqrt(n)))


def images_needed(estimate: float, spread: float, sesoi: float, alpha: float, power: float = 0.8) -> int | None:
    """How many images would decide with probability `power` if the true effect is the estimate; None: no number would.

    A claim whose estimate is at least `sesoi`, on either side, is decided by an effect; a smaller one by equivalence.
    `spread` is the standard deviation of one image's difference, in the unit of both. By the normal approximation.
    """
    checks.positive(spread, "spread")
    size, z = abs(estimate), stats.norm.isf(alpha / 2)

    def effect(n: float) -> float:
        se = spread / math.sqrt(n)
        return float(stats.norm.sf((max(sesoi, z * se) - size) / se))

    def equivalent(n: float) -> float:
        se, reach = spread / math.sqrt(n), stats.norm.isf(alpha / 2)  # the 95 % interval, too, has to lie within
        inner = sesoi - reach * se
        return float(stats.norm.cdf((inner - size) / se) - stats.norm.cdf((-inner - size) / se)) if inner > 0 else 0.0

    return _least(effect if size >= sesoi else equivalent, power)


def _least(reached: Callable[[float], float], power: float) -> int | None:
    """The least n from 2 on at which a rising function reaches `power`, None beyond `MOST`."""
    if reached(MOST) < power:
        return None
    low, high = 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle, high)
    return max(2, high)
