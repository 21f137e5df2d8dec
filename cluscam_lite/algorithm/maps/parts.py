"""Layers that give several things, or quantised ones: what is the maps, and how others are put in their place."""

from typing import Any

import torch
from torch import Tensor


def maps_in(output: Any) -> Any:
    """What a layer's maps may be: its output, or one tensor of three or four axes in a tuple or list.

    It is the first of those with the shortest first axis: others have places folded into it. Quantised maps are given
    as the floats that they stand for.
    """
    place = _place(output)
    maps = output if place is None else output[place]
    return maps.dequantize() if isinstance(maps, Tensor) and maps.is_quantized else maps


def with_maps(output: Any, maps: Any) -> Any:
    """A layer's output with what `maps_in` gives replaced; new maps are quantised as the old were."""
    place = _place(output)
    before = output if place is None else output[place]
    if isinstance(before, Tensor) and before.is_quantized:
        maps = torch.quantize_per_tensor(maps, before.q_scale(), before.q_zero_point(), before.dtype)
    if place is None:
        return maps
    parts = [*output[:place], maps, *output[place + 1 :]]
    return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)


def _place(output: Any) -> int | None:
    if not isinstance(output, tuple | list):
        return None
    lengths = {i: len(part) for i, part in enumerate(output) if isinstance(part, Tensor) and part.ndim in (3, 4)}
    return min(lengths, key=lengths.__getitem__, default=None)
