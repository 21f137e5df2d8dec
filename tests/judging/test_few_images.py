"""A claim's interval of a mean on few images is not BCa, and says so where it has no limits."""

import numpy as np
import pandas as pd
import pytest

from analysis.judging.compare import SMALL, compare
from analysis.page.tables import limits_text, with_interval
from analysis.statistics import mean_and_d_z
from analysis.statistics.resampling.studentised import symmetric_t_interval

D_Z = {"rule": "effect", "sesoi": 0.2, "unit": "d_z", "alpha": 0.05}


@pytest.mark.parametrize("n", [20, SMALL - 1, SMALL])
def test_only_a_claim_on_few_images_has_it(n):
    rng = np.random.default_rng(0)
    a, b = rng.exponential(10, (2, n)) * (rng.random((2, n)) < 0.4)
    bca, few = mean_and_d_z(a - b)[0], symmetric_t_interval(a - b)
    expected = few if n < SMALL else bca
    found = compare(a, b, "gain", D_Z)
    assert (found["low"], found["high"]) == (expected.low, expected.high) and found["mean"] == pytest.approx(
        bca.estimate
    )
    shown = compare(a, b, "gain")  # a table's interval, of no claim
    assert (shown["low"], shown["high"]) == (bca.low, bca.high)


def test_shares_keep_theirs():
    a, b = np.repeat([100.0, 0], 10), np.tile([100.0, 0], 10)
    found = compare(a, b, "increase", {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05})
    assert found["low"] == compare(a, b, "increase")["low"]


def test_too_few_differences_have_no_limits_and_say_so():
    one = np.zeros(20)
    one[0] = 30
    found = compare(one, np.zeros(20), "gain", D_Z)
    assert found["low"] == -np.inf and found["high"] == np.inf
    assert with_interval(pd.Series(found), "mean", "low", "high") == "+1.50 [no limits: too few images differ]"
    assert limits_text(-1, 2.5) == "[-1.00, +2.50]"
