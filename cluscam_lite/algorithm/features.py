"""A network's feature maps: any torch module and one of its layers as ``x -> (maps, output)`` (Algorithm 1, line 1).

ClusCAM needs no more of a model than two methods, ``forward(x) -> (maps, output)`` and ``output(x) -> output``, so
that anything that runs a network (an ONNX Runtime session, say) can stand in for `HookedModel`.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..errors import CluscamError
from .borrowed import borrowed, eval_mode, hooked_here
from .maps.layers import check_readable, chosen_layer, layer_named, layers, map_layers
from .maps.layouts import Layout, could_be_otherwise, described, layout_of_part, size_of, stated_by, to_maps
from .maps.outputs import Call, passed
from .maps.steady import note_several_runs, note_unsteady


@runtime_checkable
class MapsModel(Protocol):
    """What ClusCAM needs of a model: maps (B, d, h, w) and logits (B, C)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]: ...

    def output(self, x: Tensor) -> Tensor: ...


class HookedModel:
    """A torch module one of whose layers is read by a forward hook. No gradient is needed and nothing is changed.

    The module is put in eval mode for each call and given back as it was; the hook lives only during `forward`.
    Threads that share a module wait for each other.

    Args:
        module: the network.
        layer: dotted module name, or the module itself; None takes the last that gives maps (`chosen_layer`), found
            with one extra pass at first use, and again for images of another size. Names go through the wrappers of
            torch.compile and DataParallel. Of a layer that gives a tuple the first maps in it are read.
        call: ``call(module, x)`` runs the network on images x (n, 3, H, W), for one that takes them by keyword or needs
            more than images; None is ``module(x)``.
        reshape: what the layer gives -> maps (n, d, h, w), for a layer that cannot be read by itself; None finds how.

    Attributes:
        asked_layer: the layer that was asked for; None where it is to be found.
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
        self.asked_layer = None if layer is None else layer_named(layer, module)
        self.layer_name = self.asked_layer
        self.layout: Layout | None = None
        self.call, self.reshape = call, reshape
        self._checked_shapes: set[tuple[int, ...]] = set()  # of outputs that one image's pass has shown to be maps
        self._chosen_for: tuple[int, ...] | None = None  # the size of images that the layer was chosen for
        self._first_output: list[Any] = []  # of the pass that chose it, until another has been compared with it
        if self.layer_name is not None:
            check_readable(module.get_submodule(self.layer_name), f"the layer {self.layer_name!r}")

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, d, h, w) and output (B, C) of normalised images (B, 3, H, W), in one pass.

        The maps are those that the layer gave, also where the network writes into them afterwards.

        Raises:
            CluscamError: the layer did not run, or does not give maps.
        """
        given: list[Any] = []
        runs = itertools.count()
        with borrowed(self.module):
            layer = self.module.get_submodule(self.layer_for(x))

            def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
                next(runs)
                # a layer used several times counts with its last use
                given[:] = [output.clone() if isinstance(output, Tensor) else output]

            with hooked_here(layer, keep, whole=self.reshape is not None):
                output = self.output(x)
            if self._first_output:
                note_unsteady(self._first_output.pop(), output)
            note_several_runs(self.layer_name, next(runs))
            if given and self.reshape is not None:
                return _reshaped(self.reshape, given[0], x), output
            self.layout = self.layout_of(given, x)
        return to_maps(given[0], self.layout), output

    def layer_for(self, x: Tensor) -> str:
        """The name of the layer to read of images `x`: the one that was asked for, or the deepest with maps of them.

        The latter takes a pass of the first image, once for each size of images. Raises CluscamError if there is none.
        """
        if self.layer_name is None or self._chosen_for not in (None, size_of(x)):
            self.layer_name, output = chosen_layer(self.module, x, self.call)
            self._chosen_for, self._first_output = size_of(x), [output]
        return self.layer_name

    def layout_of(self, given: Sequence[Any], x: Tensor) -> Layout:
        """How to read what the layer gave for `x`, the only one in `given`, as maps.

        Raises:
            CluscamError: nothing was given, as the layer did not run, or it is not maps.
        """
        if not given:
            advice = _advice(self.module, x, self.call)
            raise CluscamError(f"layer {self.layer_name!r} did not run in the forward pass; {advice}")
        (output,) = given
        layout = layout_of_part(self.module.get_submodule(self.layer_name or ""), output, x, stated_by(self.module))
        shape = tuple(output.shape) if layout else ()
        if layout and could_be_otherwise(layout, shape, size_of(x)) and shape[1:] not in self._checked_shapes:
            layout = self._of_one_image(x)  # whose first axis can be nothing else
            self._checked_shapes |= {shape[1:]} if layout else set()
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


def _reshaped(reshape: Callable[[Any], Tensor], output: Any, x: Tensor) -> Tensor:
    maps = reshape(output)
    if not isinstance(maps, Tensor) or maps.ndim != 4 or len(maps) != len(x):
        given = f"a tensor of shape {tuple(maps.shape)}" if isinstance(maps, Tensor) else f"a {type(maps).__name__}"
        raise CluscamError(f"reshape gives {given} for {len(x)} images; expected maps ({len(x)}, d, h, w)")
    return maps


def _advice(module: nn.Module, x: Tensor, call: Call | None) -> str:
    found = map_layers(module, x, call)
    return f"layers that would do: {', '.join(found[:-7:-1])}" if found else "no layer of this model gives maps"
