"""Many samples at once: the intervals that one at a time would give, but for the draws."""

import numpy as np
import pytest

from analysis.statistics import bootstrap_interval, mean_and_d_z
from analysis.statistics.resampling import weights
from analysis.statistics.resampling.batch import batch_intervals
from cluscam_lite.errors import CluscamError


def samples(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            rng.normal(0.3, 1, n),
            rng.exponential(1, n) - 0.7,  # skewed
            rng.choice([-100.0, 0.0, 100.0], n, p=[0.1, 0.7, 0.2]),
            1e6 + rng.normal(0, 1, n),
            rng.normal(0, 1e-9, n),
        ]
    )


@pytest.mark.parametrize("n", [20, 60, 500])
def test_the_literal_bootstrap_gives_the_same_within_its_draws(n):
    found = batch_intervals(samples(n), draws=9_999)
    for i, x in enumerate(samples(n)):
        mean, effect = mean_and_d_z(x)
        width, other = mean.high - mean.low, effect.high - effect.low
        assert found.mean[i] == pytest.approx(mean.estimate) and found.d_z[i] == pytest.approx(
            effect.estimate, rel=1e-6
        )
        assert [found.low[i], found.high[i]] == pytest.approx([mean.low, mean.high], abs=0.06 * width)
        assert [found.d_z_low[i], found.d_z_high[i]] == pytest.approx([effect.low, effect.high], abs=0.06 * other)


def test_a_sample_alone_and_among_others_is_the_same():
    together, alone = batch_intervals(samples()), batch_intervals(samples()[1:2])
    assert together.low[1] == pytest.approx(alone.low[0], rel=1e-12)
    assert together.d_z_high[1] == pytest.approx(alone.d_z_high[0], rel=1e-12)
    again = batch_intervals(samples())
    assert np.array_equal(together.low, again.low) and np.array_equal(together.d_z_low, again.d_z_low)


def test_a_sample_without_spread_has_no_d_z():
    flat = batch_intervals(np.stack([np.zeros(20), np.full(20, 3.0)]))
    for ends in (flat.mean, flat.low, flat.high):
        assert ends == pytest.approx([0, 3])
    assert np.isnan([flat.d_z, flat.d_z_low, flat.d_z_high]).all()


def test_one_value_that_differs():
    x = np.zeros((1, 60))
    x[0, 0] = 100
    literal, found = bootstrap_interval(x[0]), batch_intervals(x)
    assert found.low[0] == pytest.approx(literal.low, abs=0.3) and found.high[0] == pytest.approx(literal.high, rel=0.3)


def test_two_images_are_the_least():
    two = batch_intervals([[1.0, 2.0]])
    assert two.mean[0] == 1.5 and np.isnan(two.d_z[0])
    with pytest.raises(CluscamError):
        batch_intervals([[1.0]])
    with pytest.raises(CluscamError):
        batch_intervals([[1.0, np.nan]])


def test_chunks_are_the_resamples_of_one_draw(monkeypatch):
    whole = weights.resample_weights(20, 130, 3)
    assert [some for some, _ in weights.weight_chunks(20, 130, 3)] == [slice(0, 130)]
    monkeypatch.setattr(weights, "CHUNK", 50 * 20)
    chunks = [*weights.weight_chunks(20, 130, 3)]
    assert len(chunks) == 3 and all(np.array_equal(part, whole[some]) for some, part in chunks)
