"""ADCC: average drop, coherency and complexity in one number (Poppi et al. 2021, Section 3). Everything in percent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..algorithm.given import real_numbers
from ..algorithm.masks import is_constant
from ..errors import CluscamError
from .agreement import of_usual_size

if TYPE_CHECKING:
    from ..explanation import Explanation


def complexity(saliency: Tensor) -> Tensor:
    """How much of the image each map lights: its L1 norm per pixel, the coverage in percent; lower is simpler.

    Args:
        saliency: (B, H, W) in [0, 1].

    Returns:
        (B,) float64, percent, 0-100.

    Raises:
        CluscamError: values outside [0, 1], or NaN.
    """
    saliency = real_numbers(saliency, "the map")
    if saliency.ndim < 2 or not saliency.numel():
        raise CluscamError(f"the maps are {tuple(saliency.shape)}; expected (B, H, W)")
    if not ((saliency >= 0) & (saliency <= 1)).all():
        raise CluscamError("a map is not in [0, 1], or has NaN; expected maps that are min-max normalised")
    return 100 * saliency.double().mean((-2, -1))


def explained_again(explainer: Callable[..., "Explanation"], x: Tensor, explanation: "Explanation") -> Tensor:
    """The maps (B, H, W) that `explainer` gives for the same classes on ``x * E``: x (B, 3, H, W) normalised."""
    return explainer(x * explanation.saliency[:, None].to(x), explanation.target).saliency


def coherency(saliency: Tensor, again: Tensor) -> Tensor:
    """Pearson's r of each image's two maps, as 100 (1 + r) / 2.

    r has no meaning for a map without contrast: two maps that are equal count as r = 1, any others as r = 0.

    Args:
        saliency: (B, H, W).
        again: (B, H, W), the maps of the images masked by `saliency`, from `explained_again`.

    Returns:
        (B,) float64, percent, 0-100.

    Raises:
        CluscamError: shapes that differ, or maps that are not finite.
    """
    saliency, again = real_numbers(saliency, "the first map"), real_numbers(again, "the second map")
    if saliency.shape != again.shape or saliency.ndim != 3:
        raise CluscamError(
            f"the maps are {tuple(saliency.shape)} and {tuple(again.shape)}; expected two of the same shape (B, H, W)"
        )
    one, two = (maps.double().flatten(1) for maps in (saliency, again.to(saliency.device)))  # (B, H W)
    equal = (one == two).all(1)
    if not (torch.isfinite(one).all() and torch.isfinite(two).all()):
        raise CluscamError("a map contains NaN or infinite values, which have no correlation; expected finite maps")
    flat = is_constant(*one.aminmax(dim=1)) | is_constant(*two.aminmax(dim=1))
    one, two = (of_usual_size(maps) for maps in (one, two))
    a, b = (maps - maps.mean(1, keepdim=True) for maps in (one, two))
    size = (a.square().sum(1) * b.square().sum(1)).sqrt().masked_fill(flat, 1)  # (B,)
    r = ((a * b).sum(1) / size).clamp(-1, 1)
    r = torch.where(flat, equal.double(), r)
    return 100 * (1 + r) / 2


def adcc(coherency: ArrayLike, complexity: ArrayLike, drop: ArrayLike) -> np.ndarray:
    """The harmonic mean of coherency, 100 - complexity and 100 - drop; higher is better.

    3 / (1 / coherency + 1 / (1 - complexity) + 1 / (1 - drop)) with shares; 0 as soon as one of them is 0. Poppi et
    al. put in means over images; per image works as well.

    Args:
        coherency, complexity, drop: percent, 0-100, of one shape.

    Returns:
        Percent, 0-100, in that shape.

    Raises:
        CluscamError: a number outside 0-100, or NaN, or shapes that differ.
    """
    given = {"coherency": coherency, "complexity": complexity, "drop": drop}
    values = {name: real_numbers(value, name).double().cpu().numpy() for name, value in given.items()}
    if len({value.shape for value in values.values()}) > 1:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in values.items())
        raise CluscamError(f"the numbers are of several shapes ({shapes}); expected one of each for every image")
    for name, value in values.items():
        if not ((value >= 0) & (value <= 100)).all():
            raise CluscamError(f"{name} is outside 0 to 100, or NaN; expected percent")
    parts = np.stack([values["coherency"], 100 - values["complexity"], 100 - values["drop"]])
    nothing = (parts < 1e-300).any(0)  # below it 1 / part overflows
    return np.where(nothing, 0.0, 3 / (1 / np.where(nothing, 1.0, parts)).sum(0))
