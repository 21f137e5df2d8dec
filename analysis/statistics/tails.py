"""Logarithms of p-values where the p-value itself underflows: Table 1 is about 10^-199 and less."""

import math

import numpy as np
from scipy import integrate, optimize, special, stats

SMALL = 1e-290  # below this, scipy's tail probabilities lose digits, then become 0


def log10_tail(distribution, x: float) -> float:
    """log10 P(X > x) for a frozen continuous distribution of scipy, accurate to about 1e-9.

    Below `SMALL` the density is integrated in units of its value at x: log sf(x) = log f(x) + log of the integral of
    f(x + u) / f(x) over u > 0.
    """
    p = float(distribution.sf(x))
    if p > SMALL:
        return math.log10(p)
    at_x = float(distribution.logpdf(x))
    step = 1e-6 * x
    scale = step / (at_x - float(distribution.logpdf(x + step)))  # the length over which the density falls by e
    area, _ = integrate.quad(lambda v: np.exp(distribution.logpdf(x + scale * v) - at_x), 0, np.inf)
    return (at_x + math.log(scale * area)) / math.log(10)


def log10_symmetric_p(distribution, x: float, alternative: str) -> float:
    """log10 of the p-value of `x` under a null distribution that is symmetric around 0."""
    if alternative == "two-sided":
        return min(0.0, math.log10(2) + log10_tail(distribution, abs(x)))
    return log10_tail(distribution, x if alternative == "greater" else -x)


def log10_noncentral_t_cdf(t: float, df: int, noncentrality: float) -> float:
    """log10 P(T <= t) for a noncentral t. In far tails scipy gives NaN or wrong digits.

    With S = sqrt(chi-squared / df), P(T <= t) is the mean of Phi(t S - noncentrality), integrated here around the peak
    of the integrand, whose logarithm is concave.
    """
    # scipy's densities, called with one number, take fifty times as long as their formulas
    constant = df / 2 * math.log(df / 2) + math.log(2) - math.lgamma(df / 2)

    def log_integrand(v: float) -> float:
        if v <= 0:
            return -math.inf
        return float(special.log_ndtr(t * v - noncentrality)) + constant + (df - 1) * math.log(v) - df * v * v / 2

    reach = 40 / math.sqrt(df)  # S has a standard deviation below 0.71 / sqrt(df)
    bounds = (0.0, 1 + reach)
    peak = float(optimize.minimize_scalar(lambda v: -log_integrand(v), bounds=bounds, method="bounded").x)
    at_peak = log_integrand(peak)
    # the peak is at least this wide, but may be far narrower than the range
    width = 1 / math.sqrt((df - 1) / peak**2 + df + t**2)
    steps = np.geomspace(width, reach, 10)
    points = [v for v in (*(peak - steps), peak, *(peak + steps)) if bounds[0] < v < bounds[1]]
    area, _ = integrate.quad(lambda v: math.exp(log_integrand(v) - at_peak), *bounds, points=points, limit=200)
    return min(0.0, (at_peak + math.log(area)) / math.log(10))


def log10_sign_p(k: int, m: int, alternative: str) -> float:
    """log10 of the exact binomial p-value of `k` successes of `m` at probability 1/2."""
    least = {"greater": k, "less": m - k, "two-sided": max(k, m - k)}[alternative]
    log_p = np.logaddexp.reduce(stats.binom.logpmf(np.arange(least, m + 1), m, 0.5))
    return min(0.0, (float(log_p) + math.log(2) * (alternative == "two-sided")) / math.log(10))
