"""The images of one part of a data set as one tensor in memory."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from analysis.chapters.alzheimer.networks.training.recipe import Recipe
from cluscam_lite.datasets.alzheimer.samples import collection
from cluscam_lite.datasets.alzheimer.source import CLASSES, CONTENT_SHA256, check_classes
from cluscam_lite.datasets.greys import colour_image
from cluscam_lite.datasets.phantoms.phantom import PHANTOM_CLASSES, phantom_at, phantom_pixels
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import Preprocess

VALIDATION, TEST = 0.125, 0.25  # phantoms drawn for these parts, as shares of the training part
FEWEST = 16
SHUFFLE = 1 << 20  # keeps the random numbers that shuffle labels apart from all others


@dataclass(frozen=True)
class Slices:
    """`pixels` (N, H, W) uint8, `labels` (N,) int64 numbers into `class_names`, `ids` the images' names."""

    ids: tuple[str, ...]
    pixels: Tensor
    labels: Tensor
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def load_parts(recipe: Recipe, preprocess: Preprocess, data_root: str | None = None) -> tuple[dict[str, Slices], str]:
    """The parts "train", "validation" and "test" of the recipe's data set at its size, and a hash of their content.

    Labels are the true ones. Raises CluscamError if the data are missing or the training part lacks a class.
    """
    parts, digest = _phantoms(recipe) if recipe.dataset == "phantoms" else _alzheimer(recipe, data_root)
    check_classes(parts["train"].labels.numpy(), parts["train"].class_names, "the training part")
    if parts["train"].pixels.shape[-1] != recipe.size:
        parts = {part: replace(one, pixels=resized(one.pixels, preprocess)) for part, one in parts.items()}
    return parts, digest


def resized(pixels: Tensor, preprocess: Preprocess) -> Tensor:
    """(N, H, W) uint8 resized to the network's input, with the Pillow filter that is used when it is explained."""
    views = [np.asarray(preprocess.view(colour_image(one.numpy())))[..., 0] for one in pixels]
    return torch.from_numpy(np.stack(views))


def shuffled(slices: Slices, seed: int) -> Slices:
    """The same images, their labels permuted."""
    generator = torch.Generator().manual_seed(SHUFFLE + seed)
    return replace(slices, labels=slices.labels[torch.randperm(len(slices), generator=generator)])


def to_input(grey: Tensor, preprocess: Preprocess) -> Tensor:
    """Grey images (B, H, W), uint8 or float in [0, 1], as a network's input (B, 3, H, W): three equal channels.

    Equal to `preprocess` of the same images, bit for bit. Raises CluscamError for colour, or another size.
    """
    if grey.ndim != 3:
        raise CluscamError(
            f"the images are {tuple(grey.shape)}; expected grey ones, (B, H, W), which become three equal channels: "
            "average the channels of images in colour first"
        )
    if grey.shape[1:] != (preprocess.size, preprocess.size):
        raise CluscamError(
            f"the images are {grey.shape[2]} x {grey.shape[1]} pixels, the network takes {preprocess.size} x "
            f"{preprocess.size}; resize them"
        )
    values = grey / 255 if grey.dtype == torch.uint8 else grey
    mean, std = (torch.tensor(of, device=grey.device)[:, None, None] for of in (preprocess.mean, preprocess.std))
    return (values[:, None] - mean) / std  # (B, 3, H, W)


def _alzheimer(recipe: Recipe, data_root: str | None) -> tuple[dict[str, Slices], str]:
    found = collection(data_root)
    parts = {}
    for part in ("train", "validation", "test"):
        numbers = found.parts(recipe.split)[part]
        ids = tuple(found.ids[i] for i in numbers)
        parts[part] = Slices(
            ids, torch.from_numpy(found.pixels[numbers]), torch.from_numpy(found.labels[numbers]), CLASSES
        )
    return parts, CONTENT_SHA256


def _phantoms(recipe: Recipe) -> tuple[dict[str, Slices], str]:
    """Phantoms of seed 0, whatever the seed of the training, so that all runs see the same images."""
    digest, parts = hashlib.sha256(), {}
    for part, share in (("train", 1.0), ("validation", VALIDATION), ("test", TEST)):
        n = max(FEWEST, round(share * recipe.images))
        phantoms = [phantom_at(i, 0, part) for i in range(n)]
        pixels = np.stack([phantom_pixels(phantom) for phantom in phantoms])
        labels = np.array([phantom.grade for phantom in phantoms], dtype=np.int64)
        digest.update(pixels.tobytes() + labels.tobytes())
        ids = tuple(f"phantom-{part}-0-{i:05d}" for i in range(n))
        parts[part] = Slices(ids, torch.from_numpy(pixels), torch.from_numpy(labels), PHANTOM_CLASSES)
    return parts, digest.hexdigest()
