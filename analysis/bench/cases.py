"""The scenes of the bench: pictures of which it is known what made the network answer as it did.

Three parts. "removal": two or three objects, and things that are none; the effect of each thing is what the logit
loses without it. "shortcut": a network that takes a badge for an anchor, on scenes where the badge made it say so.
"several": scenes of different objects, of each of which the class is explained in turn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.chapters.groundtruth.contributions import Truth, facts, truth_of
from analysis.chapters.groundtruth.study import image_ids
from analysis.studies.explaining import logits
from cluscam_lite import load_dataset
from cluscam_lite.datasets.scenes.badges import BADGE_CLASS
from cluscam_lite.datasets.scenes.samples import scene_sample
from cluscam_lite.datasets.scenes.scene import SCENE_CLASSES, Scene, scene_at
from cluscam_lite.models import LoadedModel, Preprocess

REMOVAL, SHORTCUT, SEVERAL = "removal", "shortcut", "several"
SHORTCUT_NETWORK = "scene_shortcut"
NOISE = 2.0  # standard deviation of the noise that stability is tried with, in levels of 255


@dataclass(frozen=True)
class Case:
    """A scene, the network that looks at it, and what is known of the class that is explained."""

    part: str
    image_id: str
    model: LoadedModel
    truth: Truth


def cases_of(model: LoadedModel, shortcut: LoadedModel, n: int) -> Iterator[Case]:
    """The cases of all parts, n scenes each; fewer where a network does not do what the part is about.

    Args:
        model: the network of "removal" and "several"; the latter is left out unless it knows the scenes' classes.
        shortcut: the network with the planted shortcut.
        n: scenes of each part, half as many of "several", where each is explained more than once.
    """
    for image_id in image_ids("scenes", n):
        yield Case(REMOVAL, image_id, model, _truth(model, _scene(image_id, model)))
    for image_id in image_ids("badges", n):
        truth = _truth(shortcut, scene_sample(image_id).scene, BADGE_CLASS)
        if facts(truth)["flips"]:
            yield Case(SHORTCUT, image_id, shortcut, truth)
    if not knows_classes(model):
        return
    for image_id in load_dataset("scenes", part="test", setting="different", n=-(-n // 2)).ids:  # two objects and more
        scene = _scene(image_id, model)
        for label in dict.fromkeys(thing.label for thing in scene.objects):
            truth = _truth(model, scene, label)
            if facts(truth)["n_objects"] > 1:
                yield Case(SEVERAL, image_id, model, truth)


def knows_classes(model: LoadedModel) -> bool:
    """Whether the classes of a network are those of the scenes."""
    return model.spec.class_names == SCENE_CLASSES


def whole(model: LoadedModel) -> Preprocess:
    """How scenes are brought to the network: without a crop, so that a pixel of the input is one of the scene."""
    return model.spec.preprocess("paper")


def _scene(image_id: str, model: LoadedModel) -> Scene:
    """The scene of an id, drawn in the size of the network's input."""
    _, part, seed, setting, number = image_id.split("-")
    return scene_at(int(number), int(seed), part, setting, whole(model).size)


def _truth(model: LoadedModel, scene: Scene | None, target: int | None = None) -> Truth:
    assert scene is not None  # of every icon scene
    device = next(model.module.parameters()).device
    return truth_of(lambda x: logits(model, x.to(device)), whole(model), scene, target)


def noisy(x: Tensor, std: tuple[float, ...], seed: int = 0) -> Tensor:
    """Normalised images (1, 3, H, W) with noise of `NOISE` grey levels on every pixel: nobody would notice."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(x.shape, generator=generator) * NOISE / 255 / torch.tensor(std).view(1, 3, 1, 1)
    return x + noise.to(x)
