"""What ONNX Runtime and OpenVINO share: an inner tensor read as maps, batches of a fixed size, clear refusals."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..algorithm.maps.layers import LayerInfo
from ..algorithm.maps.layouts import Layout, find_layout, size_of, to_maps
from ..errors import CluscamError, is_whole, reason_of
from ..files import PathLike, as_path
from .graph import Graph, layout_of

Array = NDArray[np.floating]


@dataclass(frozen=True)
class InputFormat:
    """The image input of a file.

    Attributes:
        name: of the input.
        shape: its four sizes as the file has them, None for a free one.
        dtype: of its numbers.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype

    @property
    def channels_last(self) -> bool:
        """Whether images lie as (n, H, W, 3), as TensorFlow's do."""
        return self.shape[3] in (1, 3, 4) and self.shape[1] not in (1, 3, 4)

    @property
    def channels(self) -> int | None:
        """How many channels an image must have."""
        return self.shape[3] if self.channels_last else self.shape[1]

    @property
    def sides(self) -> tuple[int | None, int | None]:
        """H and W of an image."""
        h, w = self.shape[1:3] if self.channels_last else self.shape[2:]
        return h, w

    def shape_of(self, n: int, channels: int, size: tuple[int, int]) -> tuple[int, ...]:
        """The shape of n images."""
        return (n, *size, channels) if self.channels_last else (n, channels, *size)

    def array(self, x: Tensor) -> Array:
        """Images (n, 3, H, W) as the file takes them."""
        x = x.detach().cpu()
        images: Array = (x.permute(0, 2, 3, 1) if self.channels_last else x).contiguous().numpy()
        return images.astype(self.dtype, copy=False)


