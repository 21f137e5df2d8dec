"""A network's feature maps: any torch module and one of its layers as ``x -> (maps, output)`` (Algorithm 1, line 1).

ClusCAM needs no more of a model than two methods, ``forward(x) -> (maps, output)`` and ``output(x) -> output``, so
that anything that runs a network (an ONNX Runtime session, say) can stand in for `HookedModel`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..errors import CluscamError, unknown
from .layouts import Layout, find_layout, size_of, to_maps

Call = Callable[[nn.Module, Tensor], Any]
"""``call(module, x)`` runs a network on images."""


@runtime_checkable
class MapsModel(Protocol):
    """What ClusCAM needs of a model: maps (B, d, h, w) and logits (B, C)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def output(self, x: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class LayerInfo:
    """One module that ran.

    Attributes:
        name: dotted.
        kind: of module, the name of its class.
        shape: of its output, None for anything but a tensor.
        layout: how the output is read as maps, None if it gives none.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    layout: Layout | None


class HookedModel:
    """A torch module one of whose layers is read by a forward hook. No gradient is needed and nothing is changed.

    The module is put in eval mode for each call and given back as it was; the hook lives only during `forward`.

    Args:
        module: the network.
        layer: dotted module name, or the module itself; None takes the last that gives maps (`default_layer`), found
            with one extra pass at first use.
        call: ``call(module, x)`` runs the network on images x (n, 3, H, W), for one that takes them by keyword or needs
            more than images; None is ``module(x)``.
        reshape: what the layer gives -> maps (n, d, h, w), for a layer that cannot be read by itself; None finds how.

    Attributes:
        layer_name: the layer that is read; None until it is found.
        layout: how its output is read as maps; None before the first pass.

    Raises:
        UnknownName: no such layer.
    """

    def __init__(
        self,
        module: nn.Module,
        layer: str | nn.Module | None = None,
        call: Call | None = None,
        reshape: Callable[[Any], Tensor] | None = None,
    ):
        self.module = module
        self.layer_name = layer = _name_of(layer, module) if isinstance(layer, nn.Module) else layer
        self.layout: Layout | None = None
        self.call, self.reshape = call, reshape
        names = dict(module.named_modules())
        if layer is not None and layer not in names:
            raise unknown("layer", layer, filter(None, names))

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, d, h, w) and output (B, C) of normalised images (B, 3, H, W), in one pass.

        Raises:
            CluscamError: the layer did not run, or does not give maps.
        """
        if self.layer_name is None:
            self.layer_name = default_layer(self.module, x, self.call)
        captured: list[Any] = []
        layer = self.module.get_submodule(self.layer_name)
        with layer.register_forward_hook(lambda _module, _inputs, output: captured.append(output)):
            output = self.output(x)
        if not captured:
            raise CluscamError(
                f"layer {self.layer_name!r} did not run in the forward pass; {_advice(self.module, x, self.call)}"
            )
        if self.reshape is not None:
            return _reshaped(self.reshape, captured[-1], x), output
        # a layer used several times counts with its last use
        self.layout = find_layout(captured[-1], size_of(x), prefix_tokens(self.module))
        if self.layout is None:
            advice = _advice(self.module, x, self.call)
            raise CluscamError(f"layer {self.layer_name!r} gives {_describe(captured[-1])}, not maps; {advice}")
        return to_maps(captured[-1], self.layout), output

    def find_layer(self, x: Tensor) -> tuple[str, Layout]:
        """Name and layout of the layer, found by a pass of the first image of `x`. Raises CluscamError as `forward`."""
        self.forward(x[:1])
        assert self.layer_name is not None and self.layout is not None  # `forward` has found both
        return self.layer_name, self.layout

    @torch.no_grad()
    def output(self, x: Tensor) -> Tensor:
        """The network's output: a tensor, or the `logits` of an output object."""
        with eval_mode(self.module):
            return logits_of(self.module(x) if self.call is None else self.call(self.module, x))


def logits_of(output: Any) -> Tensor:
    """What a network gave: a tensor as it is, or the `logits` of an output object."""
    logits: Tensor = getattr(output, "logits", output)
    return logits


def layers(module: nn.Module, x: Tensor, call: Call | None = None) -> list[LayerInfo]:
    """Every module that runs on `x`, in the order in which they finish. One forward pass of the first image.

    `call` is as in `HookedModel`, here and below.
    """
    return [info for info, _ in _run_layers(module, x, call)]


def map_layers(module: nn.Module, x: Tensor, call: Call | None = None) -> list[str]:
    """Names of the layers that give maps of more than one cell, shallow to deep, one name for each result.

    A block and its last child return the same memory: the shortest name stands for both. Results of layer
    normalisation, dropout and plain reshaping are left out (they can still be asked for by name).
    """
    groups: dict[int, list[LayerInfo]] = {}
    outputs = []  # kept alive, so that no two results share an address
    for info, output in _run_layers(module, x, call):
        outputs.append(output)
        if info.layout is not None and max(info.layout.grid) > 1:
            groups.setdefault(output.untyped_storage().data_ptr(), []).append(info)
    skipped = ("LayerNorm", "RMSNorm", "Dropout", "Softmax")
    found = []
    for group in groups.values():
        if not any(part in info.kind for info in group for part in skipped):
            found.append(min(group, key=lambda info: len(info.name)).name)
    return found


def default_layer(module: nn.Module, x: Tensor, call: Call | None = None) -> str:
    """The deepest of `map_layers`. Raises CluscamError if there is none."""
    found = map_layers(module, x, call)
    if not found:
        raise CluscamError(
            "no layer of this model gives feature maps; expected a convolutional or patch-token network, or an object "
            "with forward(x) -> (maps, output) and output(x) -> output"
        )
    return found[-1]


@contextmanager
def switched_off(parts: Iterable[Any], flag: str) -> Iterator[None]:
    """Set a flag to False on all parts that have it True, and back to True afterwards."""
    on = [part for part in parts if getattr(part, flag)]
    try:
        for part in on:
            setattr(part, flag, False)
        yield
    finally:
        for part in on:
            setattr(part, flag, True)


def eval_mode(module: nn.Module) -> AbstractContextManager[None]:
    """Put every submodule in eval mode, and back as it was afterwards."""
    return switched_off(module.modules(), "training")


def prefix_tokens(module: nn.Module) -> int:
    """How many class and register tokens precede the patches, by the network's own word; 0 if it says nothing."""
    count = getattr(module, "num_prefix_tokens", 0)  # timm's name for it
    return count if isinstance(count, int) else 0


@torch.no_grad()
def _run_layers(module: nn.Module, x: Tensor, call: Call | None = None) -> list[tuple[LayerInfo, Any]]:
    found: list[tuple[LayerInfo, Any]] = []
    prefix, size = prefix_tokens(module), size_of(x)

    def record(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(part: nn.Module, _inputs: Any, output: Any) -> None:
            shape = tuple(output.shape) if isinstance(output, Tensor) else None
            found.append((LayerInfo(name, type(part).__name__, shape, find_layout(output, size, prefix)), output))

        return hook

    with ExitStack() as stack, eval_mode(module):
        for name, part in module.named_modules():
            if name:
                stack.enter_context(part.register_forward_hook(record(name)))
        module(x[:1]) if call is None else call(module, x[:1])
    return found


def _describe(output: object) -> str:
    return f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"


def _name_of(layer: nn.Module, module: nn.Module) -> str:
    for name, part in module.named_modules():
        if part is layer and name:
            return name
    raise CluscamError(f"layer is a {type(layer).__name__} that is not part of the model; give one of its modules")


def _reshaped(reshape: Callable[[Any], Tensor], output: Any, x: Tensor) -> Tensor:
    maps = reshape(output)
    if not isinstance(maps, Tensor) or maps.ndim != 4 or len(maps) != len(x):
        given = f"a tensor of shape {tuple(maps.shape)}" if isinstance(maps, Tensor) else f"a {type(maps).__name__}"
        raise CluscamError(f"reshape gives {given} for {len(x)} images; expected maps ({len(x)}, d, h, w)")
    return maps


def _advice(module: nn.Module, x: Tensor, call: Call | None) -> str:
    found = map_layers(module, x, call)
    return f"layers that would do: {', '.join(found[:-7:-1])}" if found else "no layer of this model gives maps"
