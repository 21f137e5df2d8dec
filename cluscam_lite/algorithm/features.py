"""A network's feature maps: any torch module and one of its layers as ``x -> (maps, output)`` (Algorithm 1, line 1).

ClusCAM needs no more of a model than two methods, ``forward(x) -> (maps, output)`` and ``output(x) -> output``, so
that anything that runs a network (an ONNX Runtime session, say) can stand in for `HookedModel`.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..errors import CluscamError, reason_of, unknown
from .borrowed import borrowed, eval_mode, hooked_here
from .layouts import Layout, could_be_otherwise, described, layout_of_part, size_of, to_maps
from .memory_format import REFUSAL

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
    Threads that share a module wait for each other.

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
        self._confirmed: set[tuple[int, ...]] = set()
        names = dict(module.named_modules(remove_duplicate=False))  # a module that is used twice has two names
        if layer is not None and (not isinstance(layer, str) or layer not in names):
            raise unknown("layer", layer, filter(None, names))
        if layer is not None:
            check_readable(names[layer], f"the layer {layer!r}")

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, d, h, w) and output (B, C) of normalised images (B, 3, H, W), in one pass.

        The maps are those that the layer gave, also where the network writes into them afterwards.

        Raises:
            CluscamError: the layer did not run, or does not give maps.
        """
        given: list[Any] = []
        with borrowed(self.module):
            if self.layer_name is None:
                self.layer_name = default_layer(self.module, x, self.call)
            layer = self.module.get_submodule(self.layer_name)

            def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
                # a layer used several times counts with its last use
                given[:] = [output.clone() if isinstance(output, Tensor) else output]

            with hooked_here(layer, keep):
                output = self.output(x)
            if given and self.reshape is not None:
                return _reshaped(self.reshape, given[0], x), output
            self.layout = self.layout_of(given, x)
        return to_maps(given[0], self.layout), output

    def layout_of(self, given: Sequence[Any], x: Tensor) -> Layout:
        """How to read what the layer gave for `x`, the only one in `given`, as maps.

        Raises:
            CluscamError: nothing was given, as the layer did not run, or it is not maps.
        """
        if not given:
            advice = _advice(self.module, x, self.call)
            raise CluscamError(f"layer {self.layer_name!r} did not run in the forward pass; {advice}")
        (output,) = given
        layout = layout_of_part(self.module.get_submodule(self.layer_name or ""), output, x, prefix_tokens(self.module))
        shape = tuple(output.shape) if layout else ()
        if layout and could_be_otherwise(layout, shape, size_of(x)) and shape[1:] not in self._confirmed:
            layout = self._of_one_image(x)  # whose first axis can be nothing else
            self._confirmed |= {shape[1:]} if layout else set()
        if layout is None:
            advice = _advice(self.module, x, self.call)
            raise CluscamError(f"layer {self.layer_name!r} gives {described(output, len(x))}, not maps; {advice}")
        return layout

    def _of_one_image(self, x: Tensor) -> Layout | None:
        """The layout of the layer in the light of all others, in a pass of the first image alone."""
        layer = self.module.get_submodule(self.layer_name or "")
        name = next(name for name, part in self.module.named_modules() if part is layer)
        uses = [info.layout for info in layers(self.module, x, self.call) if info.name == name]
        return uses[-1] if uses else None

    def find_layer(self, x: Tensor) -> tuple[str, Layout]:
        """Name and layout of the layer, found by a pass of the first image of `x`. Raises CluscamError as `forward`."""
        with borrowed(self.module):
            self.forward(x[:1])
            assert self.layer_name is not None and self.layout is not None  # `forward` has found both
            return self.layer_name, self.layout

    @torch.no_grad()
    def output(self, x: Tensor) -> Tensor:
        """The network's output: a tensor, or the `logits` of an output object."""
        with eval_mode(self.module):
            return passed(self.module, x, self.call)


