"""An image as a network sees it, and what it says of it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cluscam_lite import load_image
from cluscam_lite.models import LoadedModel
from cluscam_lite.show.drawing import denormalized


@dataclass(frozen=True)
class Seen:
    """`photo` (H, W, 3) in [0, 1], `x` (1, 3, H, W) normalised, the network's first choice, its percent."""

    photo: np.ndarray
    x: Tensor
    target: int
    class_name: str
    probability: float


@torch.no_grad()
def seen(loaded: LoadedModel, image: str) -> Seen:
    """The image `image` (a name that `cluscam_lite.load_image` knows) as `loaded` sees it."""
    spec = loaded.spec
    x = spec.preprocess()(load_image(image))[None]
    output = loaded.module.eval()(x)[0].double()
    target = int(output.argmax())
    photo = denormalized(x[0], spec.mean, spec.std)
    name = spec.class_names[target].split(",")[0]
    return Seen(photo, x, target, name, 100 * float(output.softmax(0)[target]))
