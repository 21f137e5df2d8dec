"""What the study `runtime` times: which methods on how many images of which network, how often, and what it varies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.engine.plan import CHEAP, DEAR, check_profile, layer_of, own_methods, own_plan
from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import METHODS, method_info

BRUTE_FORCE = "brute force"  # ClusCAM with every map upsampled and clustered there (`analysis.oracles.brute_force`)
LAYER = "paper"
# what a block may vary, and the setting that says it
VARIED = {"K": "n_clusters", "d": "n_maps", "size": "size"}
BATCHES = (
    {"backend": "sklearn", "precision": "float32"},
    {"backend": "torch", "precision": "float32"},
    {"backend": "torch", "precision": "bfloat16"},
)


@dataclass(frozen=True)
class Block:
    """One line of the plan: `repeats` timings of a method on each of the first `n_images`, in rounds over the images.

    `method` is a registered name or `BRUTE_FORCE`. `variant` and `settings` say what differs from the network's own
    K, layer and image size; with `batch` the images are explained together.
    """

    model: str
    layer: str
    method: str
    n_images: int
    repeats: int
    variant: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    batch: bool = False


@dataclass(frozen=True)
class RuntimePlan:
    """What a profile times: on which part of which data set. Time does not depend on what an image shows."""

    dataset: str
    part: str
    blocks: tuple[Block, ...]


def growth(model: str, values: Mapping[str, Sequence[int]], repeats: int, dear: int) -> Iterator[Block]:
    """ClusCAM and brute force with other K, numbers of maps d, and image sizes (pixels), one thing at a time."""
    for name, key in VARIED.items():
        for value in values.get(name, ()):
            for method, times in (("cluscam", repeats), (BRUTE_FORCE, dear)):
                yield Block(model, LAYER, method, 1, times, f"{name} {value}", {key: value})


def batches(model: str, n: int, repeats: int) -> Iterator[Block]:
    """n images at once: K-Means by scikit-learn and by torch, and the scoring passes in bfloat16."""
    for settings in BATCHES:
        variant = f"batch, {settings['backend']}, {settings['precision']}"
        yield Block(model, LAYER, "cluscam", n, repeats, variant, settings, batch=True)


def methods(model: str, names: Sequence[str], n: int, repeats: int) -> Iterator[Block]:
    """Each of the methods by itself, at the paper's layer."""
    for name in names:
        yield Block(model, layer_of(name, model, LAYER), name, n, repeats)


def embedded_blocks() -> Iterator[Block]:
    """A quarter of a minute in all: the two networks that come with the project, the second with fewer methods."""
    slow = ("ablationcam", "reciprocam")  # a pass for each map or place, where all of the network follows the layer
    quick = [name for name in CHEAP if name not in ("cluscam", *slow)]
    for model, swift in (("scene_cnn", quick), ("scene_vit", ("gradcam", "fakecam"))):
        yield from methods(model, ("cluscam", *swift), 1, 2)
        yield from methods(model, (BRUTE_FORCE, *slow, "scorecam"), 1, 1)
    yield from methods("scene_cnn", ("opticam", "polycam"), 1, 1)  # their variants cost no less
    yield from growth("scene_cnn", {"K": (5, 20, 40), "d": (32, 64, 128), "size": (64, 96, 128)}, 2, 1)
    yield from batches("scene_cnn", 4, 1)


def reference_blocks(batch: int) -> Iterator[Block]:
    """The real networks, what costs least first; fixed by analysis/paper/claims.yaml (C11)."""
    networks = ("mobileone_s0", "squeezenet1_1", "vit_tiny_patch16_224", "resnet50_v1")
    quick = [name for name in (*CHEAP, "reciprocam") if name not in ("cluscam", "ablationcam", "reciprocam")]
    for model in networks:
        yield from methods(model, ("cluscam",), 5, 5)
        yield from methods(model, quick, 3, 5)
        yield from methods(model, ("ablationcam", "reciprocam"), 3, 3)
    sizes = {"K": (10, 20, 30, 60, 100), "d": (128, 256, 512, 1024), "size": (112, 160, 224, 320)}
    yield from growth("mobileone_s0", sizes, 5, 3)
    for model in networks:
        yield from batches(model, batch, 3)
    for model in networks:
        yield from methods(model, (BRUTE_FORCE,), 3, 3)
        yield from methods(model, ("scorecam",), 3, 1)
    for model in networks:
        yield from methods(model, [name for name in DEAR if name != "scorecam"], 1, 1)


def smoke_blocks() -> Iterator[Block]:
    """One image of one network, every kind of block."""
    yield from methods("scene_cnn", ("cluscam", BRUTE_FORCE, "gradcam", "fakecam", "scorecam"), 1, 2)
    yield from growth("scene_cnn", {"K": (5, 10), "d": (32, 64), "size": (64, 96)}, 1, 1)
    yield from batches("scene_cnn", 2, 1)


def plan_of(profile: Mapping[str, Any], device: str = "cpu") -> RuntimePlan:
    """The plan of a profile, by its name; for one of the user's own, its networks and methods, each three times.

    On a GPU the reference run's batches are of 32 images, on a CPU of 8. Raises CluscamError for a profile that does
    not say enough, UnknownName for an unknown method.
    """
    name = profile.get("profile")
    if name == "smoke":
        return RuntimePlan("scenes", "test", tuple(smoke_blocks()))
    if name == "embedded":
        return RuntimePlan("scenes", "test", tuple(embedded_blocks()))
    if name == "reference":
        return RuntimePlan("ilsvrc", "tune", tuple(reference_blocks(8 if device == "cpu" else 32)))
    check_profile(profile, "the running time")
    names = own_methods(profile, (*CHEAP, "reciprocam"))
    blocks = tuple(
        Block(model, layer_of(one, model, profile.get("layer") or LAYER), one, int(profile["n_images"]), 3)
        for model in profile["models"]
        for one in dict.fromkeys(("cluscam", BRUTE_FORCE, *names))
    )
    plan = own_plan(profile, blocks)
    return RuntimePlan(plan.dataset, plan.part, plan.blocks)


def title_of(name: str) -> str:
    """A method in words. Raises CluscamError for a method that is not registered."""
    if name == BRUTE_FORCE:
        return "ClusCAM, brute force"
    if name not in METHODS:
        raise CluscamError(
            f"the rows name the method {name!r}, which is not registered; they come from another version of this "
            "project: run the study again"
        )
    return method_info(name).title
