"""One drawn scene before one embedded network: what the first chapters look at, whatever the profile."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cluscam_lite import load_dataset, load_model
from cluscam_lite.models.spec import ModelSpec
from cluscam_lite.show.drawing import denormalized


@dataclass(frozen=True)
class Example:
    """`photo` (H, W, 3) in [0, 1] is what the network sees, `x` (1, 3, H, W) the same, normalised; the explained class
    is the network's first choice: its number `target`, its name, its `logit` and its probability in percent (0-100).
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
    """Scene number `scene` of the test scenes, before an embedded network."""
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
