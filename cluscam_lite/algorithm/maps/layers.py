"""Finding the layers of a network that give feature maps, and choosing one."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...errors import CluscamError, unknown
from ..borrowed import eval_mode, hooked_here
from ..given import checked_images
from .layouts import Layout, layout_of_part, stated_by
from .outputs import Call, class_logits, passed, warn_of_probabilities
from .parts import maps_in

SKIPPED = ("LayerNorm", "RMSNorm", "Dropout", "Softmax", "AdaptiveAvgPool", "AdaptiveMaxPool")
"""Kinds of modules whose results are not chosen."""


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


def layers(module: nn.Module, x: Tensor, call: Call | None = None) -> list[LayerInfo]:
    """Every module that runs on `x`, in the order in which they finish. One forward pass of the first image.

    `call` is as in `HookedModel`, here and below.
    """
    return [info for info, _ in _run_layers(module, x, call).results]


def map_layers(module: nn.Module, x: Tensor, call: Call | None = None) -> list[str]:
    """Names of the layers that give maps of more than one cell, shallow to deep, one name for each result.

    A block and its last child return the same memory: the shortest name stands for both. What a layer gives before
    the next writes into it is a result of its own. Left out, though they can be asked for by name, are results of
    layer normalisation, dropout, adaptive pooling and plain reshaping, maps of the classes, and what happens within a
    pooling or a classifier, whose maps are no longer the image's alone.
    """
    return _map_layers(module, _run_layers(module, x, call).results)


def _map_layers(module: nn.Module, ran: "list[tuple[LayerInfo, _Result]]") -> list[str]:
    groups: dict[tuple[int, int], list[LayerInfo]] = {}
    heads = _heads(module, ran)
    for info, result in ran:
        within = any(info.name.startswith(f"{head}.") for head in heads)
        if info.layout is not None and max(info.layout.grid) > 1 and not within and not result.of_classes:
            groups.setdefault((result.storage, result.version), []).append(info)
    found = []
    for group in groups.values():
        if not any(part in info.kind for info in group for part in SKIPPED):
            named = [info for info in group if info.kind != "Identity"] or group
            found.append(min(named, key=lambda info: len(info.name)).name)
    return found


def _heads(module: nn.Module, ran: "list[tuple[LayerInfo, _Result]]") -> list[str]:
    """Parts that make a vector of maps: poolings and classifiers.

    A part with more than half of the network's weights is none: it is the backbone, which ends in a pooling of its own.
    """
    weights = sum(p.numel() for p in module.parameters())
    found = []
    for info, result in ran:
        vector = info.shape is not None and (info.layout is None or max(info.layout.grid) == 1)
        if vector and not result.of_images:
            own = sum(p.numel() for p in module.get_submodule(info.name).parameters())
            found += [info.name] if 2 * own <= weights else []
    return found


def chosen_layer(module: nn.Module, x: Tensor, call: Call | None = None) -> tuple[str, Any]:
    """The layer to read where none is named, and the output of the pass of the first image that found it.

    It is the deepest of `map_layers`, or the numbered block around it that gives maps of the same grid: of a
    transformer whose blocks end in a layer normalisation, "blocks.11" and not "blocks.11.mlp.fc2".

    Raises CluscamError if there is none.
    """
    ran, output, closing = _run_layers(module, x, call)
    if "Sigmoid" in closing:
        warn_of_probabilities("probabilities, not logits, since it ends in a sigmoid", "sigmoid")
    found = _map_layers(module, ran)
    if not found:
        raise CluscamError(
            "no layer of this model gives feature maps; expected a convolutional or patch-token network, or an object "
            "with forward(x) -> (maps, output) and output(x) -> output"
        )
    grids = {info.name: info.layout.grid for info, _ in ran if info.layout is not None}  # of each one's last use
    parts = found[-1].split(".")
    within = (".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1) if parts[n - 1].isdecimal())
    return next((block for block in within if grids.get(block) == grids[found[-1]]), found[-1]), output


@dataclass(frozen=True)
class _Result:
    """What else is known of a layer's output.

    Attributes:
        storage, version: which memory it is in, and how often that had been written to.
        of_images: whether the layer was given images, or nothing but keywords, and not maps.
        of_classes: whether it is one map for each class.
    """

    storage: int = 0
    version: int = 0
    of_images: bool = False
    of_classes: bool = False


class _Ran(NamedTuple):
    """A pass of the first image: what each layer gave, in the order in which they finished, and the output.

    `closing`: the kinds of the modules whose result is the output.
    """

    results: "list[tuple[LayerInfo, _Result]]"
    output: Any
    closing: frozenset[str]


@torch.no_grad()
def _run_layers(module: nn.Module, x: Tensor, call: Call | None) -> _Ran:
    if not isinstance(module, nn.Module):
        raise CluscamError(f"the network is a {type(module).__name__}; expected a torch module")
    x = checked_images(x)
    check_readable(module, "the model")
    found: list[tuple[LayerInfo, _Result]] = []
    outputs = []  # kept alive, so that no two results share an address
    stated = stated_by(module)

    def record(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(part: nn.Module, inputs: Any, output: Any) -> None:
            shape = tuple(output.shape) if isinstance(output, Tensor) else None
            layout = layout_of_part(part, output, x[:1], stated)
            given = maps_in(inputs) if inputs else None
            result = _Result(of_images=not isinstance(given, Tensor) or given.shape == x[:1].shape)
            if layout:
                version = 0 if output.is_inference() else output._version  # the network may enter inference mode itself
                result = replace(result, storage=output.untyped_storage().data_ptr(), version=version)
            outputs.append(output)
            found.append((LayerInfo(name, type(part).__name__, shape, layout), result))

        return hook

    # tensors of inference mode do not count how often they are written to
    with ExitStack() as stack, torch.inference_mode(False), torch.no_grad(), eval_mode(module):
        for name, part in module.named_modules():
            if name and not isinstance(part, torch.jit.ScriptModule):
                stack.enter_context(hooked_here(part, record(name)))
        given = passed(module, x[:1], call)
    logits = class_logits(given)
    classes = logits.shape[1] if isinstance(logits, Tensor) and logits.ndim == 2 else 0
    layouts = [info.layout for info, _ in found if info.layout is not None and info.layout.kind == "NCHW"]
    flattened = {(layout.channels, math.prod(layout.grid)) for layout in layouts}
    with torch.no_grad(), eval_mode(module):  # reading a weight may compute it, and in train mode change its state
        results = [
            (
                replace(info, layout=None) if _flattened(info, flattened) else info,
                replace(result, of_classes=_of_classes(module.get_submodule(info.name), info, classes)),
            )
            for info, result in found
        ]
    closing = frozenset(info.kind for (info, _), output in zip(found, outputs, strict=True) if output is given)
    return _Ran(results, given, closing)


def _of_classes(part: nn.Module, info: LayerInfo, classes: int) -> bool:
    """Whether a layer makes one map for each of so many classes out of another number of maps."""
    weight = getattr(part, "weight", None)
    if info.layout is None or not isinstance(weight, Tensor) or weight.ndim < 2:
        return False
    return info.layout.channels == classes == weight.shape[0] != weight.shape[1]


def _flattened(info: LayerInfo, known: set[tuple[int, int]]) -> bool:
    """Whether what looks like tokens (B, n, d) is maps (B, d, h, w) laid out as (B, d, h w).

    `known` has (d, h w) of the network's convolutional maps.
    """
    if info.layout is None or info.layout.kind != "tokens" or info.shape is None:
        return False
    return info.shape[1] != info.shape[2] and info.shape[1:] in known


def layer_named(layer: object, module: nn.Module) -> str:
    """The dotted name of a layer, which may be given as the module itself.

    A name in the network that a wrapper holds is found, too: torch.compile names the network `_orig_mod`, DataParallel
    and DistributedDataParallel name it `module`. Raises UnknownName if there is no such layer, and CluscamError for a
    module that is no part of the network.
    """
    if isinstance(layer, nn.Module):
        found: list[str] = [name for name, part in module.named_modules() if part is layer]
        if found:
            return found[0]
        raise CluscamError(f"layer is a {type(layer).__name__} that is not part of the model; give one of its modules")
    names = [name for name, _ in module.named_modules(remove_duplicate=False)]  # one used twice has two names
    for prefix in ("", "_orig_mod.", "module.", "_orig_mod.module.", "module._orig_mod."):
        if f"{prefix}{layer}" in names:
            return f"{prefix}{layer}"
    raise unknown("layer", layer, filter(None, names))


def check_readable(part: nn.Module, what: str) -> None:
    """Raise CluscamError for what has been compiled into one piece: its parts are no modules that a hook can be put on.

    That is a module of TorchScript, and the module of an exported program (torch.export).
    """
    exported = any(kind.__name__ == "_StatefulGraphModule" for kind in type(part).__mro__)  # PyTorch's name for it
    if exported or isinstance(part, torch.jit.ScriptModule):
        by = "an exported program" if exported else "compiled by TorchScript"
        raise CluscamError(
            f"{what} is {by}, and what happens within cannot be read; give the module that it was made from, another "
            "layer, an ONNX file of it (`OnnxModel`), or an object with forward(x) -> (maps, output) and "
            "output(x) -> output"
        )
