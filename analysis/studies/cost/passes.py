"""Passes of a network that a method takes to explain one image: counted from the shape of its maps, not measured."""

import inspect
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from math import ceil
from typing import Any

import torch
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import method_info
from cluscam_lite.rivals.groupcam import GroupCAM
from cluscam_lite.rivals.head import Head
from cluscam_lite.rivals.opticam import OptiCAM
from cluscam_lite.rivals.polycam import resolutions
from cluscam_lite.rivals.reciprocam import reads_maps


@dataclass(frozen=True)
class Passes:
    """What is done, in images: the unit of every field is one image that goes through once.

    `forward`: through the whole network. `head`: through what follows the layer (`cluscam_lite.rivals.head`).
    `backward`: a gradient back through the network, beside the forward pass that it needs. `groupings`: clusterings of
    one image's maps. `evaluations`: maps brought into their forms and measured, without the passes that this takes.
    `images`: read, decoded and resized.
    """

    forward: float = 0
    head: float = 0
    backward: float = 0
    groupings: float = 0
    evaluations: float = 0
    images: float = 0

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, times: float) -> "Passes":
        return Passes(*(value * times for value in astuple(self)))

    def to_dict(self) -> dict[str, float]:
        """Field -> number."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Shape:
    """What the cost of a method depends on, of one network read at one layer.

    `size`: pixels along the input's side. `maps`: d. `places`: h w. `prefix`: whether tokens that are no places come
    with the maps, and `read`: whether the output depends on the places then. `curved`: whether the output is not
    linear in the maps. `pyramid`: maps of each layer that PolyCAM multiplies.
    """

    size: int
    maps: int
    places: int
    prefix: bool = False
    read: bool = True
    curved: bool = True
    pyramid: tuple[int, ...] = ()


def shape_of(module: nn.Module, layer: str, size: int) -> Shape:
    """The shape of a network at a layer (dotted name), from a few passes of one image of noise, `size` x `size`."""
    device = next(module.parameters()).device
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    with Head(module, layer, x) as head:
        d, h, w = head.maps.shape[1:]
        prefix = bool(head.layout.prefix)
        read = not prefix or reads_maps(head)
        curved = _curved(head)
    try:
        names = resolutions(module, layer, x)
        pyramid = tuple(HookedModel(module, name).forward(x)[0].shape[1] for name in names)
    except NotApplicable:
        pyramid = ()
    return Shape(size, d, h * w, prefix, read, curved, pyramid)


def _curved(head: Head) -> bool:
    """Whether the output is not linear in the maps: it is, if it is so along two lines through what the image gives."""
    first = torch.zeros(1, dtype=torch.long, device=head.maps.device)
    noise = torch.randn(head.maps.shape, generator=torch.Generator().manual_seed(1)).to(head.maps)
    for step in (head.maps, noise * head.maps.std()):
        zero, one, two = (head.run(head.maps + times * step, first).float() for times in (0.0, 0.5, 1.0))
        scale = float((two - zero).abs().max())
        if not torch.allclose(one - zero, (two - zero) / 2, rtol=1e-3, atol=1e-3 * scale):
            return True
    return False


def passes_of(name: str, shape: Shape, n_clusters: int, settings: Mapping[str, Any] = {}) -> Passes:
    """What a method takes to explain one image, its map not evaluated.

    Args:
        name: of the registry of methods.
        shape: of the network at the layer where the method is asked.
        n_clusters: K of the network; fewer groups, where the maps are fewer or alike, cost less.
        settings: of the method, where they are not its defaults.

    Raises:
        UnknownName: no such method.
    """
    info = method_info(name)
    k = min(int(settings.get("n_clusters", n_clusters)), shape.maps)
    if name in ("cluscam", "inverted"):
        return Passes(forward=1 + k, groupings=1)
    if name == "donor":
        return Passes(forward=2 + k, groupings=1, images=1)
    if name == "smooth":
        return Passes(forward=1 + int(settings.get("n_clusters", n_clusters)))
    if name in ("opticam", "opticam_norm"):
        steps = int(settings.get("iterations", _default(OptiCAM, "iterations")))
        return Passes(forward=1 + steps, backward=steps)
    if name == "scorecam":
        return Passes(forward=2 + shape.maps)  # the package reads the maps in a pass of its own
    if name == "ablationcam":
        return Passes(forward=1, head=1 + shape.maps)  # the first of the head is the check that it can be run alone
    if name == "reciprocam":
        return _reciprocam(shape)
    if name == "groupcam":  # at most: a mask without contrast costs no pass
        return Passes(
            forward=3 + min(int(settings.get("n_groups", _default(GroupCAM, "n_groups"))), shape.maps), backward=1
        )
    if name.startswith("polycam"):
        each = 2 if info.fixed["variant"] == "plus-minus" else 1
        return Passes(forward=2 + sum(1 + each * d for d in shape.pyramid))  # two find the layers
    if name == "shapleycam":
        return Passes(forward=1, backward=1 + shape.curved)
    return Passes(forward=1, backward=int(info.gradients))


def _reciprocam(shape: Shape) -> Passes:
    """A pass of the head for each place. Asked where no place is read, the method looks for an earlier layer."""
    look = Passes(forward=1, head=1 + 2 * shape.prefix)
    if shape.prefix and not shape.read:
        look += Passes(forward=2, head=1)
    return look + Passes(forward=1, head=shape.places)


def _default(factory: Any, setting: str) -> Any:
    return inspect.signature(factory).parameters[setting].default


def masked_passes(masks: int, size: int, batch_size: int | None = None) -> Passes:
    """The passes of `masks` masked copies of one image, as `cluscam_lite.metrics.masking.masked_outputs` runs them."""
    chosen = batch_size or default_batch_size(torch.empty(1, 3, size, size))
    per_pass = min(masks, max(2, chosen) - 1)
    return Passes(forward=ceil(masks / per_pass) * (1 + per_pass))


def evaluation_passes(masks: int, size: int, batch_size: int | None = None) -> Passes:
    """The passes of an image and `masks` masked copies of it, as `cluscam_lite.metrics.evaluate` runs them."""
    chosen = batch_size or default_batch_size(torch.empty(1, 3, size, size))
    per_pass = min(1 + masks, max(2, chosen))
    return Passes(forward=ceil((1 + masks) / per_pass) * per_pass)
