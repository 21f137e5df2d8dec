"""Intervals, paired proportions, families and equivalence against values worked by hand."""

import math

import numpy as np
import pytest
from by_hand import t3_tail, with_d_z
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import contingency_tables, multitest, weightstats

from analysis import statistics as s
from analysis.statistics.resampling.intervals import bootstrap_intervals

# ---- intervals


def test_bootstrap_of_two_values_by_hand():
    # the mean of a resample of {0, 1} is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4: 95 % needs all three
    interval = s.bootstrap_interval([0, 1])
    assert (interval.estimate, interval.low, interval.high, interval.n) == (0.5, 0, 1, 2)


def test_bootstrap_of_a_symmetric_sample_is_near_the_normal_interval():
    x = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    interval = s.bootstrap_interval(x, level=0.9)
    half = 1.6449 * x.std() / 20
    assert (interval.low, interval.high) == pytest.approx((-half, half), abs=0.05 * half)
    assert interval.method == "BCa bootstrap" and interval == s.bootstrap_interval(x, level=0.9)
    assert interval != s.bootstrap_interval(x, level=0.9, seed=1)


def test_bca_covers_the_mean_of_a_skewed_population():
    rng = np.random.default_rng(2)
    intervals = [s.bootstrap_interval(rng.exponential(size=25), draws=499, seed=i) for i in range(300)]
    covered = np.mean([i.low <= 1 <= i.high for i in intervals])
    assert 0.88 <= covered <= 0.98  # 95 % promised, about 92 % at this n; two binomial sd either way
    # the skewness is to the right, and so is the interval's longer arm
    assert np.mean([i.high - i.estimate > i.estimate - i.low for i in intervals]) > 0.9


def test_a_constant_sample_has_an_interval_of_one_value():
    interval = s.bootstrap_interval([0.25, 0.25, 0.25])
    assert (interval.low, interval.high, interval.method) == (0.25, 0.25, "constant")


def test_percentiles_where_bca_is_undefined():
    # leaving out one of 1, 5, 5 never changes the maximum; 1 in 27 resamples, more than 2.5 %, has the maximum 1
    interval = s.bootstrap_interval([1, 5, 5], statistic=np.max)
    assert (interval.low, interval.high) == (1, 5) and interval.method.startswith("percentile")

    def distinct(x, axis):  # in a resample fewer than in the sample: one in 50,000 has all 13
        return (np.diff(np.sort(x, axis), axis=axis) > 0).sum(axis) + x.sum(axis) / 1024

    interval = s.bootstrap_interval(np.arange(-6.0, 7.0), statistic=distinct, draws=999)
    assert interval.method.startswith("percentile") and interval.low < interval.high < interval.estimate


def test_several_samples_are_resampled_together():
    def ratio(x, y, axis):
        return x.sum(axis) / y.sum(axis)

    x = np.random.default_rng(0).random(30)
    interval = s.bootstrap_interval(2 * x, x, statistic=ratio)
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize("shape", ["skewed", "shares", "two", "one differs"])
def test_several_statistics_are_of_the_same_resamples(shape):
    rng = np.random.default_rng(3)
    x = {
        "skewed": rng.exponential(size=40) - 0.5,
        "shares": rng.integers(-1, 2, 60) * 100.0,
        "two": np.array([0.0, 1.0]),  # BCa has an answer for the mean alone
        "one differs": np.array([0.0, 0.0, 0.0, 0.0, 0.0, 3.0]),
    }[shape]
    together = s.mean_and_d_z(x)
    assert together == (s.bootstrap_interval(x), s.bootstrap_interval(x, statistic=s.standardised))
    assert together[1].estimate == pytest.approx(s.d_z(x))
    groups = np.arange(len(x)) // 2 if len(x) > 4 else np.arange(len(x))
    several = bootstrap_intervals(x, statistics=(np.mean, np.median), groups=groups, draws=199)
    each = [s.bootstrap_interval(x, statistic=one, groups=groups, draws=199) for one in (np.mean, np.median)]
    assert list(several) == each


def test_equal_differences_have_a_mean_and_no_d_z():
    mean, effect = s.mean_and_d_z([2.0, 2.0, 2.0])
    assert (mean.low, mean.high, mean.method) == (2, 2, "constant") and effect.method == "no spread"
    assert math.isnan(effect.estimate)


def test_an_interval_asked_for_twice_is_drawn_once():
    calls = []

    def counted(x, axis):
        calls.append(x.shape)
        return x.mean(axis)

    first = s.bootstrap_interval([1, 2, 4], statistic=counted)
    drawn = len(calls)
    assert s.bootstrap_interval(np.array([1.0, 2.0, 4.0]), statistic=counted) == first and len(calls) == drawn
    assert s.bootstrap_interval([1, 2, 5], statistic=counted) != first and len(calls) > drawn


