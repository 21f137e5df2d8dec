"""How often each image is in each resample: drawn once for all samples of as many images."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

CHUNK = 4_000_000  # weights held at once


@lru_cache(maxsize=6)
def resample_weights(n: int, draws: int, seed: int) -> np.ndarray:
    """The share that each of n images has in each resample, (draws, n), kept for the next sample of as many images:
    drawing them takes longer than what is done with them.
    """
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws) / n
    weights.setflags(write=False)
    return weights


def weight_chunks(n: int, draws: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """The same weights, no more than `CHUNK` at once: which draws, and their weights (draws of the chunk, n)."""
    rows = max(1, CHUNK // n)
    if draws <= rows:
        yield slice(0, draws), resample_weights(n, draws, seed)
        return
    rng = np.random.default_rng(seed)
    for start in range(0, draws, rows):
        some = slice(start, min(draws, start + rows))
        yield some, rng.multinomial(n, np.full(n, 1 / n), size=some.stop - start) / n
