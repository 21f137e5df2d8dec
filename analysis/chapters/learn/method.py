"""Images for several chapters: the first of a data set, and a batch of a network's inputs."""

import torch
from PIL import Image
from torch import Tensor

from cluscam_lite import get_spec, load_dataset


def open_images(dataset: str, part: str, n: int, data_root: str | None) -> list[Image.Image]:
    """The first n images of a data set (of a part of it, unless `part` is empty)."""
    samples = load_dataset(dataset, data_root=data_root, part=part or None, n=n)
    return [samples[i].image for i in range(n)]


def stacked_inputs(name: str, images: list[Image.Image]) -> Tensor:
    """The images as one batch of a network's inputs, (B, 3, H, W)."""
    preprocess = get_spec(name).preprocess()
    return torch.stack([preprocess(image) for image in images])
