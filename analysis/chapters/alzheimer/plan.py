"""The networks that the study `alzheimer` explains, and what a block of its plan says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError

RESNET = "resnet18-alzheimer_mri-128-s0"
VIT = "vit_tiny_patch16_224-alzheimer_mri-128-s0"
OTHER_SEEDS = tuple(VIT.removesuffix("s0") + f"s{seed}" for seed in (1, 2))
BY_HEART = "vit_tiny_patch16_224-alzheimer_mri-128-shuffled-s0"
BY_COMPONENTS = "vit_tiny_patch16_224-alzheimer_mri-128-components-s0"
# the paper's twelve, all from scratch; ResNet-18 is RESNET
CNNS = ("resnet34", "resnet50", "resnet101", "efficientnet_b0", "inception_v3")
TRANSFORMERS = ("vit_b_16", "swin_b", "levit_192", "levit_256", "pvt_v2_b2", "cait_xxs24_224")
BACKBONES = tuple(f"{name}-alzheimer_mri-128-s0" for name in (*CNNS, *TRANSFORMERS))

MAIN = ((RESNET, "paper"), (VIT, "paper"), (VIT, "last"))
SLOW_IMAGES = 100  # the most on which ReciproCAM is asked at a patch embedding, in a profile of the user's own


@dataclass(frozen=True)
class Block:
    """A method on the first `n_images` of the part, under a network at a layer.

    `variant`: "", or the rule of Algorithm 2 by which ClusCAM's K and r were tuned.
    """

    model: str
    layer: str
    method: str
    n_images: int
    variant: str = ""
    images_per_cell: int = 100


def sparing(line: Mapping[str, Any], **slow: Any) -> dict[str, Any]:
    """A line for one network with fewer images, and the numbers `slow`, where ReciproCAM takes the whole network."""
    model, n = line["model"], line["n_images"]
    if line["layer"] != "paper" or get_spec(model).family != "transformer":
        return dict(line)
    fewer = {"n_images": {model: n, "reciprocam": min(n, SLOW_IMAGES)}}
    return {**line, **fewer, **{key: {"reciprocam": number} for key, number in slow.items()}}


def check_classes(model: str, dataset: str) -> None:
    """Raise CluscamError unless the network was trained on the data set's classes."""
    from cluscam_lite.datasets.alzheimer.source import CLASSES
    from cluscam_lite.datasets.phantoms.phantom import PHANTOM_CLASSES

    expected = PHANTOM_CLASSES if dataset == "phantoms" else CLASSES
    if get_spec(model).classes != expected:
        raise CluscamError(
            f"the network {model} does not know the classes of {dataset} ({', '.join(expected)}); take one that was "
            "trained on them with `cluscam train alzheimer`"
        )
