r"""Algorithm 2: the number of groups K from the curvature of the proxy P(K) (Eq. 8).

For candidates K_1 < ... < K_M, with P_j = P(K_j) and D_j = K_j - K_{j-1},

.. math:: S_j = (P_j - P_{j-1}) / D_j, \qquad C_j = (S_j - S_{j-1}) / D_j, \qquad K^* = K_{\arg\max_{j \ge 3} C_j}.

As printed, the loop that defines S starts at j = 3, but C_3 needs S_2, which nothing defines. **Here it is resolved**:
`slopes` starts at j = 2 with the same formula, so that C_3 has what it needs and K* is one of K_3 ... K_M, as printed.

Two things follow from the formula, whatever the data. Where P saturates, its slopes fall, so that C < 0 and the elbow
is where C is *least*: ``rule="argmin"``. The printed ``rule="argmax"`` takes the place of the least bend, or of a bend
upwards. And C_j compares the slopes on either side of K_{j-1}: the candidate chosen is the one *after* the bend.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import CluscamError, check_known

RULES = ("argmax", "argmin")
LEAST_SIZES = 3  # C needs two slopes


def check_grid(grid: Sequence[int]) -> tuple[int, ...]:
    """The candidates K_1 < ... < K_M as a tuple. Raises CluscamError unless they are at least three, ascending."""
    sizes = tuple(grid)
    shown = " ".join(map(str, sizes)) or "nothing"
    if any(isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1 for k in sizes):
        raise CluscamError(f"the candidate grid is {shown}; expected whole numbers of groups of at least 1")
    if len(sizes) < LEAST_SIZES:
        raise CluscamError(
            f"the candidate grid is {shown}; expected at least {LEAST_SIZES} sizes, since a curvature needs two slopes"
        )
    if any(a >= b for a, b in zip(sizes, sizes[1:], strict=False)):
        raise CluscamError(f"the candidate grid is {shown}; expected strictly ascending sizes, such as 5 10 20 30")
    return tuple(int(k) for k in sizes)


def proxy(scores: Sequence[ArrayLike]) -> float:
    """P(K) of Eq. 8, in logits: the scores of each image's K groups (one array per image), averaged.

    The mean over images of the mean over an image's groups: Eq. 8 where every image has K of them; an image with
    fewer distinct maps than K counts as much as the others. Raises CluscamError without images or for a score that
    is not finite.
    """
    images = [np.asarray(image, float) for image in scores]
    if not images or not all(image.ndim == 1 and image.size for image in images):
        raise CluscamError("P(K) needs the scores of at least one image, each with at least one group")
    value = float(np.mean([image.mean() for image in images]))
    if not np.isfinite(value):
        raise CluscamError("P(K) needs finite scores, but one is NaN or infinite; find out which image gives it")
    return value


def slopes(grid: Sequence[int], values: ArrayLike) -> np.ndarray:
    """S(K_j) for j = 2 ... M. S(K_2), which Algorithm 2 uses but does not define, is formed like the others.

    Args:
        grid: K_1 < ... < K_M, at least three.
        values: (..., M), P(K_1) ... P(K_M) in logits.

    Returns:
        (..., M - 1), in logits per group.

    Raises:
        CluscamError: a bad grid, or values that do not fit it or are not finite.
    """
    sizes, p = check_grid(grid), np.asarray(values, float)
    if p.shape[-1:] != (len(sizes),):
        raise CluscamError(f"there are {len(sizes)} candidate sizes but values of shape {p.shape}; give one P(K) each")
    if not np.isfinite(p).all():
        raise CluscamError("a P(K) is NaN or infinite; expected finite logits for every candidate size")
    found: np.ndarray = np.diff(p, axis=-1) / np.diff(sizes)
    return found


def curvature(grid: Sequence[int], values: ArrayLike) -> np.ndarray:
    """C(K_j) for j = 3 ... M, logits per group squared: (..., M - 2). Arguments and errors as in `slopes`."""
    s = slopes(grid, values)
    found: np.ndarray = np.diff(s, axis=-1) / np.diff(check_grid(grid))[1:]
    return found


def elbow(grid: Sequence[int], values: ArrayLike, rule: str = "argmax") -> np.ndarray:
    """K* of Algorithm 2; among equals the smallest.

    Args:
        grid: K_1 < ... < K_M, at least three.
        values: (..., M), one P(K) curve in each row.
        rule: "argmax" as printed, "argmin" as the elbow of a saturating curve needs.

    Returns:
        (...) int, one for each curve.

    Raises:
        UnknownName: another rule.
        CluscamError: as in `slopes`.
    """
    check_known("rule", rule, RULES)
    c = curvature(grid, values)
    best = c.argmax(-1) if rule == "argmax" else c.argmin(-1)
    chosen: np.ndarray = np.asarray(check_grid(grid)[2:])[best]
    return chosen
