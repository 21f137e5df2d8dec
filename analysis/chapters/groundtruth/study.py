"""The study of ground truth: does a map agree with the effect of removing each thing from an icon scene?

Two data sets. On "scenes", the network's top-1 class is explained, and a map is compared with the effect of every
thing in the scene (see `contributions`). On "badges", the network `scene_shortcut` predicts "anchor" for scenes
without an anchor. If the prediction changes without the badge (column `flips`), the badge is the reason, and a
faithful map highlights it. One row per image and method.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.chapters.groundtruth.contributions import Truth, agreement, facts, truth_of
from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape, passes_of
from analysis.studies.explaining import compact, explainer_of, loaded, logits
from analysis.studies.plan import Plan, PlannedStudy, layer_of
from cluscam_lite import get_spec, load_dataset, load_model
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.datasets.scenes.badges import BADGE_CLASS
from cluscam_lite.datasets.scenes.samples import scene_sample
from cluscam_lite.errors import CluscamError, NotApplicable, unknown
from cluscam_lite.explanation import Explanation
from cluscam_lite.methods import method_info
from cluscam_lite.models import ModelSpec

MOST_THINGS = 12  # of a scene, at most about so many
DATASETS = ("scenes", "badges")
SETTINGS = ("same", "different")  # scenes of two or three objects, in turn


@dataclass(frozen=True)
class Block:
    """Methods on the first `n_images` of a data set, under a network at a layer."""

    dataset: str
    model: str
    layer: str
    n_images: int
    methods: tuple[str, ...]
    images_per_cell: int = 50


class GroundTruth(PlannedStudy):
    """Each method's map held against the effect of every thing in a scene on the explained logit."""

    name, version, keys = "groundtruth", 1, ("image_id",)
    columns = columns(
        str="image_id setting reason",
        int64="target n_things n_objects forward_passes backward_passes",
        bool="flips uniform",
        float32="largest_effect chance chance_objects badge_effect badge_effect_first rho r pointing top1_objects "
        "badge_first badge_lift",
    )
    block = Block

    def finished(self, block: Block, dataset: str) -> Block:
        """The block as it is. Raises CluscamError for a network or a data set without scenes."""
        if not knows_scenes(block.model):
            raise CluscamError(f"the network {block.model} does not know the icon scenes; take scene_cnn or scene_vit")
        if block.dataset not in DATASETS:
            raise unknown("data set", block.dataset, DATASETS)
        return block

    def spans(self, block: Block) -> list[tuple[int, int]]:
        """Some images to a cell, with each method in turn."""
        return [span for span in super().spans(block) for _ in block.methods]

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The mean over the block's methods, as if all asked at one layer, and a pass without each thing."""
        k = get_spec(block.model).n_clusters
        own = sum((passes_of(name, shape, k) for name in block.methods), Passes()) * (1 / len(block.methods))
        return own + Passes(forward=1 + MOST_THINGS, images=1)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> Iterator[Cell]:
        """Some images of one data set, network and method to a cell; all methods of a block take the same ones."""
        spec = get_spec(block.model)
        weights = load_model(spec).sha256
        for images in chunks(image_ids(block.dataset, block.n_images, plan.part), block.images_per_cell):
            for name in block.methods:
                layer = layer_of(name, block.model, block.layer)
                about = (block.dataset, plan.part, block.model, layer, name, images)
                settings = settings_of_cell(name, spec, weights, plan.donor_part)
                yield Cell(self.name, self.version, *about, seed=seed, settings=settings)

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        rows = []
        for done, image_id in enumerate(cell.images, 1):
            rows.append(image_row(cell, image_id))
            progress(done)
        return compact(pd.DataFrame(rows))


def settings_of_cell(name: str, spec: ModelSpec, weights: str | None, donor_part: str) -> dict[str, Any]:
    """The settings, beside the method's name, on which its rows depend."""
    settings: dict[str, Any] = {"weights": weights}
    if {"n_clusters", "drop_ratio"} <= {*method_info(name).parameters}:
        settings |= {"K": spec.n_clusters, "r": spec.drop_ratio, "tau": spec.temperature}
    return settings | ({"donor_part": donor_part} if name == "donor" else {})


def image_row(cell: Cell, image_id: str) -> dict[str, Any]:
    """The row of one image. If the method cannot explain the network, it has a reason in place of the measures."""
    truth = truth_by_id(cell.model, cell.dataset, image_id)
    known = {"image_id": image_id} | facts(truth)
    try:
        explanation = explained(cell, image_id)
    except NotApplicable as error:
        return known | NO_MAP | {"reason": str(error)}
    passes = {"forward_passes": explanation.forward_passes, "backward_passes": explanation.backward_passes}
    return (
        known
        | agreement(truth, explanation.saliency[0])
        | {"uniform": bool(explanation.uniform[0])}
        | passes
        | {"reason": ""}
    )


def explained(cell: Cell, image_id: str) -> Explanation:
    """The cell's method on one image, for the class that its truth is about. Raises NotApplicable with a reason."""
    model, truth = loaded(cell.model), truth_by_id(cell.model, cell.dataset, image_id)
    donor = donor_of(image_id, cell.settings["donor_part"]) if "donor_part" in cell.settings else None
    explainer = explainer_of(cell, model, model.spec.preprocess(), image_id, donor)
    return explainer(truth.x.to(next(model.module.parameters()).device), truth.target)


NO_MAP = dict.fromkeys(("rho", "r", "pointing", "top1_objects", "badge_first", "badge_lift"), float("nan")) | {
    "uniform": False,
    "forward_passes": 0,
    "backward_passes": 0,
}


@lru_cache(maxsize=1024)
def truth_by_id(model: str, dataset: str, image_id: str) -> Truth:
    """The ground truth of one image and network, the same for all methods."""
    network = loaded(model)
    device = next(network.module.parameters()).device
    target = BADGE_CLASS if dataset == "badges" else None
    return truth_of(
        lambda x: logits(network, x.to(device)), network.spec.preprocess(), scene_sample(image_id).scene, target
    )


def image_ids(dataset: str, n: int, part: str = "test") -> list[str]:
    """The first n ids of a data set, its settings in turn; of fewer, a prefix."""
    each = [load_dataset(dataset, part=part, setting=s, n=-(-n // len(SETTINGS))).ids for s in SETTINGS]
    return [image_id for turn in zip(*each, strict=True) for image_id in turn][:n]


def donor_of(image_id: str, part: str) -> Sample:
    """The scene that lends its masks to the method `donor`, whatever the number of images."""
    donors = load_dataset("scenes", part=part)
    return donors[int(image_id.rsplit("-", 1)[1]) % len(donors)]


def knows_scenes(model: str) -> bool:
    """Whether a network was trained on the icon scenes. Raises UnknownName for one that is not registered."""
    return get_spec(model).library == "embedded"


STUDY = GroundTruth()
