"""Scores: the change of the class logit when only a mask's region is kept (Section 3.2, Eq. 5)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import CluscamError, check_known, unknown
from .blurring import gaussian_blur
from .given import Normalization, checked_normalization, real_numbers
from .masks import masks_of
from .memory_format import Passes

FILLS = ("mean", "black", "blur")
PRECISIONS = ("float32", "bfloat16")
AUTOCAST = ("cpu", "cuda", "mps", "xpu")  # devices that have one
P = ParamSpec("P")
T = TypeVar("T")


def fill_image(x: Tensor, fill: str | Tensor | np.ndarray, normalization: Normalization | None = None) -> Tensor | None:
    """What hidden pixels show, in the network's normalised units.

    Args:
        x: (B, 3, H, W), normalised.
        fill: "mean", the data set's mean colour, which is zero after normalisation; "black", which needs
            `normalization`; "blur", a Gaussian-blurred copy (sigma 1/20 of the longer side); or an array,
            as it is: a colour (3,), or images.
        normalization: (mean, std) of the input.

    Returns:
        A tensor that broadcasts to `x`; None for "mean", where ``x * M`` suffices, as in the paper's code.

    Raises:
        CluscamError: "black" without `normalization`, a tensor that does not fit, or a bad normalisation.
        UnknownName: another fill.
    """
    normalization = checked_normalization(normalization)
    if not isinstance(fill, str):
        fill = real_numbers(fill, "the fill")
        shown = fill[:, None, None] if fill.shape == x.shape[1:2] else fill  # a colour
        shown = shown.to(x).reshape((1,) * (x.ndim - shown.ndim) + shown.shape)
        fits = shown.ndim == x.ndim and all(n in (1, of) for n, of in zip(shown.shape, x.shape, strict=True))
        if not fits or not torch.isfinite(shown).all():
            raise CluscamError(
                f"the fill is {tuple(fill.shape)}, or not finite; expected a colour (3,) or an image like x, "
                f"{tuple(x.shape[1:])}, in normalised units"
            )
        return shown
    if fill == "mean":
        return None
    if fill == "black":
        if normalization is None:
            raise CluscamError(
                "fill='black' needs the input's normalisation; pass normalization=(mean, std), or a tensor as fill"
            )
        if len(normalization[0]) != x.shape[1]:
            raise CluscamError(
                f"the normalisation is of {len(normalization[0])} channels, and x has {x.shape[1]}; give a mean and a "
                "deviation for each"
            )
        mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device).view(1, -1, 1, 1) for v in normalization)
        black: Tensor = -mean / std
        return black
    if fill == "blur":
        sigma = max(x.shape[-2:]) / 20
        # the border is mirrored once, so the kernel reaches as far as an axis is long
        kernel = min(2 * round(2.5 * sigma) + 1, 2 * min(x.shape[-2:]) - 1)
        return gaussian_blur(x, kernel, sigma)
    raise unknown("fill", fill, FILLS)


def mask_input(x: Tensor, masks: Tensor, fill: Tensor | None) -> Tensor:
    """``x * M`` with hidden pixels showing `fill`: x (n, 3, H, W), masks (n, 1, H, W) -> (n, 3, H, W)."""
    return x * masks if fill is None else torch.lerp(fill, x, masks)


def default_batch_size(x: Tensor) -> int:
    """Masked images per pass: 8 of 224 x 224 on a CPU (more leave its caches, and are slower), 128 elsewhere."""
    pixels = x.shape[-2] * x.shape[-1] / 224**2
    return max(1, round((8 if x.device.type == "cpu" else 128) / max(pixels, 0.25)))


def passes_in(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Within, a network's passes run in this precision: "bfloat16" by autocast, "float32" as they are."""
    check_known("precision", precision, PRECISIONS)
    return nullcontext() if precision == "float32" else torch.autocast(device.type, torch.bfloat16)


@contextmanager
def outside_autocast() -> Iterator[None]:
    """Within, no autocast of the caller's is at work: precision is a setting of ours."""
    with ExitStack() as stack:
        for device in AUTOCAST:
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield


def without_autocast(function: Callable[P, T]) -> Callable[P, T]:
    """The function, run outside any autocast of the caller's."""

    @wraps(function)
    def outside(*args: P.args, **kwargs: P.kwargs) -> T:
        with outside_autocast():
            return function(*args, **kwargs)

    return outside


def masks_from(centroids: Tensor, size: tuple[int, int]) -> Callable[[Tensor, Tensor], Tensor]:
    """The masks of centroids (B, K, h, w), made for the pairs (image, group) that are asked for: (n, 1, H, W)."""
    return lambda image, group: masks_of(centroids[image, group][:, None], size)


def score_masks(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    masks: Callable[[Tensor, Tensor], Tensor],
    valid: Tensor,
    baseline: Tensor,
    select: Callable[[Tensor, Tensor], Tensor],
    fill: Tensor | None = None,
    batch_size: int | None = None,
    precision: str = "float32",
) -> Tensor:
    """Eq. 5 for all valid groups of all images.

    Memory grows with the chunk of masked images and not with K. On an accelerator that runs out of it the chunk is
    halved.

    Args:
        output: maps (n, 3, H, W) to the network's output.
        x: (B, 3, H, W), normalised.
        masks: ``masks(images (n,), groups (n,)) -> (n, 1, H, W)``, made when they are needed (`masks_from`).
        valid: (B, K) bool, which groups there are.
        baseline: (B,) explained logits of the unmasked images.
        select: ``select(output, images (n,)) -> (n,)``, the explained logit of each row.
        fill: what hidden pixels show, from `fill_image`.
        batch_size: masked images per pass; None chooses by device and input size.
        precision: of the masked passes of a torch module: "float32", or "bfloat16" (autocast).

    Returns:
        Scores (B, K) in logits, in the dtype of `baseline`; -inf where not valid.

    Raises:
        CluscamError: a score is NaN, or one masked image does not fit in memory.
        UnknownName: another precision.
    """
    pairs = torch.nonzero(valid)  # (n, 2): image, group
    scores = torch.full(valid.shape, -torch.inf, dtype=baseline.dtype, device=x.device)
    chunk, start = batch_size or default_batch_size(x), 0
    passes = Passes(x.device)
    x = x.contiguous(memory_format=passes.format)  # the masked copies take the same format
    while start < len(pairs):
        image, group = pairs[start : start + chunk].T
        shown = fill if fill is None or len(fill) == 1 else fill[image]
        try:
            chosen = masks(image, group).to(x.dtype)  # (n, 1, H, W)
            masked = mask_input(x if len(x) == 1 else x[image], chosen, shown)
            with passes_in(precision, x.device):
                given = passes(output, masked)
            if precision != "float32" and isinstance(given, Tensor):
                given = given.float()  # as the unmasked output, which a target function was written for
            value = select(given, image)
        except torch.OutOfMemoryError:
            if len(image) == 1:
                raise CluscamError(
                    "one masked image does not fit in the device's memory; use a smaller input"
                ) from None
            chunk = len(image) // 2
            continue
        scores[image, group] = value.to(scores) - baseline[image]
        start += len(image)
    if torch.isnan(scores).any():
        raise CluscamError(
            "the model gave NaN on a masked input; expected finite logits: check its weights, precision and "
            "preprocessing"
        )
    return scores
