"""An image and its overlay side by side, without matplotlib's figures: for thousands of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .pictures import denormalized, overlay

if TYPE_CHECKING:
    from torch import Tensor

GAP = 4  # white pixels between the two
LEVEL = 4  # of a PNG's compression


def save_strip(path: Path, x: "Tensor", saliency: "Tensor", mean: Sequence[float], std: Sequence[float]) -> None:
    """Write a PNG (H, 2 W + `GAP`) of what the network saw, x (3, H, W), and of its saliency (H, W) over it."""
    image = denormalized(x, mean, std)  # (H, W, 3)
    left = np.rint(255 * image).astype(np.uint8)
    white = np.full((len(left), GAP, 3), 255, np.uint8)
    strip = np.concatenate([left, white, overlay(image, saliency)], axis=1)
    Image.fromarray(strip).save(path, format="PNG", compress_level=LEVEL)
