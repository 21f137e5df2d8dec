"""Several tests of one family."""

import gc

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from analysis.statistics import checks
from cluscam_lite.errors import CluscamError


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's adjusted p-values (m,), 0-1, in the order given; none is below its raw one.

    Raises CluscamError if one is NaN or outside 0-1.
    """
    raw = checks.array(p, "p")
    if ((raw < 0) | (raw > 1)).any():
        worst = raw[(raw < 0) | (raw > 1)][0]
        raise CluscamError(f"a p-value must be between 0 and 1, but {worst:.6g} is among those given")
    gc.freeze()  # statsmodels collects garbage at each call, a third of a second with a study's rows in memory
    try:
        return multipletests(raw, method="holm")[1]
    finally:
        gc.unfreeze()
