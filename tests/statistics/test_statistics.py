"""Paired tests and effect sizes against values worked by hand, textbook data, and properties."""

import math

import numpy as np
import pytest
from by_hand import t3_tail
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics as s
from analysis.statistics.resampling import permutation

# Darwin's maize, crossed minus self-fertilised height of 15 pairs, in eighths of an inch (Fisher 1935, chapter 3)
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


# ---- tests on differences


def test_paired_t_by_hand():
    # mean 2.5, variance (2.25 + .25 + .25 + 2.25) / 3 = 5/3, t = 2.5 / sqrt(5/12) = sqrt(15)
    result = s.paired_t([1, 2, 3, 4])
    assert (result.statistic, result.p) == pytest.approx((math.sqrt(15), t3_tail(math.sqrt(15))))
    assert (result.n, result.df, result.alternative) == (4, 3, "greater")
    assert s.paired_t([3, 5, 4, 9], [2, 3, 1, 5]) == result
    assert s.paired_t([1, 2, 3, 4], alternative="less").p == pytest.approx(1 - result.p)
    assert s.paired_t([1, 2, 3, 4], alternative="two-sided").p == pytest.approx(2 * result.p)


def test_wilcoxon_by_hand():
    # W+ = 1 + 3 + 4; of the 16 sign patterns {1,3,4}, {2,3,4}, {1,2,3,4} have a rank sum of 8 or more
    result = s.wilcoxon([1, -2, 3, 4])
    assert (result.statistic, result.p, result.n, result.method) == (8, 3 / 16, 4, "exact")
    assert result.log10_p == pytest.approx(math.log10(3 / 16))
    assert s.wilcoxon([1, -2, 3, 4], alternative="two-sided").p == 6 / 16
    assert s.wilcoxon([1, -2, 3, 4], alternative="less").p == 14 / 16  # {2,3,4} and all four are above 8
    assert s.wilcoxon([0, 1, -2, 3, 0, 4]) == result  # zeros are dropped


def test_wilcoxon_with_ties_by_hand():
    # ranks 2, 2, 2, 4: W+ = 8; of the 16 sign patterns {2,2,4}, three times, and {2,2,2,4} sum to 8 or more
    result = s.wilcoxon([1, 1, -1, 2])
    assert (result.statistic, result.p, result.method) == (8, 4 / 16, "exact")
    # 51 ones, 30 of them positive: all ranks 26, W+ = 780, mean 51*26/2 = 663, variance 51 * 26^2 / 4
    result = s.wilcoxon([1] * 30 + [-1] * 21)
    assert (result.statistic, result.method) == (780, "normal approximation")
    assert result.p == pytest.approx(stats.norm.sf((780 - 663) / (26 * math.sqrt(51) / 2)))


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_wilcoxon_agrees_with_scipy_beyond_50_with_ties_and_zeros(alternative):
    d = np.random.default_rng(0).integers(-9, 11, 300)
    theirs = stats.wilcoxon(d, alternative=alternative)
    assert s.wilcoxon(d, alternative=alternative).p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_sign_test_by_hand():
    # 3 of 4 positive: (4 + 1) / 16
    result = s.sign_test([5, -1, 2, 0, 1])
    assert (result.statistic, result.p, result.n) == (3, pytest.approx(5 / 16), 4)
    assert s.sign_test([5, -1, 2, 1], alternative="less").p == pytest.approx(15 / 16)
    assert s.sign_test([5, -1, 2, 1], alternative="two-sided").p == pytest.approx(10 / 16)
    balanced = s.sign_test([1, -1], alternative="two-sided")
    assert (balanced.p, balanced.log10_p) == (1, 0)


def test_darwins_maize():
    # Fisher: t = 2.148, 5 % point 2.145; 863 of 2^15 arrangements; 13 of 15 positive: (1 + 15 + 105) / 2^15
    t = s.paired_t(DARWIN, alternative="two-sided")
    assert (t.statistic, t.p) == (pytest.approx(2.148, abs=5e-4), pytest.approx(0.0497, abs=5e-5))
    assert s.sign_test(DARWIN).p == pytest.approx(121 / 2**15)
    # scipy's documentation: 24 is the sum of the negative ranks of 120, two-sided p = .041259765625
    w = s.wilcoxon(DARWIN, alternative="two-sided")
    assert (w.statistic, w.p) == (96, 0.041259765625)
    # exchanging crossed and self-fertilised within a pair is one random partition per image
    relabelled = s.permutation_test(DARWIN, np.zeros((15, 1)))
    assert relabelled.statistic == pytest.approx(np.mean(DARWIN))
    assert (relabelled.p, relabelled.method) == (863 / 2**15, "exact, 32,768 relabellings")


