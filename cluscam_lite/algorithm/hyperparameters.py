"""Choosing the temperature from K and r (Eq. 10)."""

import math


def temperature(n_clusters: int, drop_ratio: float) -> float:
    """Eq. 10: tau = 1 / log(1 + r K). Infinite (uniform weights) when nothing is dropped, r K = 0.

    r K is the number of groups *discarded*: tau falls as more are dropped. The sentence after Eq. 10 says the
    reverse; Table 3 agrees with the equation. tau < 1 needs r K > e - 1.
    """
    discarded = drop_ratio * n_clusters
    return 1 / math.log1p(discarded) if discarded > 0 else math.inf
