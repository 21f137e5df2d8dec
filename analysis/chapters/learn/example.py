"""One drawn scene and one embedded network: the example of the first chapters, the same in every profile."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cluscam_lite import load_dataset, load_model
from cluscam_lite.models.spec import ModelSpec
from cluscam_lite.show.drawing import denormalized


@dataclass(frozen=True)
class Example:
    """A scene as the network sees it, and the class to be explained, which is the network's top-1 class.

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


def example_of(model: str, scene: int) -> Example:
    """Scene number `scene` of the test scenes with an embedded network."""
    loaded = load_model(model)
    spec = loaded.spec
    x = spec.preprocess()(load_dataset("scenes", n=scene + 1)[scene].image)[None]
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
