"""Correlations of small samples; NaN where they are undefined."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

LEAST_VALUES = 4  # with fewer values, a rank correlation is not informative


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's rank correlation of two samples (n,), -1 to 1; ties share their mean rank.

    NaN where it is undefined: one sample is constant, or there are fewer than `LEAST_VALUES` values.
    """
    return pearson(rankdata(a), rankdata(b))


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson's correlation of two samples (n,), -1 to 1; NaN where `spearman` is undefined."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if len(a) < LEAST_VALUES or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])
