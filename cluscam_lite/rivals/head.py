"""Running only the head of a network: what it gives when the maps of one layer are replaced by others.

How it works:

1. One pass of the images with every module's `forward` wrapped (`_Tape.record`). When the layer begins, the tape knows
   which modules are done, and a copy of what each gave.
2. `run` wraps these modules again (`_replay`): each gives what it gave, and computes nothing. A hook on the layer puts
   the new maps in the place of its output (`_on_call`). Everything else of the network runs as it always does.
3. A check: the network's own maps must give back its own output. Else each `run` is a pass of the whole network.

What an in-place operation wrote into after it was given is copied before each use.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..algorithm.borrowed import borrowed, hooked_here
from ..algorithm.features import HookedModel
from ..algorithm.maps.layouts import Layout, to_maps
from ..algorithm.maps.outputs import logits_of
from ..algorithm.maps.steady import note_several_runs
from ..errors import CluscamError

Forward = Callable[..., Any]
Wrapper = Callable[[Forward], Forward]


class Head:
    """The part of a network that comes after one layer, with everything before it remembered.

    One pass of `x` (B, 3, H, W) remembers the output of every module that was done when the layer began. In `run`
    these modules give what they gave and compute nothing, the layer gives the maps that it is told to, and the rest
    of the network runs as usual; so skip connections around the layer, class tokens and position embeddings are
    right, and nothing has to be known of the network's parts. The first thing tried is the network's own maps: where
    these do not give back its own output, `whole` is True and `run` computes all of the network, no less exactly.

    Attributes:
        layer: dotted name of the layer; given None, the deepest that gives maps.
        layout: how its output is read as maps (`cluscam_lite.algorithm.maps.layouts.Layout`).
        given: what the layer gave, as it gives it: (B, d, h, w), (B, h, w, d) or tokens (B, N, d). A copy, made before
            any in-place operation that follows the layer.
        maps: the same as maps (B, d, h, w).
        output: (B, C) logits of the images.
        whole: True if each `run` is a pass of the whole network.

    The modules are as they were whenever no `run` is under way, also after an exception. Leaving a ``with`` block
    frees what is remembered. No gradients. Raises UnknownName for an unknown layer, CluscamError for one that gives
    no maps.

    Example:
        >>> with Head(net, "features", x) as head:                                      # doctest: +SKIP
        ...     without_first = head.maps.index_fill(1, torch.tensor([0]), 0)
        ...     fall = head.output - head.run(without_first, torch.arange(len(x)))
    """

    @torch.no_grad()
    def __init__(self, model: nn.Module, layer: str | None, x: Tensor):
        self._model, self._x = HookedModel(model, layer), x
        self.layer = self._model.layer_for(x)
        self._module = model.get_submodule(self.layer)
        tape = _Tape(self._module, len(x))
        # what is compiled is computed again, from what is remembered
        parts = [m for m in model.modules() if m is not model and not isinstance(m, torch.jit.ScriptModule)]
        patched = _patched({m: tape.record(m) for m in parts})
        with borrowed(model):
            with patched, hooked_here(self._module, tape.keep):
                self.output = logits_of(self._model.output(x), len(x))
            note_several_runs(self.layer, tape.calls)
            self.layout = self._model.layout_of(tape.last, x)
        assert tape.given is not None  # else there were no layout
        self.given, self.open = tape.given, True
        self.maps = to_maps(self.given, self.layout)
        self._memory = tape.memory()
        # which of its calls within `run` is the layer's last, with the memory and without
        self._call_replayed, self._call_whole = tape.calls_replayed(), tape.calls - 1
        self.whole = False  # as the check itself runs
        self.whole = not self._remembers_all()

    def __enter__(self) -> "Head":
        return self

    def __exit__(self, *_: object) -> None:
        self._memory, self.open = {}, False
        del self.given, self._x

    @torch.no_grad()
    def run(self, maps: Tensor, images: Tensor) -> Tensor:
        """The network's output (n, C) with the layer's maps of image ``images[i]`` replaced by ``maps[i]``.

        `maps` (n, d, h, w), `images` (n,) LongTensor. Prefix tokens stay those of the image. All n in one batch:
        the caller chooses n to fit the memory.
        """
        self._check_open()
        if maps.shape[1:] != self.maps.shape[1:] or images.shape != maps.shape[:1]:
            raise CluscamError(
                f"maps are {tuple(maps.shape)} and images {tuple(images.shape)}; expected (n, d, h, w) with d, h, w = "
                f"{tuple(self.maps.shape[1:])} and (n,)"
            )
        prefix = self.given[images.to(self.given.device), : self.layout.prefix]  # (n, p, d), empty but for tokens
        return self.replace(as_output(maps.to(self.given), self.layout, prefix), images)

    @torch.no_grad()
    def replace(self, output: Tensor, images: Tensor, keep: bool = True) -> Tensor:
        """As `run`, with all of the layer's output given, prefix tokens included: (n, ...), as in `given`.

        With `keep` False the network may write into `output`, and no copy is made of it.
        """
        self._check_open()
        batch = _Batch(images.to(self._x.device))
        output = output.clone() if keep else output  # the network may write into it
        memory = {} if self.whole else self._memory
        hook = _on_call(self._call_whole if self.whole else self._call_replayed, output)
        patched = _patched({m: _replay(kept, batch) for m, kept in memory.items()})
        with borrowed(self._model.module), hooked_here(self._module, hook), patched:
            return logits_of(self._model.output(batch.of(self._x)), len(images))

    def _check_open(self) -> None:
        if not self.open:
            raise CluscamError("this Head has been closed; use it within its with block")

    def _remembers_all(self) -> bool:
        """The network's own maps, images in reverse order, give back its own output."""
        images = torch.arange(len(self._x), device=self._x.device).flip(0)
        try:
            output = self.run(self.maps[images], images)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:  # something remembered does not fit where it is used
            return False
        expected = self.output[images]
        tolerance = 1e-3 * float(expected.detach().abs().nan_to_num().max())
        return torch.allclose(output, expected, rtol=1e-3, atol=tolerance, equal_nan=True)


