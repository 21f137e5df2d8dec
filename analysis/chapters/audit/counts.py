"""The number of images behind a percentage: it is a multiple of 100 / N, and two decimals often identify N."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.chapters.audit.audit import HALF

EXACT = 1e-9  # for rounding in binary


def fits(percentages: ArrayLike, n: int) -> np.ndarray:
    """Whether each of the printed percentages (m,) is k / n of n images for some whole k, rounded to two decimals."""
    values = np.asarray(percentages, dtype=float)
    k = np.round(values * n / 100)
    return np.abs(100 * k / n - values) <= HALF + EXACT


def fitting(percentages: ArrayLike, candidates: ArrayLike) -> pd.DataFrame:
    """For each candidate n: how many of the percentages `fit`, and how many would by `chance`.

    Two-decimal numbers lie 0.01 apart and the multiples 100 / n, so a random number fits with probability n / 10,000
    (at most 1). A large n fits anything; only small ones can be told apart.
    """
    values = np.asarray(percentages, dtype=float)
    numbers = np.asarray(candidates, dtype=int)
    fit = [int(fits(values, n).sum()) for n in numbers]
    return pd.DataFrame({"n": numbers, "fit": fit, "chance": len(values) * np.minimum(numbers / 1e4, 1)})


def nearest_counts(percentage: float, n: int) -> dict[int, float]:
    """The two numbers of images around a percentage of n, and what each would be printed as."""
    k = percentage * n / 100
    return {int(count): round(100 * count / n, 2) for count in (np.floor(k), np.ceil(k))}
