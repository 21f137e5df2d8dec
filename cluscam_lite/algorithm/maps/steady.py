"""Networks that need a second look: logits that depend on more than the image, and layers that run twice."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...errors import ClusCAMWarning
from .outputs import class_logits

UNSTEADY = 0.02  # of the largest logit: more than what rounding, and kernels chosen by the size of a batch, can do
UNSTEADY_HALF = 0.1  # the same in half precision


def note_batch_statistics(module: nn.Module) -> None:
    """Warn of a batch normalisation that keeps no statistics, and so takes those of the images in the pass."""
    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm) and part.running_mean is None and part.running_var is None:
            warnings.warn(
                f"the layer {name!r} normalises by the images that share a pass, so that scores depend on batch_size; "
                "give one image with batch_size=1, or a network with running statistics",
                ClusCAMWarning,
                stacklevel=2,
            )
            return


def note_unsteady(alone: Any, together: Any) -> None:
    """Warn where two passes in eval mode give an image other logits.

    Args:
        alone: what the network gave for the first image alone.
        together: what it gave for a batch, of which that image is the first.
    """
    first, second = class_logits(alone), class_logits(together)
    if not all(isinstance(one, Tensor) and one.ndim == 2 and len(one) for one in (first, second)):
        return
    one, other = first[0].float(), second[0].float()
    if one.shape != other.shape or not (torch.isfinite(one) & torch.isfinite(other)).all():
        return
    differ, size = float((one - other).abs().max()), float(one.abs().max())
    if differ > (UNSTEADY if first.element_size() > 2 else UNSTEADY_HALF) * size:
        rest = " or on the other images of the batch" if len(second) > 1 else ""
        warnings.warn(
            f"two passes gave an image logits that differ by {differ:.2g}, where the largest is {size:.2g}: they "
            f"depend on chance{rest}, and so do all scores; switch off what is random in the network",
            ClusCAMWarning,
            stacklevel=2,
        )


def note_several_runs(layer: str | None, runs: int) -> None:
    """Warn of a layer that ran more than once in the pass, of which the last run is read."""
    if runs > 1:
        warnings.warn(
            f"the layer {layer!r} ran {runs} times in one pass, and the maps of its last run are read: if that is of "
            "another picture, or a flipped or smaller one, name a layer that runs once",
            ClusCAMWarning,
            stacklevel=2,
        )
