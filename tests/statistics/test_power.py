"""Power from formulas, held to simulated studies."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.power import images_needed, power_of_d_z, power_of_shares
from cluscam_lite.errors import CluscamError

STUDIES = 4_000
ERROR = 3 * np.sqrt(0.25 / STUDIES)  # three standard errors of a simulated share, at most


@pytest.mark.parametrize(
    ("difference", "discordant", "n", "alpha"),
    [
        (0.154, 0.2, 20, 0.05),
        (0.154, 0.2, 20, 0.05 / 6),
        (0.116, 0.3, 100, 0.05 / 3),
        (0.1, 0.2, 500, 0.01),
        (0, 0.3, 60, 0.05),
    ],
)
def test_shares_by_simulation(difference, discordant, n, alpha):
    rng = np.random.default_rng(0)
    first, second = (discordant + difference) / 2, (discordant - difference) / 2
    counts = rng.multinomial(n, [first, second, 1 - discordant], size=STUDIES)
    found = {}
    for a, b in {tuple(row) for row in counts[:, :2]}:
        p = stats.binomtest(int(a), int(a + b), 0.5).pvalue if a + b else 1.0
        found[a, b] = p < alpha and (a - b) / n >= 0.05
    simulated = np.mean([found[a, b] for a, b, _ in counts])
    assert power_of_shares(difference, discordant, n, 0.05, alpha) == pytest.approx(simulated, abs=ERROR)


@pytest.mark.parametrize(
    ("effect", "n", "alpha"), [(0.3, 20, 0.05), (0.4, 100, 0.05 / 5), (0.25, 500, 0.05), (0.0, 60, 0.05)]
)
def test_d_z_by_simulation(effect, n, alpha):
    x = np.random.default_rng(1).normal(effect, 1, (STUDIES, n))
    d = x.mean(1) / x.std(1, ddof=1)
    support = (d * np.sqrt(n) > stats.t.isf(alpha / 2, n - 1)) & (d >= 0.2)
    assert power_of_d_z(effect, n, 0.2, alpha) == pytest.approx(support.mean(), abs=ERROR)


def test_twenty_images_could_not_have_confirmed_the_paper():
    """At the paper's own 15.4 points, and few images on which two methods differ, of six networks corrected for."""
    assert power_of_shares(0.154, 0.154, 20, 0.05, 0.05 / 6) < 0.07
    assert power_of_shares(0.0, 0.0, 20, 0.05, 0.05) == 0


@pytest.mark.parametrize(("estimate", "sesoi"), [(0.3, 0.2), (-0.3, 0.2), (0.25, 0.2)])
def test_the_images_that_decide_an_effect(estimate, sesoi):
    n = images_needed(estimate, 1.0, sesoi, 0.05)
    assert power_of_d_z(abs(estimate), n, sesoi, 0.05) == pytest.approx(0.8, abs=0.02)


def test_the_images_that_decide_equivalence():
    n = images_needed(0.5, 20.0, 5, 0.05)
    x = np.random.default_rng(2).normal(0.5, 20, (STUDIES, n))
    half = stats.norm.isf(0.025) * x.std(1, ddof=1) / np.sqrt(n)
    inside = (np.abs(x.mean(1)) + half) < 5
    assert inside.mean() == pytest.approx(0.8, abs=0.02)


def test_an_estimate_at_the_smallest_effect_is_decided_by_no_number_of_images():
    assert images_needed(5.0, 20.0, 5, 0.05) is None and images_needed(4.9999, 20.0, 5, 0.05) is None
    assert images_needed(4.5, 20.0, 5, 0.05) > images_needed(2.0, 20.0, 5, 0.05)


def test_mistakes_are_one_sentence():
    with pytest.raises(CluscamError):
        images_needed(0.3, 0.0, 0.2, 0.05)
    with pytest.raises(CluscamError):
        power_of_d_z(0.3, 1, 0.2, 0.05)
    with pytest.raises(CluscamError):
        power_of_shares(0.1, 0.2, 20, 0.05, 5)
