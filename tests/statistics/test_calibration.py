"""Simulated studies whose truth is known: how often intervals cover it, and how often the rules say a wrong word.

Every bound allows for the Monte Carlo error of its own number of studies.
"""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.judging import compare as sides
from analysis.judging.rules import NEGLIGIBLE, REVERSED, SUPPORTED, judge
from analysis.statistics import bonett_price
from analysis.statistics.power import power_of_d_z, power_of_shares
from analysis.statistics.resampling.batch import batch_intervals

SIZES = (20, 60, 100, 500)  # images in a block
EFFECT = {"rule": "effect", "sesoi": 0.2, "unit": "d_z", "alpha": 0.05}
POINTS = {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05}
LIMITS = ("mean", "low", "high", "d_z", "d_z low", "d_z high")


def most(rate, studies):
    """The most that a rate may come to in so many studies, three Monte Carlo errors above it."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / studies)


def gains(rng, shape, zeros, scale):
    """AG-like: mostly 0, since no masked image scores higher, and a long tail."""
    return np.where(rng.random(shape) < zeros, 0, np.minimum(100, rng.exponential(scale, shape)))


POPULATIONS = {
    "difference of gains": lambda rng, shape: gains(rng, shape, 0.5, 25) - gains(rng, shape, 0.75, 12),
    "normal": lambda rng, shape: rng.normal(0.5, 1, shape),
}


def truth(make):
    values = make(np.random.default_rng(99), (2_000_000,))
    return values.mean(), values.mean() / values.std()


def coverage(low, high, value):
    return float(((low <= value) & (value <= high)).mean())


def evidence(a, b, measure, thresholds):
    """What `compare` says of each study, a and b (studies, n), its bootstrap for all studies at once."""
    batch = batch_intervals(sides.turned(a, b, measure), draws=499)
    numbers = np.stack([batch.mean, batch.low, batch.high, batch.d_z, batch.d_z_low, batch.d_z_high], axis=1)
    found = []
    for first, second, limits in zip(a, b, numbers, strict=True):
        found.append(dict(zip(LIMITS, limits, strict=True)) | sides.tested(first, second, measure, thresholds))
    return found


def words(rows, blocks, thresholds):
    """The words of the rule (studies, blocks), Holm's correction over the blocks of each study."""
    tables = (pd.DataFrame(rows[i : i + blocks]) for i in range(0, len(rows), blocks))
    return np.array([judge(table, thresholds)["verdict"].tolist() for table in tables])


def shares(rng, shape, only_first, only_second):
    """Two methods' increases, 0 or 100 for each image; the rest of the images are ties, half of them at 100."""
    u = rng.random(shape)
    first, second = u < only_first, (only_first <= u) & (u < only_first + only_second)
    tie = u > (1 + only_first + only_second) / 2
    return 100.0 * (first | tie), 100.0 * (second | tie)


def nothing(kind, rng, shape):
    """Two methods that are equally good."""
    if kind == "increase":
        return shares(rng, shape, 0.15, 0.15)
    return gains(rng, shape, 0.6, 20), gains(rng, shape, 0.6, 20)


def test_the_fast_evidence_is_what_compare_says():
    rng = np.random.default_rng(0)
    a, b = gains(rng, (4, 60), 0.5, 25), gains(rng, (4, 60), 0.7, 15)
    for fast, first, second in zip(evidence(a, b, "gain", EFFECT), a, b, strict=True):
        slow = sides.compare(first, second, "gain", EFFECT)
        assert [fast[name] for name in ("p", "p_equivalence", "differing")] == [
            slow[name] for name in ("p", "p_equivalence", "differing")
        ]
        assert fast["mean"] == pytest.approx(slow["mean"])
        for low, high in (("low", "high"), ("d_z low", "d_z high")):
            width = slow[high] - slow[low]
            assert [fast[low], fast[high]] == pytest.approx([slow[low], slow[high]], abs=0.15 * width)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", POPULATIONS)
