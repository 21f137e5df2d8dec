"""Training runs: what the name of a run says, and the spec of the network that it trains.

A run is named by its network, data set, input size, split, labels and seed: "resnet18-alzheimer_mri-128-s0".
"""

import re
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from ..datasets.alzheimer.source import CLASSES
from ..datasets.phantoms.phantom import PHANTOM_CLASSES
from .backbones import BACKBONES, model_names
from .builders import build_embedded, build_timm, build_torchvision, fuse
from .spec import ModelSpec

CLASSES_OF = {"alzheimer_mri": CLASSES, "phantoms": PHANTOM_CLASSES}  # by data set
SIZES = (128, 224)  # pixels; the slices have 128, the paper's networks 224
# trained on other images, or the same network in another form
NOT_TRAINABLE = ("scene_cnn", "scene_vit", "scene_shortcut", "resnet50_v1")
NAME = re.compile(
    r"(?P<model>.+)-(?P<dataset>alzheimer_mri|phantoms)-(?P<size>\d+)(-(?P<labels>shuffled))?(-(?P<split>components))?"
    r"-s(?P<seed>\d+)"
)
SIZED_TIMM = ("vit_tiny_patch16_224", "levit_192", "levit_256", "cait_xxs24_224")  # built for one input size
SIZED_TORCHVISION = ("vit_b_16",)


def trainable() -> list[str]:
    """The names of the backbones that can be trained on slices."""
    return [name for name in model_names() if name not in NOT_TRAINABLE]


@dataclass(frozen=True)
class RunName:
    """What the name of a run says. `size` is the side of the input in pixels; `str()` gives the name."""

    model: str
    dataset: str
    size: int
    labels: str
    split: str
    seed: int

    @classmethod
    def parse(cls, name: str) -> "RunName | None":
        """The parts of a run's name; None for any other name."""
        found = NAME.fullmatch(name)
        if not found or found["model"] not in trainable() or int(found["size"]) not in SIZES:
            return None
        labels, split = found["labels"] or "true", found["split"] or "paper"
        return cls(found["model"], found["dataset"], int(found["size"]), labels, split, int(found["seed"]))

    def __str__(self) -> str:
        """The name; true labels and the paper's split go without saying."""
        marks = [self.labels if self.labels != "true" else "", self.split if self.split != "paper" else ""]
        return "-".join(filter(None, [self.model, self.dataset, str(self.size), *marks, f"s{self.seed}"]))

    @property
    def title(self) -> str:
        """The run in words, for tables and figures."""
        about = ["shuffled labels"] if self.labels == "shuffled" else []
        about += ["split by components"] if self.split == "components" else []
        about += [f"{self.size} pixels"] if self.size != SIZES[0] else []
        return f"{BACKBONES[self.model].title} ({', '.join([*about, f'seed {self.seed}'])})"


def spec_of_run(name: str | RunName, classes: tuple[str, ...] | None = None) -> ModelSpec | None:
    """The spec of the network that a run trains: rows of a study can be read where its weights are not.

    K, r and the layers are the backbone's. At 128 x 128 pixels the last maps of a ResNet are 4 x 4, so the stage
    before, "layer3", is named as well.

    Args:
        name: the name of the run, whole or in parts.
        classes: the class names in the order of the logits; None: the data set's.

    Returns:
        The spec, or None if this is not the name of a run.
    """
    run = RunName.parse(name) if isinstance(name, str) else name
    if run is None:
        return None
    base, classes = BACKBONES[run.model], classes or CLASSES_OF[run.dataset]
    return replace(
        base,
        name=str(run),
        title=run.title,
        build=partial(build_for, base.name, base.library, len(classes), run.size),
        unfused=None,
        weights_id=None,
        input_size=run.size,
        resize=run.size,
        interpolation="bilinear",
        layers=base.layers | ({"layer3": "layer3"} if run.model.startswith("resnet") else {}),
        num_classes=len(classes),
        classes=classes,
        in_paper=False,
        paper_temperature=None,
        tier="embedded" if base.library == "embedded" else "conceptual",
        note=f"Trained by this project on {run.dataset}. K and r are {base.title}'s.",
    )


def build_for(name: str, library: str, num_classes: int, size: int) -> nn.Module:
    """The backbone `name` of `library` with random weights, `num_classes` logits and inputs of `size` x `size`."""
    if library == "embedded":
        return build_embedded(name)
    if library == "torchvision":
        options = {"image_size": size} if name in SIZED_TORCHVISION else {}
        if name == "inception_v3":  # without the head that only its own training needs
            options = {"aux_logits": False, "init_weights": False}
        return build_torchvision(name, num_classes=num_classes, **options)
    options = {"img_size": size} if name in SIZED_TIMM else {}
    network = build_timm(name, num_classes=num_classes, **options)
    return fuse(network) if name == "mobileone_s0" else network  # its pretrained weights may be fused already