def as_output(maps: Tensor, layout: Layout, prefix: Tensor) -> Tensor:
    """Maps (n, d, h, w) as a layer of this layout gives them, the inverse of `to_maps`.

    (n, d, h, w), (n, h, w, d), or tokens (n, p + h w, d) with `prefix` (n, p, d) before them.
    """
    if layout.kind == "NCHW":
        return maps
    if layout.kind == "NHWC":
        return maps.permute(0, 2, 3, 1)
    return torch.cat([prefix, maps.flatten(2).mT], 1)


@dataclass
class _Kept:
    """One call's output: the tensor itself, a copy of it as it was, and whether a function has written into it."""

    module: nn.Module
    output: Tensor
    copy: Tensor
    seen: int
    written: bool = False


class _Tape:
    """Records which modules are done when the layer begins, outermost only, and what they gave.

    Where the layer is used more than once, its last use counts.
    """

    def __init__(self, layer: nn.Module, batch: int):
        self.layer, self.batch = layer, batch
        self.calls = 0  # of the layer
        self.last: tuple[Any, ...] = ()  # what the layer gave last
        self.given: Tensor | None = None
        self.several = False  # whether the layer gives a tuple, with the maps in it
        self._done: list[_Kept] = []
        self._before: list[tuple[_Kept, bool, int]] = []

    def record(self, module: nn.Module) -> Wrapper:
        """What makes the forward of `module` a recorded one."""

        def wrap(forward: Forward) -> Forward:
            def recorded(*args: object, **kwargs: object) -> object:
                self._look()
                if module is self.layer:
                    self._before = [(kept, kept.written, kept.seen) for kept in self._done]
                begun = len(self._done)
                output = forward(*args, **kwargs)
                self.several |= module is self.layer and not isinstance(output, Tensor)
                if isinstance(output, Tensor) and output.ndim and len(output) == self.batch:
                    del self._done[begun:]  # the module stands for its parts
                    for kept in self._done:  # what it has overwritten it will not overwrite when it does not run
                        kept.seen = _version(kept.output)
                    self._done.append(
                        _Kept(module, output, output.clone(), _version(output), written=output.is_inference())
                    )
                return output

            return recorded

        return wrap

    def keep(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        """Forward hook of the layer."""
        self.calls += 1
        if isinstance(output, Tensor):
            self.given = output.clone()
            self.last = (self.given,)
        else:
            self.last = (output,)

    def memory(self) -> dict[nn.Module, list[tuple[Tensor, bool]]]:
        """What each module gave, call by call, with whether it must be copied before use."""
        found: dict[nn.Module, list[tuple[Tensor, bool]]] = defaultdict(list)
        for kept, written, seen in self._before:
            found[kept.module].append((kept.copy, written or _version(kept.output) != seen))
        # the layer itself has nothing to compute either, unless it gives more than its maps
        if self.given is not None and not self.several:
            found[self.layer].append((self.given, False))
        return dict(found)

    def calls_replayed(self) -> int:
        """The earlier calls of the layer that a run makes: those that are part of a larger module are not made."""
        return sum(kept.module is self.layer for kept, _, _ in self._before)

    def _look(self) -> None:
        """Called when a module begins: what has changed since the last one ended, a function has written."""
        for kept in self._done:
            if (version := _version(kept.output)) != kept.seen:
                kept.written, kept.seen = True, version


class _Batch:
    """The rows of a run: row i belongs to image ``images[i]``."""

    def __init__(self, images: Tensor):
        self.images, self.n = images, len(images)
        self.only = int(images[0]) if len(images) and bool((images == images[0]).all()) else None

    def of(self, values: Tensor, copy: bool = False) -> Tensor:
        """Values of each image (B, ...) as those of each row (n, ...); without memory where all rows are one image."""
        if self.only is None or copy:
            return values[self.images]
        return values[self.only].expand(self.n, *values.shape[1:])


def _replay(kept: list[tuple[Tensor, bool]], batch: _Batch) -> Wrapper:
    """What makes a forward one that gives what is remembered, call by call, and computes when that is used up."""
    calls = iter(kept)

    def wrap(forward: Forward) -> Forward:
        def remembered(*args: object, **kwargs: object) -> object:
            call = next(calls, None)
            return forward(*args, **kwargs) if call is None else batch.of(*call)

        return remembered

    return wrap


def _on_call(number: int, output: Tensor) -> Callable[[nn.Module, Any, Any], Tensor | None]:
    """A forward hook that replaces the output of one call, counted from 0."""
    calls = iter(range(number + 1))

    def replace(_module: nn.Module, _inputs: Any, _output: Any) -> Tensor | None:
        return output if next(calls, None) == number else None

    return replace


@contextmanager
def _patched(wrappers: dict[nn.Module, Wrapper]) -> Iterator[None]:
    """Wrap the forwards of modules for a while, for this thread."""
    before = {module: module.__dict__.get("forward") for module in wrappers}
    try:
        for module, wrap in wrappers.items():
            module.__dict__["forward"] = _here(wrap(module.forward), module.forward)
        yield
    finally:
        for module, forward in before.items():
            if forward is None:
                module.__dict__.pop("forward", None)
            else:
                module.__dict__["forward"] = forward


def _here(wrapped: Forward, plain: Forward) -> Forward:
    """`wrapped` in this thread, `plain` in all others."""
    mine = threading.get_ident()

    def forward(*args: object, **kwargs: object) -> object:
        return (wrapped if threading.get_ident() == mine else plain)(*args, **kwargs)

    return forward


def _version(tensor: Tensor) -> int:
    """How often a tensor has been written to in place; those of inference mode do not say."""
    return -1 if not isinstance(tensor, Tensor) or tensor.is_inference() else tensor._version
