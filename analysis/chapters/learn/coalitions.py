"""All subsets of a few masks, the network's output for each, and exact Shapley values.

A subset of n masks is a number from 0 to 2^n - 1 whose bit j says whether mask j is in it.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cluscam_lite.algorithm.memory_format import Passes
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import changes, probabilities

MOST = 12  # masks: 4,096 subsets, each a forward pass


def union(masks: Tensor, subset: int) -> Tensor:
    """The mask (H, W) of a subset of `masks` (n, H, W): their pixelwise maximum, zeros for the empty subset."""
    chosen = [j for j in range(len(masks)) if subset >> j & 1]
    return masks[chosen].amax(0) if chosen else torch.zeros_like(masks[0])


@torch.no_grad()
def all_subsets(
    output: Callable[[Tensor], Tensor], x: Tensor, masks: Tensor, target: int, batch_size: int | None = None
) -> dict[str, np.ndarray]:
    """The network's output for one image x (1, 3, H, W) behind each subset of `masks` (n, H, W) in [0, 1].

    `output` maps (m, 3, H, W) to logits (m, C); hidden pixels show the mean colour, as in Eq. 5. Returns arrays of
    2^n numbers in the order of the subsets: ``logit`` of the class `target`, ``coverage`` (mean of the mask, 0 to
    1), and in percent, 0-100, ``probability``, ``drop``, ``increase`` and ``gain`` (Eqs. 11 to 13).
    Raises CluscamError for no mask or more than 12.
    """
    n = len(masks)
    if not 1 <= n <= MOST:
        raise CluscamError(f"there are {n} masks; expected 1 to {MOST}, since every subset is a forward pass")
    classes, chunk = torch.tensor([target]), batch_size or default_batch_size(x)
    passes = Passes(x.device)
    p = probabilities(passes(output, x), classes)  # (1,)
    logits, seen, coverage = [], [], []
    for start in range(0, 2**n, chunk):
        chosen = torch.stack([union(masks, s) for s in range(start, min(start + chunk, 2**n))])  # (m, H, W)
        found = passes(output, x * chosen[:, None])  # (m, C)
        logits.append(found[:, target].double())
        seen.append(probabilities(found, classes.expand(len(found))))
        coverage.append(chosen.double().mean((1, 2)))
    o = torch.cat(seen).numpy()
    terms = changes(np.full_like(o, float(p)), o)
    return {
        "logit": torch.cat(logits).numpy(),
        "probability": 100 * o,
        "coverage": torch.cat(coverage).numpy(),
        **{name: terms[name] for name in ("drop", "increase", "gain")},
    }


def shapley(values: np.ndarray) -> np.ndarray:
    """The exact Shapley values (n,) of a game given by its value for each of the 2^n subsets.

    A player's value is its mean contribution to the players before it, over all n! orders (Shapley 1953):
    sum over S without j of |S|! (n - |S| - 1)! / n! (v(S + j) - v(S)). The values add up to the value
    of the full set minus that of the empty set (efficiency). Raises CluscamError unless there are 2^n numbers, n >= 1.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values).bit_length() - 1
    if values.ndim != 1 or n < 1 or len(values) != 2**n:
        raise CluscamError(f"there are {values.shape} values; expected one for each of the 2^n subsets, n >= 1")
    subsets = np.arange(2**n)
    sizes = np.bitwise_count(subsets)
    factor = np.array([math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)])
    found = []
    for j in range(n):
        without = subsets[(subsets >> j & 1) == 0]
        found.append((factor[sizes[without]] * (values[without | 1 << j] - values[without])).sum())
    return np.array(found)
