"""The spec of a network, which is what explaining it needs: how to build and feed it, its layers, K and r."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..errors import BrokenImage, CluscamError, unknown

Triple = tuple[float, float, float]

PAPER_SIZE = 224  # pixels: the paper's code squashes every photograph to this square, Inception's 299 included
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def crop_window(size: tuple[int, int], resize: int, crop: int) -> tuple[tuple[int, int], int, int]:
    """The (width, height) that an image of `size` is resized to, and the left and top edge of the centre crop.

    As torchvision does it: the shorter side becomes `resize`, the longer one is truncated to whole pixels.
    """
    width, height = size
    if width <= height:
        width, height = resize, int(resize * height / width)
    else:
        width, height = int(resize * width / height), resize
    return (width, height), round((width - crop) / 2), round((height - crop) / 2)


@dataclass(frozen=True)
class Preprocess:
    """An RGB image to a network's input: resize, crop, scale to [0, 1], normalise.

    `resize` is the length of the shorter side before the centre crop to `size` x `size`; None squashes the whole
    image into that square instead. Pillow's filters are used, with antialiasing, as torchvision does for images.
    """

    size: int
    resize: int | None
    interpolation: str
    mean: Triple
    std: Triple

    def view(self, image: Image.Image) -> Image.Image:
        """What the network will see of `image`, (size, size) RGB. BrokenImage: too long, CluscamError: not RGB."""
        if image.mode != "RGB":
            raise CluscamError(f"the image has mode {image.mode}, not RGB; open it with open_image")
        resampling = _RESAMPLING[self.interpolation]
        if self.resize is None:
            return image.resize((self.size, self.size), resampling)
        resized, left, top = crop_window(image.size, self.resize, self.size)
        if Image.MAX_IMAGE_PIXELS is not None and math.prod(resized) > 2 * Image.MAX_IMAGE_PIXELS:
            raise BrokenImage(
                f"the image is {image.width} x {image.height} pixels, and {resized[0]} x {resized[1]} once its shorter "
                f"side is {self.resize}, too many to be safe; crop it first, or squash it (the preprocessing 'paper')"
            )
        return image.resize(resized, resampling).crop((left, top, left + self.size, top + self.size))

    def __call__(self, image: Image.Image) -> Tensor:
        """The normalised input, (3, size, size) float32, zero at the data set's mean colour."""
        pixels = torch.from_numpy(np.array(self.view(image)))  # (size, size, 3) uint8
        x = pixels.permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format) / 255
        mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (self.mean, self.std))
        return (x - mean) / std  # (3, size, size)


@dataclass(frozen=True)
class ModelSpec:
    """A network: `build()` makes it with random weights, `load_model` loads it with trained ones.

    Sizes are in pixels. `resize`, `input_size`, `interpolation`, `mean` and `std` are those of the published
    weights. `layers` holds the dotted module names "paper" (the layer that the paper explains) and "last" (the last
    stage or block), and, where a class token is read out, "last_input" (the last block's first normalisation: the
    deepest place whose patch tokens still reach the output). K = `n_clusters`, r = `drop_ratio` (fraction), tau =
    `temperature` (None: Eq. 10); `paper_temperature` is the rounded tau printed in Table 3. `weights_id` names the
    checkpoint on the hub of `library`, None where there is none. `unfused`, if set, builds the network as that
    checkpoint has it, before re-parameterisation. `classes` names the classes of a network that was trained on other
    images than its library's. `tier`: "reproduction" (the paper's network and weights),
    "variant", "conceptual" (outside the paper), "embedded" or "file" (a user's own).
    """

    name: str
    title: str
    family: str
    library: str
    build: Callable[[], nn.Module] = field(compare=False)
    weights_id: str | None
    input_size: int
    resize: int | None
    interpolation: str
    mean: Triple
    std: Triple
    layers: dict[str, str] = field(hash=False)
    n_clusters: int
    drop_ratio: float
    temperature: float | None
    num_classes: int
    in_paper: bool
    tier: str
    note: str = ""
    paper_temperature: float | None = None
    unfused: Callable[[], nn.Module] | None = field(default=None, compare=False)
    classes: tuple[str, ...] = ()

    def preprocess(self, kind: str = "standard") -> Preprocess:
        """The way from an RGB image to an input (3, H, W).

        "standard": the weights' own resize and centre crop. "paper": the whole image squashed to 224 x 224, as in
        the paper's public code, normalised as the network needs it (at their own size networks for smaller
        inputs).
        Raises UnknownName for another kind.
        """
        if kind == "standard":
            return Preprocess(self.input_size, self.resize, self.interpolation, self.mean, self.std)
        if kind == "paper":
            return Preprocess(min(self.input_size, PAPER_SIZE), None, "bilinear", self.mean, self.std)
        raise unknown("preprocessing", kind, ("standard", "paper"))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the `num_classes` classes, in the order of the logits."""
        if self.classes:
            return self.classes
        if self.library == "embedded":
            from ..datasets.scenes.scene import SCENE_CLASSES

            return SCENE_CLASSES
        from ..datasets.imagenet import imagenet_classes

        return imagenet_classes()

    def layer(self, which: str = "paper") -> str:
        """The dotted module name behind "paper" or "last"; any other name is given back as it is."""
        return self.layers.get(which, which)