def test_bca_covers_the_mean_and_d_z(name, n):
    mean, effect = truth(POPULATIONS[name])
    batch = batch_intervals(POPULATIONS[name](np.random.default_rng(n), (1_000, n)), draws=499)
    least = 0.87 if n == 20 else 0.91  # it covers 0.89 and 0.93 or more; less the Monte Carlo error
    assert coverage(batch.low, batch.high, mean) > least
    assert coverage(batch.d_z_low, batch.d_z_high, effect) > least


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("only", [(0.01, 0.01), (0.03, 0.01), (0.15, 0.05), (0.3, 0.3)])
def test_bonett_and_price_cover_a_difference_of_shares_be_it_rare_or_not(n, only):
    counts = np.random.default_rng(n).multinomial(n, [*only, 1 - sum(only)], size=20_000)[:, :2]
    pairs, times = np.unique(counts, axis=0, return_counts=True)
    found = [bonett_price(int(first), int(second), n) for first, second in pairs]
    covers = [one.low <= only[0] - only[1] <= one.high for one in found]
    assert np.average(covers, weights=times) > 0.935


RULES = pytest.mark.parametrize(("kind", "thresholds"), [("gain", EFFECT), ("increase", POINTS)])


@RULES
@pytest.mark.parametrize("n", SIZES)
def test_of_equally_good_methods_a_claim_over_three_networks_rarely_says_an_effect(kind, thresholds, n):
    studies = 200
    a, b = nothing(kind, np.random.default_rng(n), (3 * studies, n))
    found = words(evidence(a, b, kind, thresholds), 3, thresholds)
    for word in (SUPPORTED, REVERSED):
        assert (found == word).any(1).mean() <= most(0.025, studies)


def test_without_holms_correction_five_networks_would_say_an_effect_too_often():
    studies = 120
    a, b = np.random.default_rng(5).normal(0, 1, (2, 5 * studies, 60))
    rows = evidence(a, b, "gain", EFFECT)
    effects = [np.isin(words(rows, blocks, EFFECT), (SUPPORTED, REVERSED)) for blocks in (5, 1)]
    together, alone = (found.reshape(studies, 5).any(1).mean() for found in effects)
    assert together <= most(0.05, studies) < alone


@RULES
@pytest.mark.parametrize("n", [100, 500])
def test_an_effect_of_the_smallest_size_of_interest_is_rarely_called_negligible(kind, thresholds, n):
    rng, studies = np.random.default_rng(n), 300
    if kind == "increase":
        a, b = shares(rng, (studies, n), 0.10, 0.05)
    else:
        a, b = rng.normal(0.2, 1, (studies, n)), np.zeros((studies, n))
    assert (words(evidence(a, b, kind, thresholds), 1, thresholds) == NEGLIGIBLE).mean() <= most(0.05, studies)


@RULES
def test_with_five_hundred_images_nothing_is_called_negligible(kind, thresholds):
    rng, shape = np.random.default_rng(7), (150, 500)
    a, b = shares(rng, shape, 0.04, 0.04) if kind == "increase" else rng.normal(0, 1, (2, *shape))
    assert (words(evidence(a, b, kind, thresholds), 3, thresholds) == NEGLIGIBLE).mean() > 0.9


@pytest.mark.parametrize("n", [20, 60, 100])
def test_support_comes_as_often_as_the_power_says(n):
    rng, studies = np.random.default_rng(n), 200
    rows = evidence(*shares(rng, (studies, n), 0.35, 0.1), "increase", POINTS)
    power = power_of_shares(0.25, 0.45, n, 0.05, 0.05)
    found = (words(rows, 1, POINTS) == SUPPORTED).mean()
    assert found == pytest.approx(power, abs=3 * math.sqrt(power * (1 - power) / studies) + 0.01)
    d = rng.normal(0.4, 1, (studies, n))
    power = power_of_d_z(0.4, n, 0.2, 0.05)  # of t; the rank test loses a little, and so does the bootstrap's interval
    found = (words(evidence(d, 0 * d, "gain", EFFECT), 1, EFFECT) == SUPPORTED).mean()
    assert found == pytest.approx(power, abs=3 * math.sqrt(power * (1 - power) / studies) + 0.03)
