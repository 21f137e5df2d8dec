"""What the statistics refuse, with one sentence each."""

import numpy as np
import pytest

from analysis import statistics as s
from cluscam_lite.errors import CluscamError, UnknownName

NAN, INF = float("nan"), float("inf")
PAIRED = [s.paired_t, s.wilcoxon, s.sign_test, s.d_z, s.rank_biserial]


def refused(text, function, *arguments, **options):
    with pytest.raises(CluscamError, match=text) as error:
        function(*arguments, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("function", [*PAIRED, s.bootstrap_interval, s.holm])
def test_samples_that_are_empty_or_not_finite_or_no_numbers(function):
    refused("is empty", function, [])
    refused(r"3 values of 4 that are not finite \(2 NaN, 1 infinite\)", function, [NAN, 1, INF, NAN])
    refused("not a number", function, ["a", "b"])
    refused(r"its shape is \(2, 2\)", function, np.ones((2, 2)))


@pytest.mark.parametrize("function", PAIRED)
def test_samples_of_different_lengths(function):
    refused("different lengths, 3 and 2", function, [1, 2, 3], [1, 2])


@pytest.mark.parametrize("function", [s.paired_t, s.d_z])
def test_too_few_or_constant_differences(function):
    refused("too few differences: 1, but at least 2", function, [1])
    refused("every difference is 0.1, so", function, [0.1, 1.1, 10.1], [0, 1, 10])


def test_constant_samples_elsewhere():
    refused("every difference is 0, so an equivalence test", s.tost, [0, 0], margin=1)


@pytest.mark.parametrize("function", [s.paired_t, s.wilcoxon, s.sign_test])
def test_unknown_alternatives(function):
    with pytest.raises(UnknownName, match="unknown alternative 'larger'.*two-sided"):
        function([1, 2], alternative="larger")


def test_permutation():
    refused("observed and controls have different lengths, 2 and 3", s.permutation_test, [1, 2], np.ones((3, 4)))
    refused("controls must be a table", s.permutation_test, [1, 2], [1, 2])
    refused("controls is empty", s.permutation_test, [1, 2], np.ones((2, 0)))
    refused("controls has 1 values of 4", s.permutation_test, [1, 2], [[1, 2], [NAN, 1]])
    refused("draws must be a whole number of at least 1", s.permutation_test, [1], [[2]], draws=0)


def test_bootstrap():
    refused("too few images: 1, but at least 2", s.bootstrap_interval, [1])
    refused("too few groups: 1, but at least 2", s.bootstrap_interval, [1, 2], groups=["a", "a"])
    refused("sample and its groups have different lengths, 2 and 3", s.bootstrap_interval, [1, 2], groups=[1, 2, 3])
    refused("groups must be one label per entry", s.bootstrap_interval, [1, 2], groups=[[1, 2]])
    refused("the samples have different lengths, 2 and 1", s.bootstrap_interval, [1, 2], [1])
    refused("no sample was given", s.bootstrap_interval)
    refused("level must be a number between 0 and 1, not 95", s.bootstrap_interval, [1, 2], level=95)
    refused("draws must be a whole number of at least 100", s.bootstrap_interval, [1, 2], draws=10)

    def inverse(x, axis):
        with np.errstate(divide="ignore"):
            return 1 / x.sum(axis)

    refused("the statistic of the sample is inf", s.bootstrap_interval, [0, 0], statistic=inverse)
    refused("not finite in .* of 9999 resamples", s.bootstrap_interval, [0, 1], statistic=inverse)


def test_proportions():
    refused("first must hold booleans.*not int64; compare first", s.mcnemar, [1, 0], [True, False])
    refused("second must be one boolean per image", s.mcnemar, [True], [])
    refused("first and second have different lengths, 1 and 2", s.mcnemar, [True], [True, False])
    refused("one boolean per image", s.mcnemar, [[True], [True, False]], [True])


@pytest.mark.parametrize("p", [-0.1, 1.5])
def test_holm(p):
    refused(f"between 0 and 1, but {p} is among", s.holm, [0.5, p])


@pytest.mark.parametrize("margin", [0, -1, NAN, INF, "1"])
def test_margins(margin):
    refused("margin must be a number above 0", s.tost, [1, 2, 4], margin=margin)


def test_units_of_a_margin():
    with pytest.raises(UnknownName, match="unknown units of a margin 'percent'"):
        s.tost([1, 2, 4], margin=1, units="percent")


def test_table_1():
    refused("differences must be a table", s.paper_table1, [1, 2, 3])
    refused("too few images", s.paper_table1, [[1, 2]])
    refused("too few groups", s.paper_table1, [[1], [2]])
    refused("1 values of 4 that are not finite", s.paper_table1, [[1, 2], [3, NAN]])
