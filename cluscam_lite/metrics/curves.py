"""Insertion and deletion: the class's probability while the most salient pixels come in, or go first.

Petsiuk et al. 2018 (RISE), Section 4.2. The area under the curve, 0 to 1: high is good for insertion, low for
deletion.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..algorithm.given import Normalization
from ..algorithm.scoring import fill_image
from ..errors import CluscamError, is_whole
from .faithfulness import probabilities
from .masking import check_class, masked_outputs, one_map

STEPS = 20  # passes beyond the first; RISE takes one for every row of pixels


def insertion(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    saliency: Tensor,
    target: int,
    steps: int = STEPS,
    fill: str | Tensor = "blur",
    normalization: Normalization | None = None,
    batch_size: int | None = None,
) -> tuple[float, Tensor]:
    """The probability while the most salient pixels come in; point i shows the share i / steps of them.

    Args:
        output: maps (m, 3, H, W) to logits (m, C).
        x: (1, 3, H, W), normalised.
        saliency: (H, W) or (1, H, W).
        target: the explained class.
        steps: points less one.
        fill: what hidden pixels show: "mean", "black", "blur", or a tensor.
        normalization: (mean, std) of the input, which "black" needs.
        batch_size: images in a pass, as in `masked_outputs`.

    Returns:
        AUC (0 to 1, higher is better), and the curve (steps + 1,) float64 from `fill` alone to the whole image.

    Raises:
        CluscamError: a map of another size, NaN, a class outside the network's, or no step.
    """
    x, saliency = _checked(x, saliency)
    kept = salient_first(saliency, steps)  # (steps + 1, H, W)
    return _curve(output, x, kept, target, fill_image(x, fill, normalization), batch_size)


def deletion(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    saliency: Tensor,
    target: int,
    steps: int = STEPS,
    fill: str | Tensor = "mean",
    normalization: Normalization | None = None,
    batch_size: int | None = None,
) -> tuple[float, Tensor]:
    """The probability while the most salient pixels go; point i hides the share i / steps of them.

    Arguments and errors as in `insertion`.

    Returns:
        AUC (0 to 1, lower is better), and the curve (steps + 1,) float64 from the whole image to `fill` alone.
    """
    x, saliency = _checked(x, saliency)
    kept = 1 - salient_first(saliency, steps)  # (steps + 1, H, W)
    return _curve(output, x, kept, target, fill_image(x, fill, normalization), batch_size)


def salient_first(saliency: Tensor, steps: int) -> Tensor:
    """Masks (steps + 1, H, W) of 0 and 1: mask i has the round(i H W / steps) most salient pixels of (H, W).

    Equal pixels come in reading order, from the top left, so that a map without contrast is a curtain drawn from
    the top: a defined answer, though no meaningful one.
    """
    if not is_whole(steps) or not 1 <= steps <= saliency.numel():
        raise CluscamError(f"steps is {steps!r}; expected a whole number from 1 to the number of pixels")
    order = saliency.flatten().argsort(descending=True, stable=True)  # (H W,)
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    counts = torch.tensor([round(i * len(order) / steps) for i in range(steps + 1)], device=order.device)
    return (rank < counts[:, None]).view(-1, *saliency.shape).float()  # (steps + 1, H, W)


def area_under(curve: Tensor) -> float:
    """The trapezoid rule over equal steps from 0 to 1, for curve (n,), n >= 2."""
    return float(torch.trapezoid(curve) / (len(curve) - 1))


def _curve(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    kept: Tensor,
    target: int,
    fill: Tensor | None,
    batch_size: int | None,
) -> tuple[float, Tensor]:
    _, logits = masked_outputs(output, x, kept, [fill] * len(kept), batch_size)  # (steps + 1, C)
    classes = torch.full((len(logits),), check_class(target, logits.shape[1]))
    curve = probabilities(logits, classes).cpu()
    if torch.isnan(curve).any():
        raise CluscamError("the network gave NaN on a masked input; check its weights, precision and preprocessing")
    return area_under(curve), curve


def _checked(x: Tensor, saliency: Tensor) -> tuple[Tensor, Tensor]:
    """The image (1, 3, H, W), and the map as (H, W) on its device."""
    x, found = one_map(x, saliency)
    if torch.isnan(found).any():
        raise CluscamError("the map contains NaN, which has no order; expected finite numbers")
    return x, found.to(x.device)