def check_readable(part: nn.Module, what: str) -> None:
    """Raise CluscamError for what TorchScript has compiled: it takes no hooks, and its parts do not run in Python."""
    if isinstance(part, torch.jit.ScriptModule):
        raise CluscamError(
            f"{what} is compiled by TorchScript, and what happens within cannot be read; give the module that it was "
            "made from, another layer, or an object with forward(x) -> (maps, output) and output(x) -> output"
        )


def passed(module: nn.Module, x: Tensor, call: Call | None = None) -> Tensor:
    """A pass, by `call` if there is one: the network's output, a tensor, or the `logits` of an output object.

    Raises CluscamError where it refuses images of other than three channels; all else that it raises is passed on.
    """
    try:
        return logits_of(module(x) if call is None else call(module, x))
    except RuntimeError as error:
        if x.shape[1] == 3 or REFUSAL in str(error):  # `Passes` knows what to do then
            raise
        raise CluscamError(
            f"the network does not take images of {x.shape[1]} channel{'s' * (x.shape[1] > 1)} ({reason_of(error)}); "
            "expected (B, 3, H, W), or what the network was made for"
        ) from error


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

    A block and its last child return the same memory: the shortest name stands for both. What a layer gives before
    the next writes into it is a result of its own. Results of layer normalisation, dropout and plain reshaping are
    left out (they can still be asked for by name).
    """
    groups: dict[tuple[int, int], list[LayerInfo]] = {}
    for info, result in _run_layers(module, x, call):
        if info.layout is not None and max(info.layout.grid) > 1:
            groups.setdefault((result.storage, result.version), []).append(info)
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


def prefix_tokens(module: nn.Module) -> int:
    """How many class and register tokens precede the patches, by the network's own word; 0 if it says nothing."""
    count = getattr(module, "num_prefix_tokens", 0)  # timm's name for it
    return count if isinstance(count, int) else 0


@dataclass(frozen=True)
class _Result:
    """Which memory a layer's output is in, and how often it had been written to."""

    storage: int = 0
    version: int = 0


@torch.no_grad()
def _run_layers(module: nn.Module, x: Tensor, call: Call | None) -> list[tuple[LayerInfo, _Result]]:
    check_readable(module, "the model")
    found: list[tuple[LayerInfo, _Result]] = []
    outputs = []  # kept alive, so that no two results share an address
    prefix = prefix_tokens(module)

    def record(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(part: nn.Module, _inputs: Any, output: Any) -> None:
            shape = tuple(output.shape) if isinstance(output, Tensor) else None
            layout = layout_of_part(part, output, x[:1], prefix)
            where = _Result(output.untyped_storage().data_ptr(), output._version) if layout else _Result()
            outputs.append(output)
            found.append((LayerInfo(name, type(part).__name__, shape, layout), where))

        return hook

    # tensors of inference mode do not count how often they are written to
    with ExitStack() as stack, torch.inference_mode(False), torch.no_grad(), eval_mode(module):
        for name, part in module.named_modules():
            if name and not isinstance(part, torch.jit.ScriptModule):
                stack.enter_context(hooked_here(part, record(name)))
        passed(module, x[:1].clone(), call)
    layouts = [info.layout for info, _ in found if info.layout is not None and info.layout.kind == "NCHW"]
    flattened = {(layout.channels, math.prod(layout.grid)) for layout in layouts}
    return [(replace(info, layout=None) if _flattened(info, flattened) else info, where) for info, where in found]


def _flattened(info: LayerInfo, known: set[tuple[int, int]]) -> bool:
    """Whether what looks like tokens (B, n, d) is maps (B, d, h, w) laid out as (B, d, h w).

    `known` has (d, h w) of the network's convolutional maps.
    """
    if info.layout is None or info.layout.kind != "tokens" or info.shape is None:
        return False
    return info.shape[1] != info.shape[2] and info.shape[1:] in known


def _name_of(layer: nn.Module, module: nn.Module) -> str:
    name: str
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
