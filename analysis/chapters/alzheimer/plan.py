"""Which methods the study `alzheimer` runs, on how many images of which network and layer."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.chapters.alzheimer.tuning import RULE_OF
from analysis.engine.plan import CHEAP, Block, Plan, check_profile, layer_of, own_methods
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError

DATASETS = ("phantoms", "alzheimer_mri")
DONOR_PART = "validation"

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
PHANTOMS = (("phantom_cnn", "paper"), ("phantom_vit", "last"))

CHEAPEST = (*CHEAP, "reciprocam")
CLAIMED = ("cluscam", "donor", "gradcam")
SWIFT = ("gradcampp", "layercam", "xgradcam", "cam", "fakecam", "ones", "centre", "random", "edges")  # a few passes
SLOWER = tuple(name for name in CHEAPEST if name not in (*CLAIMED, *SWIFT))  # tens of passes
DEAR = ("scorecam", "opticam", "opticam_norm")  # hundreds
RANKED = (
    "cluscam",
    "gradcam",
    "gradcampp",
    "layercam",
    "reciprocam",
    "groupcam",
    "donor",
    "smooth",
    "fakecam",
    "edges",
)
FEW = ("cluscam", "gradcam", "layercam", "reciprocam", "donor", "edges")
# Table 6's on all twelve, beside what knows nothing of the image or of the network
PRINTED = ("cluscam", "donor", "gradcam", "gradcampp", "shapleycam", "fakecam", "edges")
PRINTED_DEAR = ("opticam", "ablationcam", "reciprocam", "scorecam")
ALL, OTHERS, DEAREST, OF_TWELVE, DEAR_OF_TWELVE = 900, 200, 100, 60, 20  # images of the test part


def reference_blocks() -> Iterator[Block]:
    """The blocks of the reference run; what the claims need first."""
    for model, layer in MAIN:
        yield from blocks(model, layer, CLAIMED, ALL)
        yield from blocks(model, layer, DEAR, DEAREST, images_per_cell=20)
    for model, layer in MAIN:
        yield from blocks(model, layer, SWIFT, ALL)
        yield from blocks(model, layer, SLOWER, OTHERS)
    for model, layer in MAIN:
        yield from tuned_blocks(model, layer, OTHERS)
    yield from blocks(RESNET, "layer3", RANKED, OTHERS)
    for model in OTHER_SEEDS:
        for layer in ("paper", "last"):
            yield from blocks(model, layer, RANKED, OTHERS)
    yield from blocks(BY_HEART, "last", FEW, OTHERS)
    yield from blocks(BY_COMPONENTS, "last", FEW, OTHERS)
    for model in BACKBONES:
        yield from blocks(model, "paper", PRINTED, OF_TWELVE)
        yield from blocks(model, "paper", PRINTED_DEAR, DEAR_OF_TWELVE)


def blocks(model: str, layer: str, names: tuple[str, ...], n: int, images_per_cell: int = 100) -> Iterator[Block]:
    """A block for each method; those that ask what the maps do to the output are read where they can."""
    for name in names:
        if name == "reciprocam" and layer == "paper" and get_spec(model).family == "transformer":
            yield Block(model, layer, name, min(n, DEAREST), images_per_cell=20)  # what follows is the whole network
            continue
        yield Block(model, layer_of(name, model, layer), name, n, images_per_cell=images_per_cell)


def tuned_blocks(model: str, layer: str, n: int, images_per_cell: int = 100) -> Iterator[Block]:
    """ClusCAM with K and r chosen on the validation part, by either rule of Algorithm 2."""
    for variant in RULE_OF:
        yield Block(model, layer, "cluscam", n, variant, images_per_cell=images_per_cell)


# about a quarter of a minute in all
EMBEDDED = ("cluscam", "gradcam", "layercam", "reciprocam", "donor", "smooth", "fakecam", "centre", "edges")
PLANS = {
    "smoke": Plan(
        "phantoms", "test", DONOR_PART, tuple(blocks("phantom_cnn", "paper", ("cluscam", "ones", "edges"), 4))
    ),
    "embedded": Plan(
        "phantoms",
        "test",
        DONOR_PART,
        (
            *blocks("phantom_cnn", "paper", EMBEDDED, 4),
            *blocks("phantom_vit", "last", EMBEDDED, 4),
            *(block for model, layer in PHANTOMS for block in tuned_blocks(model, layer, 4)),
        ),
    ),
    # fixed by analysis/paper/claims.yaml before any of these images was looked at
    "reference": Plan("alzheimer_mri", "test", DONOR_PART, tuple(reference_blocks())),
}


def plan_of(profile: Mapping[str, Any]) -> Plan:
    """The plan of a profile, by its name; for a profile of the user's own, one made of its parameters.

    Raises CluscamError for a profile that does not say enough, or a network that does not know the data set's classes;
    UnknownName for an unknown method or network.
    """
    if profile.get("profile") in PLANS:
        return PLANS[profile["profile"]]
    check_profile(profile, "alzheimer", DATASETS)
    names, layer = own_methods(profile, CHEAPEST), profile.get("layer") or "paper"
    found = [block for model in profile["models"] for block in blocks(model, layer, names, int(profile["n_images"]))]
    for model in profile["models"]:
        check_classes(model, profile["dataset"])
    return Plan(profile["dataset"], profile.get("part") or "test", DONOR_PART, tuple(found))


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
