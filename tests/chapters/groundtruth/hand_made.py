"""A scene made by hand, a network whose answers to it are known, and maps of it."""

import numpy as np
import torch

from cluscam_lite import get_spec
from cluscam_lite.datasets.scenes.drawing import Background, Icon
from cluscam_lite.datasets.scenes.scene import Scene, SceneObject

PREPROCESS = get_spec("scene_cnn").preprocess()
STD = 0.25
GREY = 0.4  # of the ground, 102 of 255


def red_and_blue(x):
    """A network whose logits are the sums of the red and of the blue channel."""
    return x[:, [0, 2]].sum((2, 3))


def square(x, red, blue=GREY, kind=Icon, size=10):
    return kind("\N{BLACK SQUARE}", x, 20, size, angle=0.0, mirrored=False, ink=(red, 0.0, blue), fill=(red, 0.0, blue))


def hand_made():
    """Two objects and three distractors apart on plain grey; the last distractor lies wholly below the first object."""
    ground = Background(0, (GREY,) * 3, (GREY,) * 3, 0.0, 0.0)
    objects = (square(20, 1.0, kind=SceneObject), square(40, 0.6, kind=SceneObject))
    return Scene(0, "different", 96, objects, (square(60, 0.4, 1.0), square(80, 0.2), square(20, GREY, size=6)), ground)


def map_of(truth, values):
    """A map with the given value on each thing, 0 elsewhere."""
    saliency = torch.zeros(96, 96)
    for mask, value in zip(truth.masks, values, strict=True):
        saliency[torch.from_numpy(mask)] = value
    return saliency


def rescaled(effects):
    return (effects - effects.min()) / np.ptp(effects)