class RuntimeModel(ABC):
    """A network in a file, run by its own runtime: what ClusCAM needs of a model, without torch and without gradients.

    Attributes:
        path: the file.
        graph: its operations.
        input: its image input.
        batch: how many images it takes at once; None for any number.
        threads: of the runtime.
        output_name: the tensor that is read as logits.
        layer_name: the layer that is read as maps; None until the size of an image is known.
        layout: how it is read as maps; None before the first pass.
        size: (H, W) of the images; None until it is known.
        classes: length of the output; None until the size is known, or if the output is no list of classes.
    """

    runtime = ""

    def __init__(
        self,
        path: PathLike,
        layer: str | None,
        output: str | None,
        size: int | Sequence[int] | None,
        batch: int | None,
        threads: int | None,
    ):
        self.path = as_path(path)
        if not self.path.is_file():
            raise CluscamError(f"there is no file {self.path}; expected a network that was exported to a file")
        for name, number in (("batch", batch), ("threads", threads)):
            if number is not None and not (is_whole(number) and number >= 1):
                raise CluscamError(f"{name} is {number!r}; expected a whole number of at least 1, or None")
        for name, word in (("layer", layer), ("output", output)):
            if word is not None and not isinstance(word, str):
                raise CluscamError(
                    f"{name} is a {type(word).__name__}; expected the name of a tensor in the file, or None"
                )
        size = _checked_size(size)
        self.threads = threads or torch.get_num_threads()
        self.graph, self.input, outputs = self._open()
        self.batch = self._batch(batch)
        if output is not None:
            self.output_name = self.graph.tensor(output)
        else:
            self.output_name = self.graph.logits_behind(self.graph.tensor(outputs[0]))
            if self.graph.chooses(self.output_name):
                raise CluscamError(
                    f"{self.path.name} gives the classes that it chose, and no logits; name the tensor of its logits "
                    "with output=..., or export the network without that last step"
                )
        self._layer, self._turn = layer, RLock()  # a session and what is known of it belong to one size of image
        self._tensor = None if layer is None else self.graph.tensor(layer)
        self.layer_name: str | None = layer
        self.layout: Layout | None = None
        self.size: tuple[int, int] | None = None
        self.classes: int | None = None
        self._candidates: dict[str, LayerInfo] = {}
        if (known := self._known_size(size)) is not None:
            self._choose(known)

    @property
    def layers(self) -> list[LayerInfo]:
        """The layers that give maps, shallow to deep: the last is taken where none is named.

        Raises:
            CluscamError: the file leaves the size of the images free, and none was given or shown yet.
        """
        if self.size is None:
            raise CluscamError(
                f"{self.path.name} leaves the size of its images free; give size=(H, W), or explain an image first"
            )
        return list(self._candidates.values())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, d, h, w) and output (B, C) of normalised images (B, 3, H, W).

        Raises:
            CluscamError: images of another size than the file's, or a layer that gives no maps.
        """
        with self._turn:
            self._ready(x)
            maps, output = self._run(x, with_maps=True)
            self.layout = find_layout(maps, size_of(x))
            if self.layout is None:
                raise self._no_maps(tuple(maps.shape))
            return to_maps(maps, self.layout), output

    def output(self, x: Tensor) -> Tensor:
        """The output (B, C) of normalised images (B, 3, H, W). Raises CluscamError as `forward`."""
        with self._turn:
            self._ready(x)
            return self._run(x, with_maps=False)[-1]

    @property
    @abstractmethod
    def files(self) -> list[Path]:
        """The file, and those beside it that have its weights."""

    @abstractmethod
    def _open(self) -> tuple[Graph, InputFormat, list[str]]:
        """Read the file: operations, image input, and names of the outputs, the likeliest logits first."""

    @abstractmethod
    def _shapes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """The shapes of all tensors of floating-point numbers, for an input of this shape."""

    @abstractmethod
    def _compile(self, maps: str) -> None:
        """Make the tensor an output, beside the logits, and get ready to run."""

    @abstractmethod
    def _infer(self, images: Array, with_maps: bool) -> list[Array]:
        """One pass: the maps, if they are asked for, and the output."""

    def _refusal(self, shape: tuple[int, ...], error: Exception) -> CluscamError:
        return CluscamError(
            f"{self.runtime} refused an input of shape {shape} to {self.path.name}: {reason_of(error)}; export the "
            "file with the sizes that you use, or say batch=N if it was exported with N images"
        )

    def _batch(self, wanted: int | None) -> int | None:
        fixed = self.input.shape[0]
        if fixed is not None and wanted not in (None, fixed):
            raise CluscamError(f"batch is {wanted}, but {self.path.name} takes {fixed} at once; leave batch out")
        return fixed or wanted

    def _known_size(self, wanted: tuple[int, int] | None) -> tuple[int, int] | None:
        """The size of the images, where the file or the caller says it."""
        h, w = wanted or (None, None)
        fixed = self.input.sides
        if any(None not in pair and pair[0] != pair[1] for pair in zip((h, w), fixed, strict=True)):
            raise CluscamError(f"size is {h} x {w}, but {self.path.name} takes {_sides(fixed)}; leave size out")
        h, w = h or fixed[0], w or fixed[1]
        return (h, w) if h and w else None

    def _choose(self, size: tuple[int, int]) -> None:
        """Find the tensors that are maps at this size, take the one that was asked for or the deepest, and compile."""
        n = self.batch or 1
        shapes = self._shapes(self.input.shape_of(n, self.input.channels or 3, size))
        output = shapes.get(self.output_name, ())
        self.classes = output[1] if len(output) == 2 else None
        self._candidates = self.graph.map_tensors(shapes, n, size, self.classes)
        self.size = size
        if self._layer is None:
            if not self._candidates:
                raise CluscamError(
                    f"no tensor within {self.path.name} gives feature maps of {_sides(size)} images; expected a "
                    "convolutional or patch-token network in floating-point or QDQ form"
                )
            self._tensor, info = list(self._candidates.items())[-1]
            self.layer_name, self.layout = info.name, info.layout
        elif self._tensor in shapes:
            self.layout = layout_of(shapes[self._tensor], n, size)
            if self.layout is None:
                raise self._no_maps(shapes[self._tensor])
        else:
            raise CluscamError(f"{self._layer!r} of {self.path.name} gives no floating-point numbers; {self._advice()}")
        assert self._tensor is not None  # chosen above, or named
        self._compile(self.graph.read_at(self._tensor))

    def _ready(self, x: Tensor) -> None:
        """Refuse images that the file does not take; choose the layer again for images of another size."""
        if torch.is_autocast_enabled(x.device.type):
            raise CluscamError(f"{self.path.name} runs in its own precision; leave precision='bfloat16' (autocast) out")
        channels, (h, w), (height, width) = self.input.channels, self.input.sides, size_of(x)
        if channels not in (None, x.shape[1]) or h not in (None, height) or w not in (None, width):
            raise CluscamError(
                f"{self.path.name} takes images of {channels or 'any'} x {_sides((h, w))}, and these are "
                f"{x.shape[1]} x {height} x {width}; resize them, or export the file with free sizes"
            )
        if self.size != (height, width):
            self._choose((height, width))

    def _run(self, x: Tensor, with_maps: bool) -> list[Tensor]:
        """One pass of all images, or as many as there must be for a batch of a fixed size."""
        parts = []
        for images, n in _batches(self.input.array(x), self.batch):
            found = self._infer(images, with_maps)
            if found[-1].dtype.kind != "f":
                raise CluscamError(
                    f"{self.output_name!r} of {self.path.name} holds {found[-1].dtype} numbers, and no logits; name "
                    "a tensor of floating-point numbers with output=..."
                )
            for array in found:
                if array.shape[:1] != (len(images),):
                    raise CluscamError(
                        f"{self.path.name} gives {array.shape} for {len(images)} images; expected one row each: say "
                        "batch=N if it was exported with N images"
                    )
            parts.append([array[:n] for array in found])
        return [
            torch.from_numpy(np.concatenate(arrays) if len(arrays) > 1 else arrays[0]).float().to(x.device)
            for arrays in zip(*parts, strict=True)
        ]

    def _no_maps(self, shape: tuple[int, ...]) -> CluscamError:
        return CluscamError(
            f"{self.layer_name!r} of {self.path.name} gives a tensor of shape {shape}, not maps; {self._advice()}"
        )

    def _advice(self) -> str:
        found = [info.name for info in self._candidates.values()][:-7:-1]
        return f"layers that would do: {', '.join(found)}" if found else "no tensor of this file gives maps"


def _batches(images: Array, batch: int | None) -> Iterator[tuple[Array, int]]:
    """The images in batches of a fixed size, and how many are real: the last batch is filled with its last image."""
    if batch is None:
        yield images, len(images)
        return
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        missing = batch - len(part)
        yield (np.concatenate([part, part[-1:].repeat(missing, 0)]) if missing else part), len(part)


def _checked_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """(H, W) in pixels. Raises CluscamError unless it is one whole number or two, at least 1."""
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(sides) != 2 or not all(is_whole(side) and side >= 1 for side in sides):
        raise CluscamError(f"size is {size!r}; expected (H, W) or one number for both, in whole pixels of at least 1")
    return int(sides[0]), int(sides[1])


def _sides(size: tuple[int | None, int | None]) -> str:
    return " x ".join(str(side or "any") for side in size)
