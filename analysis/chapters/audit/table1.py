"""Table 1: are Cohen's d and the p-values consistent? Computed from d and n alone."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, optimize, stats

from analysis.statistics.tails import log10_tail

N = 2000  # images, Section 4.1
# shapes of the differences, each with mean 0 and standard deviation 1
SHAPES = {
    "normal": stats.norm(),
    "Laplace": stats.laplace(scale=0.5**0.5),
    "Student t, 5 df": stats.t(5, scale=0.6**0.5),
    "Student t, 3 df": stats.t(3, scale=3**-0.5),
}


def log10_p_t(d: float, n: int = N) -> float:
    """log10 of the one-sided p of a paired t test whose d_z is d: t = d sqrt(n) with n - 1 degrees of freedom."""
    return log10_tail(stats.t(n - 1), d * math.sqrt(n))


def least_d(log10_p: float, n: int = N) -> float:
    """The smallest d whose paired t test has a p of at most 10^log10_p."""
    return float(optimize.brentq(lambda d: log10_p_t(d, n) - log10_p, 1e-3, 5))


def rank_share(d: ArrayLike, shape: str) -> np.ndarray:
    """The expected share of Wilcoxon's W+ in its largest value, for differences of a shape with each mean d and sd 1.

    For large n it is P(X + X' > 0) of two independent differences.
    """
    x, d = SHAPES[shape], np.asarray(d, dtype=float)
    return integrate.quad_vec(lambda u: x.pdf(u) * x.sf(-u - 2 * d), -np.inf, np.inf)[0]


def z_of_share(share: ArrayLike, n: int = N) -> np.ndarray:
    """Wilcoxon's z (normal approximation) if W+ is `share` of its largest value n (n + 1) / 2."""
    return (share - 0.5) * n * (n + 1) / 2 / math.sqrt(n * (n + 1) * (2 * n + 1) / 24)


def log10_p_wilcoxon(d: ArrayLike, shape: str, n: int = N) -> np.ndarray:
    """log10 of the one-sided p that Wilcoxon's test is expected to give for differences of a shape with each d."""
    return np.vectorize(lambda z: log10_tail(stats.norm(), z))(z_of_share(rank_share(d, shape), n))


def least_share(log10_p: float, n: int = N) -> float:
    """The smallest share of W+ in its largest value whose p (normal approximation) is at most 10^log10_p."""
    return float(optimize.brentq(lambda s: log10_tail(stats.norm(), z_of_share(s, n)) - log10_p, 0.51, 1))


def least_d_wilcoxon(log10_p: float, shape: str, n: int = N) -> float:
    """The smallest d of a shape whose expected Wilcoxon p is at most 10^log10_p."""
    share = least_share(log10_p, n)
    return float(optimize.brentq(lambda d: rank_share(d, shape) - share, 0.05, 5))
