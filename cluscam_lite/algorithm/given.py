"""Numbers that a user hands in: images, maps, colours, boxes and a normalisation, checked and as tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import CluscamError

Triple = tuple[float, float, float]
Normalization = tuple[Triple, Triple]
"""(mean, std) of the input's channels, in [0, 1]."""


def real_numbers(given: Tensor | ArrayLike, what: str) -> Tensor:
    """Real numbers as a tensor of floats: from a tensor, a NumPy array, or nested lists of one length each.

    Args:
        given: whole numbers and truth values become float32; floats keep their precision.
        what: the subject of the sentence that refuses it, such as "the map".

    Raises:
        CluscamError: anything else, such as text, complex numbers, or lists of different lengths.
    """
    try:
        found = given.detach() if isinstance(given, Tensor) else torch.from_numpy(np.array(given))
    except (TypeError, ValueError, RuntimeError):
        found = None
    if found is None or found.is_complex() or found.layout != torch.strided:
        kind = f"{given.dtype} {tuple(given.shape)}" if isinstance(given, Tensor | np.ndarray) else type(given).__name__
        raise CluscamError(
            f"{what} is {kind}; expected real numbers: a tensor, a NumPy array, or lists of equal lengths"
        )
    return found if found.is_floating_point() else found.float()


def checked_images(x: Tensor) -> Tensor:
    """`x` as it is. Raises CluscamError unless it is a dense float tensor (B, 3, H, W), B >= 1."""
    dense = isinstance(x, Tensor) and x.layout == torch.strided
    if not dense or x.ndim != 4 or not x.is_floating_point() or not x.numel():
        given = f"{'' if dense else 'sparse '}{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise CluscamError(f"x is {given}; expected a normalised float tensor (B, 3, H, W), x[None] for one image")
    return x


def checked_normalization(
    normalization: Any, what: str = "normalization is", std_name: str = "std"
) -> Normalization | None:
    """(mean, std) as tuples of numbers, or None; `what` and `std_name` name the pair and its std in messages.

    Raises CluscamError unless each is of colours in [0, 1], and std above 0.
    """
    if normalization is None:
        return None
    try:
        mean, std = (tuple(map(float, values)) for values in normalization)
        good = 0 < len(mean) == len(std) and all(0 <= m <= 1 for m in mean) and all(0 < s <= 1 for s in std)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise CluscamError(
            f"{what} {normalization!r}; expected (mean, std), each with a number in [0, 1] for each channel, "
            f"{std_name} above 0: divide those of 0 to 255 by 255"
        )
    return mean, std  # type: ignore[return-value]


def check_boxes(given: Tensor | ArrayLike | Sequence[Sequence[float]]) -> Tensor:
    """Boxes as (n, 4) float64 on the CPU, n >= 0.

    Raises:
        CluscamError: another shape, NaN or infinite edges, or a box without area: xmin < xmax and ymin < ymax.
    """
    boxes = real_numbers(given, "the boxes").double().cpu()
    if not boxes.numel():
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not torch.isfinite(boxes).all():
        raise CluscamError(
            f"the boxes are {tuple(boxes.shape)}, or not finite; expected (n, 4): xmin, ymin, xmax, ymax of each "
            "in pixels of the map"
        )
    empty = boxes[(boxes[:, 0] >= boxes[:, 2]) | (boxes[:, 1] >= boxes[:, 3])]
    if len(empty):
        raise CluscamError(
            f"the box {tuple(empty[0].tolist())} has no area; expected xmin < xmax and ymin < ymax, in this order"
        )
    return boxes
