"""One image and one network: the example of the first chapters."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cluscam_lite import load_image, load_model
from cluscam_lite.models.spec import ModelSpec
from cluscam_lite.show.drawing import denormalized


@dataclass(frozen=True)
class Example:
    """An image as the network sees it, and the class to be explained, which is the network's top-1 class.

    `photo` (H, W, 3) is in [0, 1], `x` (1, 3, H, W) is normalised. `target` is the number of the class, `probability`
    is in percent (0-100).
    """

    spec: ModelSpec
    network: nn.Module
    photo: np.ndarray
    x: Tensor
    target: int
    class_name: str
    logit: float
    probability: float


def example_of(model: str, image: str, data_root: str | None = None) -> Example:
    """The image `image` (a name that `cluscam_lite.load_image` knows) with the registered network `model`."""
    loaded = load_model(model, data_root=data_root)
    spec = loaded.spec
    x = spec.preprocess()(load_image(image))[None]
    with torch.no_grad():
        output = loaded.module(x)[0].double()
    target = int(output.argmax())
    return Example(
        spec=spec,
        network=loaded.module,
        photo=denormalized(x[0], spec.mean, spec.std),
        x=x,
        target=target,
        class_name=spec.class_names[target],
        logit=float(output[target]),
        probability=100 * float(output.softmax(0)[target]),
    )