def test_groups_are_resampled_whole():
    # five copies of each image carry no more than one: the same interval as of the images
    x = np.random.default_rng(1).random(12)
    images = s.bootstrap_interval(x, draws=999)
    copies = s.bootstrap_interval(np.repeat(x, 5), groups=np.repeat(list("abcdefghijkl"), 5), draws=999)
    assert (copies.low, copies.high, copies.n) == (pytest.approx(images.low), pytest.approx(images.high), 12)
    # groups of different sizes: all from the first (0), all from the second (1), or both (3/4)
    uneven = s.bootstrap_interval([1, 0, 1, 1], groups=[7, 3, 7, 7], draws=999)
    assert (uneven.estimate, uneven.low, uneven.high) == (0.75, 0, 1)


# ---- proportions


def pairs(both, only_first, only_second, neither):
    first = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    return first, np.repeat([True, False, True, False], [both, only_first, only_second, neither])


def test_mcnemar_of_bentur_by_hand():
    # Fagerland, Lydersen and Laake 2013, table 1: exact 2 (1 + 8) / 2^8
    result = s.mcnemar(*pairs(1, 1, 7, 12))
    assert (result.both, result.only_first, result.only_second, result.neither) == (1, 1, 7, 12)
    assert result.exact.p == pytest.approx(18 / 256)
    # Bonett-Price: (2 - 8) / 23 -+ 1.96 sqrt((10/23 - 36/529) / 23)
    half = 1.959964 * math.sqrt(194 / 529 / 23)
    assert result.difference.estimate == pytest.approx(-6 / 21)
    assert (result.difference.low, result.difference.high) == pytest.approx((-6 / 23 - half, -6 / 23 + half))


def test_one_sided_and_balanced_mcnemar_by_hand():
    less = s.mcnemar(*pairs(1, 1, 7, 12), alternative="less")
    assert less.exact.p == pytest.approx(9 / 256)
    assert s.mcnemar(*pairs(3, 2, 2, 0)).exact.p == 1
    same = s.mcnemar(*pairs(4, 0, 0, 3))
    assert (same.exact.p, same.difference.estimate) == (1, 0)
    assert same.difference.low < 0 < same.difference.high


def test_mcnemar_agrees_with_statsmodels_and_does_not_underflow():
    result = s.mcnemar(*pairs(794, 150, 86, 570))  # Agresti: approval of a prime minister, twice
    theirs = contingency_tables.mcnemar([[794, 150], [86, 570]], exact=True)
    assert result.exact.p == pytest.approx(theirs.pvalue)
    assert result.difference.estimate == 0.04
    extreme = s.mcnemar(*pairs(0, 2000, 0, 0))
    assert (extreme.exact.p, extreme.exact.log10_p) == (0, pytest.approx(-1999 * math.log10(2)))
    assert extreme.difference.high == 1


# ---- families, equivalence


def test_holm_by_hand():
    # sorted: .005 * 4, .01 * 3, .03 * 2, and .04 * 1 is raised to the one before
    assert s.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert s.holm([0.6, 0.9]).tolist() == [1, 1] and s.holm([0.3]).tolist() == [0.3]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_and_never_below_the_raw_p(p):
    adjusted = s.holm(p)
    assert ((adjusted >= np.array(p) * (1 - 1e-12)) & (adjusted <= 1)).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert adjusted[np.argmin(p)] == pytest.approx(min(1, len(p) * min(p)))
    assert adjusted.tolist() == multitest.multipletests(p, method="holm")[1].tolist()


def test_tost_in_raw_units_by_hand():
    # mean 0, standard error sqrt(5/12): both sides have t = 2 / .6455
    result = s.tost([-1.5, -0.5, 0.5, 1.5], margin=2)
    assert result.p == result.above.p == result.below.p == pytest.approx(t3_tail(2 / math.sqrt(5 / 12)))
    assert (result.above.statistic, result.estimate) == (pytest.approx(2 / math.sqrt(5 / 12)), 0)
    x, y = np.random.default_rng(0).normal(size=(2, 40))
    theirs = weightstats.ttost_paired(x, y, -0.6, 0.6)
    ours = s.tost(x, y, margin=0.6)
    assert ours.p == pytest.approx(theirs[0])
    assert (ours.above.p, ours.below.p) == pytest.approx((theirs[1][1], theirs[2][1]))


def test_tost_in_d_z_by_hand():
    # at t = 0 the noncentral t distribution is the normal one: P(T < 0) = Phi(-margin sqrt(n))
    result = s.tost([-1.5, -0.5, 0.5, 1.5], margin=0.8, units="d_z")
    assert (result.above.p, result.below.p) == pytest.approx((stats.norm.cdf(-1.6),) * 2)
    shifted = s.tost(with_d_z(np.random.default_rng(0).normal(size=2000), 0.1), margin=0.2, units="d_z")
    # for many images it is near the normal test: (.1 - .2) sqrt(2000) = -4.47
    assert shifted.below.log10_p == pytest.approx(math.log10(stats.norm.cdf(-0.1 * math.sqrt(2000))), abs=0.2)
    assert shifted.p == shifted.below.p > shifted.above.p and shifted.estimate == pytest.approx(0.1)
