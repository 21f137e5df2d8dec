"""Equivalence of two paired shares: the p agrees with the interval, and keeps its level."""

import numpy as np
import pytest

from analysis.statistics import bonett_price, tost_shares
from cluscam_lite.errors import CluscamError


@pytest.mark.parametrize(("first", "second", "n"), [(0, 0, 60), (3, 1, 100), (20, 25, 500), (0, 9, 40)])
def test_both_sides_reject_where_the_interval_lies_within_the_margin(first, second, n):
    interval = bonett_price(first, second, n, level=0.95)
    edge = max(-interval.low, interval.high)
    assert tost_shares(first, second, n, edge + 1e-6) < 0.025 < tost_shares(first, second, n, edge - 1e-6)
    assert tost_shares(first, second, n, 0.3) == tost_shares(second, first, n, 0.3)


@pytest.mark.parametrize("n", [60, 200])
def test_the_level_is_kept_where_the_difference_is_the_margin(n):
    """Shares that differ by the margin are called equivalent in at most 5 % of studies, but for chance."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(n, [0.1, 0.05, 0.85], size=4000)  # alone ahead: 10 and 5 % of the images
    wrong = np.mean([tost_shares(a, b, n, 0.05) < 0.05 for a, b, _ in counts])
    assert wrong < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_many_equal_images_are_equivalent_and_few_are_not():
    assert tost_shares(0, 0, 200, 0.05) < 0.001 < 0.025 < tost_shares(0, 0, 20, 0.05)


def test_a_margin_is_a_fraction():
    with pytest.raises(CluscamError, match="margin"):
        tost_shares(0, 0, 60, 5)
