"""The symmetric bootstrap t: the literal resamples, its edges, and its coverage beside BCa's where gains are rare."""

import math

import numpy as np
import pytest

from analysis.statistics.resampling.batch import batch_intervals
from analysis.statistics.resampling.studentised import symmetric_t_interval, symmetric_t_limits
from analysis.statistics.resampling.weights import resample_weights

STUDIES, DRAWS = 1_200, 799
NOISE = 3 * math.sqrt(0.95 * 0.05 / STUDIES)


def gain(rng, shape, zeros):
    return 100 * rng.beta(0.6, 1.2, shape) * (rng.random(shape) > zeros)


POPULATIONS = {
    "normal": lambda rng, shape: rng.normal(1, 1, shape),
    "drops": lambda rng, shape: 100 * (rng.beta(0.5, 2, shape) - rng.beta(0.5, 1, shape)),
    "gains": lambda rng, shape: gain(rng, shape, 0.5) - gain(rng, shape, 0.8),
    "rare gains": lambda rng, shape: gain(rng, shape, 0.8) - gain(rng, shape, 0.85),
    "one gain": lambda rng, shape: gain(rng, shape, 0.6),
}


def studies(kind, n, number=STUDIES):
    """Samples (number, n) of a population that have some spread, and its mean."""
    rng = np.random.default_rng(n)
    mean = POPULATIONS[kind](rng, 1_000_000).mean()
    x = POPULATIONS[kind](rng, (number, n))
    return x[np.ptp(x, axis=1) > 0], mean


def covered(low, high, truth):
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize("kind", POPULATIONS)
@pytest.mark.parametrize("n", [20, 60])
def test_it_covers_from_twenty_images_on(kind, n):
    x, mean = studies(kind, n)
    assert covered(*symmetric_t_limits(x, draws=DRAWS), mean) > 0.94 - NOISE


def test_bca_does_not_cover_rare_gains_at_twenty_images():
    x, mean = studies("rare gains", 20)
    found = batch_intervals(x, draws=DRAWS)
    assert covered(found.low, found.high, mean) < 0.85


def test_resamples_that_are_kept_are_those_that_would_be_drawn():
    for n, draws, seed in ((20, 99, 0), (20, 99, 1), (21, 99, 0), (20, 99, 0)):
        drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) / n
        assert np.array_equal(resample_weights(n, draws, seed), drawn)
    with pytest.raises(ValueError):
        resample_weights(20, 99, 0)[0] = 1


def test_one_at_a_time_is_the_same():
    x, _ = studies("gains", 20, 4)
    low, high = symmetric_t_limits(x)
    for i, one in enumerate(x):
        found = symmetric_t_interval(one)
        assert (found.low, found.high) == pytest.approx((low[i], high[i])) and found.n == 20


def test_the_literal_resamples():
    x = np.array([0.0, 0, 0, 0, 5, 9, 30, -4])
    t = []
    for counts in np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), size=499):
        drawn = np.repeat(x, counts)
        error, away = drawn.std(ddof=1) / math.sqrt(8), abs(drawn.mean() - x.mean())
        t.append(away / error if error > 0 else math.inf)
    half = sorted(t)[math.ceil(0.95 * 499) - 1] * x.std(ddof=1) / math.sqrt(8)
    found = symmetric_t_interval(x, draws=499)
    assert (found.low, found.high) == pytest.approx((x.mean() - half, x.mean() + half))


def test_samples_with_next_to_no_spread():
    assert symmetric_t_interval(np.zeros(20)).method == "constant"
    one = symmetric_t_interval(np.eye(1, 20).ravel())
    assert one.method == "unbounded" and one.low == -math.inf and one.high == math.inf
    assert symmetric_t_interval(1e9 * np.arange(20)).high == pytest.approx(1e9 * symmetric_t_interval(range(20)).high)
