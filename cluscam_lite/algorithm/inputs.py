"""What every method asks of its model and its images before it begins."""

import inspect
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral

import torch
from torch import Tensor, nn

from ..errors import CluscamError, is_whole, unknown
from .borrowed import borrowed
from .features import HookedModel, MapsModel
from .given import checked_images
from .maps.steady import note_batch_statistics
from .weighting import check_weighting


def maps_model(model: nn.Module | MapsModel, layer: str | nn.Module | None) -> MapsModel:
    """A module hooked at `layer`, or the user's own `MapsModel` as it is. Raises CluscamError for anything else.

    A module whose class has a method `output` gives its own maps.
    """
    if isinstance(model, nn.Module) and not inspect.isfunction(getattr(type(model), "output", None)):
        return HookedModel(model, layer)
    if not isinstance(model, MapsModel):
        raise CluscamError(
            f"model is a {type(model).__name__}; expected a torch module, or an object with "
            "forward(x) -> (maps, output) and output(x) -> output"
        )
    if layer is not None:
        raise CluscamError("layer has no meaning for a model that gives its own maps; leave it out")
    return model


def checked_input(x: Tensor, model: nn.Module | MapsModel) -> Tensor:
    """`x` on the model's device and in its precision.

    Raises CluscamError unless it is a finite float tensor (B, 3, H, W), B >= 1, and the model has its weights.
    """
    x = checked_images(x)
    module = model if isinstance(model, nn.Module) else getattr(model, "module", nn.Identity())
    parameter = next((p for p in module.parameters() if p.is_floating_point()), None)
    if x.is_meta or (parameter is not None and parameter.is_meta):
        raise CluscamError(
            f"{'x' if x.is_meta else 'the model'} is on the device 'meta' and holds no numbers; load "
            f"{'an image' if x.is_meta else 'its weights'} first"
        )
    note_batch_statistics(module)
    x = x if parameter is None else x.to(parameter)
    if not torch.isfinite(x).all():
        raise CluscamError("x contains NaN or infinite values; expected a normalised image")
    return x


def whole_turn(model: MapsModel) -> AbstractContextManager[None]:
    """Several passes of a hooked network in a row, without another thread's in between."""
    return borrowed(model.module) if isinstance(model, HookedModel) else nullcontext()


def check_maps(maps: Tensor, x: Tensor) -> None:
    """Raise CluscamError unless maps are (B, d, h, w) of the images `x`."""
    if not isinstance(maps, Tensor) or maps.ndim != 4 or len(maps) != len(x) or not maps.numel():
        given = f"maps {tuple(maps.shape)}" if isinstance(maps, Tensor) else f"a {type(maps).__name__} as maps"
        raise CluscamError(f"the model gives {given} for {len(x)} images; expected (B, d, h, w) of the same images")


def check_finite(maps: Tensor, baseline: Tensor) -> None:
    """Raise CluscamError if the model gave NaN or infinite maps or logits."""
    for what, values in (("feature maps", maps), ("logits", baseline)):
        if not torch.isfinite(values).all():
            raise CluscamError(
                f"the model gave NaN or infinite {what}; expected finite numbers: check its weights, precision and "
                "preprocessing"
            )


def check_settings(
    drop_ratio: float,
    temperature: float | None,
    seed: int,
    batch_size: int | None,
    **words: tuple[object, Collection[str]],
) -> None:
    """Check the settings of a method before it runs; `words`: name of a setting -> its value and the known values.

    Raises:
        CluscamError: r, tau, seed or batch size out of range.
        UnknownName: a word that is not known. Values that are no words (functions, tensors) pass.
    """
    check_weighting(drop_ratio, temperature)
    for name, (given, known) in words.items():
        if isinstance(given, str) and given not in known:
            raise unknown(name, given, known)
    check_seed(seed)
    check_batch_size(batch_size)


def check_seed(seed: int) -> int:
    """The seed. Raises CluscamError unless it is a whole number of 32 bits."""
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise CluscamError(f"seed is {seed!r}; expected a whole number from 0 to {2**32 - 1}")
    return int(seed)


def check_batch_size(batch_size: int | None) -> None:
    """Raise CluscamError unless the number of images in a pass is at least 1, or None to have it chosen."""
    if batch_size is not None and not (is_whole(batch_size) and batch_size >= 1):
        raise CluscamError(f"batch_size is {batch_size!r}; expected at least 1, a whole number, or None for a choice")
