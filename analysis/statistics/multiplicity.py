"""Several tests of one family."""

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics import checks
from cluscam_lite.errors import CluscamError


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's adjusted p-values (m,), 0-1, in the order given; none is below its raw one.

    The same bits as statsmodels' `multipletests`, which collects garbage at each call and takes a tenth of a second.
    Raises CluscamError if one is NaN or outside 0-1.
    """
    raw = checks.array(p, "p")
    if ((raw < 0) | (raw > 1)).any():
        worst = raw[(raw < 0) | (raw > 1)][0]
        raise CluscamError(f"a p-value must be between 0 and 1, but {worst:.6g} is among those given")
    order = np.argsort(raw)
    factors = np.arange(len(raw), 0, -1)  # m for the smallest p, 1 for the largest
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1)
    return adjusted
