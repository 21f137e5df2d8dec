"""Which methods the study `faithfulness` runs, on how many images of which network and layer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.engine.plan import CHEAP, Block, Plan, layer_of, own_map_plan
from cluscam_lite import get_spec

FILLS = ("black", "blur")


@dataclass(frozen=True)
class Network:
    """A network and layer of the reference run, with the number of images for each group of methods."""

    model: str
    layer: str
    cheap: int
    scorecam: int
    opticam: int
    reciprocam: int
    polycam: int = 0
    cell: int = 100
    dear_cell: int = 10


REFERENCE = (
    Network("mobileone_s0", "paper", 500, 500, 100, reciprocam=500, polycam=20, dear_cell=20),
    Network("vit_tiny_patch16_224", "paper", 300, 300, 100, reciprocam=60, dear_cell=20),
    Network("vit_tiny_patch16_224", "last", 300, 300, 100, reciprocam=300, dear_cell=20),
    Network("squeezenet1_1", "paper", 200, 60, 60, reciprocam=200, dear_cell=10),
    Network("resnet50_v1", "paper", 100, 20, 20, reciprocam=100, cell=20, dear_cell=2),
)
SENSITIVITY = 100  # images for other fills, seeds and preprocessing


def reference_blocks() -> Iterator[Block]:
    """The blocks of the reference run, those that cost least first."""
    for net in REFERENCE:
        for name in (*CHEAP, *(() if slow_reciprocam(net) else ("reciprocam",))):
            yield Block(net.model, layer_of(name, net.model, net.layer), name, net.cheap, images_per_cell=net.cell)
    for net in REFERENCE:
        yield from sensitivity_blocks(net)
    for net in REFERENCE:
        dear = {"scorecam": net.scorecam, "opticam": net.opticam, "opticam_norm": net.opticam}
        dear |= {"reciprocam": net.reciprocam} if slow_reciprocam(net) else {}
        dear |= {name: net.polycam for name in ("polycam", "polycam_plus", "polycam_minus") if net.polycam}
        for name, n in dear.items():
            yield Block(net.model, layer_of(name, net.model, net.layer), name, n, images_per_cell=net.dear_cell)


def slow_reciprocam(net: Network) -> bool:
    """At the patch embedding, what follows the layer is the whole network."""
    return net.reciprocam < net.cheap


def sensitivity_blocks(net: Network) -> Iterator[Block]:
    """ClusCAM with other fills; on the first network also five seeds, and the paper's preprocessing."""
    n, cell = min(net.cheap, SENSITIVITY), min(net.cell, SENSITIVITY)
    for fill in FILLS:
        yield Block(net.model, net.layer, "cluscam", n, f"fill {fill}", {"fill": fill}, images_per_cell=cell)
    if net != REFERENCE[0]:
        return
    for seed in range(1, 5):
        yield Block(net.model, net.layer, "cluscam", n, f"seed {seed}", seed=seed, images_per_cell=cell)
    for name in ("cluscam", "gradcam", "donor", "fakecam"):
        yield Block(net.model, net.layer, name, n, "squashed", preprocess="paper", images_per_cell=cell)


def scene_blocks(model: str, layer: str, n_images: int, names: Sequence[str]) -> Iterator[Block]:
    """Blocks on the icon scenes: the methods `names` on a network and layer, the slowest on one image."""
    whole = get_spec(model).family == "transformer" and layer == "paper"  # all that follows is the network
    for name in names:
        slow = whole and name in ("scorecam", "ablationcam", "reciprocam")
        n = 1 if slow else n_images
        yield Block(model, layer_of(name, model, layer), name, n, images_per_cell=n)


# a quarter of a minute in all, which two chapters share; what is asked at the second layer is what the layer changes
EVERY = (*CHEAP, "reciprocam", "scorecam")
LAYERED = ("cluscam", "gradcam", "layercam", "reciprocam", "donor", "smooth", "fakecam", "edges")
EMBEDDED = (
    *scene_blocks("scene_cnn", "paper", 3, EVERY),
    *scene_blocks("scene_vit", "paper", 2, EVERY),
    *scene_blocks("scene_vit", "last", 2, LAYERED),
)
SMOKE = tuple(scene_blocks("scene_cnn", "paper", 2, ("cluscam", "gradcam", "donor", "fakecam")))
PLANS = {
    "smoke": Plan("scenes", "test", "train", SMOKE),
    "embedded": Plan("scenes", "test", "train", EMBEDDED),
    # fixed by analysis/paper/claims.yaml before any of these images was looked at
    "reference": Plan("ilsvrc", "confirm", "tune", tuple(reference_blocks())),
}


def plan_of(profile: Mapping[str, Any]) -> Plan:
    """The plan of a profile, by its name; for a profile of the user's own, one made of its parameters.

    Raises CluscamError for a profile that does not say enough, UnknownName for an unknown method.
    """
    if profile.get("profile") in PLANS:
        return PLANS[profile["profile"]]
    return own_map_plan(profile, "faithfulness", (*CHEAP, "reciprocam"))
