"""How alike two maps of one image are: correlation of their values, of their ranks, and overlap of their top pixels.

Where a map has no contrast there is nothing to correlate and no top: NaN, which is for the caller to count.
"""

import math

import numpy as np
import torch
from torch import Tensor

from ..algorithm.given import real_numbers
from ..errors import CluscamError, is_number

SMALLEST = 1e-300
HUGE, TINY = 1e70, 1e-70  # beyond these the fourth power of a map, which a correlation has, is infinite or 0
TOP = 0.1  # the share of pixels that counts as a map's top


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's correlation of two maps, pixel by pixel.

    Args:
        first, second: (H, W), the same size.

    Returns:
        -1 to 1; NaN if either map is constant, as every map of one pixel is.

    Raises:
        CluscamError: sizes that differ, no pixel, or NaN in a map.
    """
    return _pearson(*_pair(first, second))


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's: the correlation of the pixels' ranks, ties sharing their mean rank. As `correlation` otherwise."""
    from scipy.stats import rankdata

    a, b = _pair(first, second)
    return _pearson(rankdata(a), rankdata(b))


def overlap(first: Tensor, second: Tensor, share: float = TOP) -> float:
    """Jaccard's index of two maps' top pixels: those in both, divided by those in either.

    The top of a map is its ``ceil(share * H * W)`` largest pixels, and all that tie with the last of them. Two maps
    whose tops lie at random overlap by about ``share / (2 - share)``, 0.05 for a tenth.

    Args:
        first, second: (H, W), the same size.
        share: of the pixels, 0 < share < 1.

    Returns:
        0 to 1; NaN if either map is constant.

    Raises:
        CluscamError: as `correlation`, or a share out of range.
    """
    if not is_number(share) or not 0 < share < 1:
        raise CluscamError(f"the share is {share!r}; expected more than 0 and less than 1")
    a, b = _pair(first, second)
    if _constant(a) or _constant(b):
        return math.nan
    many = max(1, math.ceil(round(share * len(a), 6)))  # 0.07 of 100 is 7, though its product is a little more
    tops = [values >= np.sort(values)[-many] for values in (a, b)]
    return float((tops[0] & tops[1]).sum() / (tops[0] | tops[1]).sum())


def _pair(first: Tensor, second: Tensor) -> tuple[np.ndarray, np.ndarray]:
    first, second = real_numbers(first, "the first map"), real_numbers(second, "the second map")
    if first.shape != second.shape or first.ndim != 2 or not first.numel():
        raise CluscamError(
            f"the maps are {tuple(first.shape)} and {tuple(second.shape)}; expected two maps (H, W) of the same size"
        )
    a, b = (one.cpu().double().numpy().ravel() for one in (first, second))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise CluscamError("a map holds NaN or infinite values; expected finite ones")
    return a, b


def _constant(values: np.ndarray) -> bool:
    return bool(values.min() == values.max())


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    if _constant(a) or _constant(b):
        return math.nan
    a, b = (of_usual_size(torch.from_numpy(values)[None])[0].numpy() for values in (a, b))
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / math.sqrt((a @ a) * (b @ b)), -1, 1))


def of_usual_size(maps: Tensor) -> Tensor:
    """Maps (B, n) float64; one whose squares would be 0 or infinite is scaled to a maximum of 1, others are kept."""
    low, high = maps.amin(1, keepdim=True), maps.amax(1, keepdim=True)
    largest, spread = maps.abs().amax(1, keepdim=True), high / 2 - low / 2
    scaled = maps / largest.clamp(min=SMALLEST)
    scaled = scaled - scaled.mean(1, keepdim=True)
    scaled = scaled / scaled.abs().amax(1, keepdim=True).clamp(min=SMALLEST)
    return torch.where((largest < HUGE) & (spread > TINY), maps, scaled)
