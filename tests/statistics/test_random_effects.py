"""Random effects over networks: a published example, a literal likelihood, and coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.random_effects import log_likelihood, random_effects
from cluscam_lite.errors import CluscamError

# trials of the BCG vaccine (dat.bcg of metafor): ill and well with the vaccine, ill and well without it
BCG = np.array(
    [
        [4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619], [33, 5036, 47, 5761],
        [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892], [29, 7470, 45, 7232],
        [17, 1699, 65, 1600], [186, 50448, 141, 27197], [5, 2493, 3, 2338], [27, 16886, 29, 17825],
    ]
)  # fmt: skip


def bcg():
    a, b, c, d = BCG.T
    y = np.log(a / (a + b) / (c / (c + d)))  # log relative risks
    return y, np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_the_bcg_trials_as_published():
    """metafor's documentation (Viechtbauer 2010): REML, then with Knapp and Hartung's adjustment."""
    found = random_effects(*bcg())
    assert found.estimate == pytest.approx(-0.7145, abs=5e-5)
    assert found.tau**2 == pytest.approx(0.3132, abs=5e-5)
    assert [found.low, found.high] == pytest.approx([-1.108, -0.321], abs=1e-3)


def literal(tau_2, y, se):
    """The density of all contrasts of y with its first value, which do not know the mean: the restricted likelihood."""
    contrasts = np.column_stack([-np.ones(len(y) - 1), np.eye(len(y) - 1)])
    cov = contrasts @ np.diag(se**2 + tau_2) @ contrasts.T
    return stats.multivariate_normal.logpdf(contrasts @ y, np.zeros(len(y) - 1), cov)


@pytest.mark.parametrize("seed", range(4))
def test_the_literal_restricted_likelihood_has_its_maximum_there(seed):
    rng = np.random.default_rng(seed)
    y, se = rng.normal(0, 0.5, 5), rng.uniform(0.1, 0.3, 5)
    found = random_effects(y, se)
    grid = np.linspace(0, 3, 30_001)
    slow = grid[np.argmax([log_likelihood(one, y, se**2) for one in grid])]
    assert found.tau**2 == pytest.approx(slow, abs=2e-4)
    several = [literal(one, y, se) - log_likelihood(one, y, se**2) for one in (0.0, 0.1, 1.0)]
    assert several == pytest.approx([several[0]] * 3)


def test_equal_errors_are_a_t_interval():
    y = np.array([0.1, 0.5, 0.9, 0.2])
    found, t = random_effects(y, np.full(4, 0.01)), stats.t.interval(0.95, 3, y.mean(), stats.sem(y))
    assert [found.low, found.high] == pytest.approx(t) and found.p == pytest.approx(stats.ttest_1samp(y, 0).pvalue)


def test_no_more_spread_than_errors_explain():
    found = random_effects([0.1, 0.11, 0.09], [0.2, 0.2, 0.2])
    assert found.tau == 0 and found.next_low < found.low < found.high < found.next_high
    assert math.isinf(random_effects([0.1, 0.3], [0.1, 0.1]).next_high)
    same = random_effects([0.2, 0.2], [0.1, 0.3])
    assert same.low == same.high == pytest.approx(0.2) and same.p == 0


def test_coverage():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(300):
        se = rng.uniform(0.05, 0.3, 4)
        y = rng.normal(0.3, np.sqrt(0.2**2 + se**2))
        found = random_effects(y, se)
        hits += found.low <= 0.3 <= found.high
    assert hits / 300 == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize(
    ("y", "se"), [([0.1], [0.1]), ([0.1, 0.2], [0.1, 0]), ([0.1, 0.2], [0.1]), ([0.1, np.nan], [1, 1])]
)
def test_bad_input_gets_a_sentence(y, se):
    with pytest.raises(CluscamError):
        random_effects(y, se)
