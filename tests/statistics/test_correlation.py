"""Correlations of a few values."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.statistics.correlation import pearson, spearman


def test_spearman_by_hand_and_with_ties():
    # ranks 1 2 3 4 against 1 3 2 4: 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15)
    assert spearman([1, 2, 3, 40], [0.1, 0.3, 0.2, 0.9]) == pytest.approx(0.8)
    # ties share their mean rank: 1 2.5 2.5 4 against 1 2 3 4, deviations -1.5 0 0 1.5 and -1.5 -0.5 0.5 1.5
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    rng = np.random.default_rng(0)
    for n in (4, 7, 11):
        a, b = rng.integers(0, 4, n), rng.random(n)
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
        assert pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert math.isnan(spearman([1, 2, 3], [1, 2, 3]))  # too few
    assert math.isnan(spearman([1, 1, 1, 1], [1, 2, 3, 4])) and math.isnan(pearson([1, 2, 3, 4], [5, 5, 5, 5]))