def test_differences_that_are_all_zero_are_no_evidence():
    for test in (s.paired_t, s.wilcoxon, s.sign_test):
        result = test([1, 2, 3], [1, 2, 3], alternative="two-sided")
        assert (result.p, result.log10_p, result.statistic) == (1, 0, 0)
    assert s.d_z([0, 0]) == s.rank_biserial([0.0]) == 0
    assert s.permutation_test([1, 2], [[1, 1], [2, 2]]).p == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-8, 8), min_size=2, max_size=70).filter(lambda d: len(set(d)) > 1))
def test_the_alternatives_mirror_each_other_and_log10_p_is_the_logarithm(d):
    for test in (s.paired_t, s.wilcoxon, s.sign_test):
        greater, less = test(d), test([-v for v in d], alternative="less")
        two = test(d, alternative="two-sided")
        assert greater.p == pytest.approx(less.p)
        smaller = min(greater.p, test(d, alternative="less").p)
        assert two.p == pytest.approx(min(1, 2 * smaller))
        for result in (greater, two):
            assert 10**result.log10_p == pytest.approx(result.p) and 0 <= result.p <= 1


# ---- exchangeable partitions


def test_permutation_by_hand():
    # Delta of image 1 if 3, 1 or 2 were the observed one: 1.5, -1.5, 0; of image 2 for 1, 0, 2: 0, -1.5, 1.5.
    # Sums: 1.5 0 3 | -1.5 -3 0 | 0 -1.5 1.5, the observed one is the first; its mean is .75.
    y, controls = [3, 1], [[1, 2], [0, 2]]
    result = s.permutation_test(y, controls)
    assert (result.statistic, result.p, result.n) == (0.75, 3 / 9, 2)
    assert s.permutation_test(y, controls, alternative="less").p == 8 / 9
    assert s.permutation_test(y, controls, alternative="two-sided").p == 6 / 9


def test_drawn_relabellings_agree_with_all_of_them(monkeypatch):
    monkeypatch.setattr(permutation, "EXACT_UP_TO", 1)
    monkeypatch.setattr(permutation, "CHUNK", 15 * 1000)
    drawn = s.permutation_test(DARWIN, np.zeros((15, 1)), draws=20_500, seed=1)
    assert drawn.method == "20,500 random relabellings"
    assert drawn.p == pytest.approx(863 / 2**15, abs=4 * math.sqrt(0.0263 / 20_500))
    assert drawn == s.permutation_test(DARWIN, np.zeros((15, 1)), draws=20_500, seed=1)
    assert drawn.p != s.permutation_test(DARWIN, np.zeros((15, 1)), draws=20_500, seed=2).p


def test_the_smallest_drawn_p_is_one_over_draws_plus_one():
    assert s.permutation_test(np.full(100, 9.0), np.random.default_rng(0).random((100, 19)), draws=999).p == 1 / 1000


def test_permutation_p_is_uniform_under_the_null():
    rng = np.random.default_rng(5)
    p = []
    for i in range(400):
        # skewed, and images of different level and spread: exchangeable within an image only
        y = rng.exponential(size=(12, 1)) * rng.exponential(size=(12, 4)) + rng.normal(0, 9, (12, 1))
        p.append(s.permutation_test(y[:, 0], y[:, 1:], draws=499, seed=i).p)
    assert stats.kstest(p, "uniform").statistic < 1.63 / math.sqrt(400)  # the 1 % point


def test_the_level_of_an_image_does_not_matter():
    rng = np.random.default_rng(6)
    y, level = rng.random((30, 6)), 8 * rng.random((30, 1))
    one, two = (s.permutation_test(t[:, 0], t[:, 1:], draws=2000) for t in (y, y + level))
    assert (two.p, two.statistic) == pytest.approx((one.p, one.statistic))


# ---- effect sizes


def test_effect_sizes_by_hand():
    # differences 1, 2, 3: mean 2, sd 1
    assert s.d_z([2, 4, 6], [1, 2, 3]) == pytest.approx(2)
    assert s.rank_biserial([1, -2, 3, 4, 0]) == pytest.approx((8 - 2) / 10)
    assert s.rank_biserial([1, 2]) == 1 and s.rank_biserial([-1, -2]) == -1
