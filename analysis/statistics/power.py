"""What a sample of n images can show, before looking at it."""

import math

from scipy import special, stats
from statsmodels.stats.power import TTestPower

from analysis.statistics import checks
from cluscam_lite.errors import CluscamError

STATSMODELS = {"greater": "larger", "less": "smaller", "two-sided": "two-sided"}


def paired_t_power(d_z: float, n: int, *, alpha: float = 0.05, alternative: str = "greater") -> float:
    """Power (0-1) of the paired t test with `n` images if the true effect is `d_z`."""
    checks.count(n, "n", least=2)
    checks.between_0_and_1(alpha, "alpha")
    checks.alternative(alternative)
    effect = float(checks.array([d_z], "d_z")[0])
    return float(TTestPower().power(effect, n, alpha, alternative=STATSMODELS[alternative]))


def minimal_detectable_effect(
    n: int, *, alpha: float = 0.05, power: float = 0.8, alternative: str = "greater"
) -> float:
    """The smallest true d_z (above 0; below 0 for "less") that a paired t test with `n` >= 3 images finds with `power`.

    Raises CluscamError if no d_z up to 10 does.
    """
    checks.count(n, "n", least=3)
    checks.between_0_and_1(alpha, "alpha")
    checks.between_0_and_1(power, "power")
    checks.alternative(alternative)
    if power <= alpha:
        raise CluscamError(f"power must be above alpha, but {power} <= {alpha}: no effect at all would be needed")
    sides = "two-sided" if alternative == "two-sided" else "greater"
    effect = float(TTestPower().solve_power(None, nobs=n, alpha=alpha, power=power, alternative=STATSMODELS[sides]))
    # beyond 10 the solver may stop at a wrong answer without saying so
    if effect > 10 or abs(paired_t_power(effect, n, alpha=alpha, alternative=sides) - power) > 1e-3:
        raise CluscamError(f"{n} images reach a power of {power} for no d_z up to 10; take more images")
    return -effect if alternative == "less" else effect


def smallest_margin(n: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest margin, in d_z, at which :func:`tost` shows equivalence with `power` if the true difference is 0.

    That test rejects when |t| < c. The power fixes c by the central t distribution, alpha the noncentrality by c.
    """
    checks.count(n, "n", least=2)
    checks.between_0_and_1(alpha, "alpha")
    checks.between_0_and_1(power, "power")
    c = stats.t.ppf((1 + power) / 2, n - 1)
    return float(special.nctdtrinc(n - 1, alpha, c)) / math.sqrt(n)
