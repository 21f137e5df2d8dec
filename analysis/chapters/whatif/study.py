"""The study of other maps in the place of ClusCAM's, on images with exactly one box in view.

Two questions, neither with a claim of its own. Appendix D.2: what if the object's box is the saliency map? And for
a network on which ClusCAM does badly: what if the same groups are weighed otherwise? One row for each image, map,
form and fill.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape, evaluation_passes, passes_of
from analysis.studies.explaining import compact, images_of, loaded, logits
from analysis.studies.plan import Plan, PlannedStudy
from cluscam_lite import ClusCAM, get_spec, load_dataset, read
from cluscam_lite.algorithm.scoring import FILLS
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.metrics import evaluate
from cluscam_lite.metrics.boxes import box_mask, boxes_in_input
from cluscam_lite.models import LoadedModel, Preprocess
from cluscam_lite.reading import Reading

NOT_ONE = "the image has no box in view, or several"
FORMS = ("raw", "matched")
N_MAPS = 6  # of `maps_of`


@dataclass(frozen=True)
class Block:
    """A network and layer on the first `n_images` of the part."""

    model: str
    layer: str
    n_images: int
    images_per_cell: int = 50


class WhatIf(PlannedStudy):
    """ClusCAM's map, the same groups weighed in two other ways, the box, all but the box, and ClusCAM in the box."""

    name, version, keys = "whatif", 1, ("image_id", "map", "form", "fill")
    columns = columns(
        str="image_id map form fill reason",
        int64="target",
        float32="coverage probability probability_masked drop increase gain groups logit best_score masks_coverage "
        "active",
    )
    block, choices, takes = Block, "", ()

    def block_cells(self, plan: Plan, block: Block, seed: int) -> Iterator[Cell]:
        """Some images of one network and layer to a cell."""
        spec = get_spec(block.model)
        settings = {"weights": loaded(spec.name).sha256, "K": spec.n_clusters, "r": spec.drop_ratio}
        settings["tau"] = spec.temperature
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        for images in chunks(samples.ids, block.images_per_cell):
            yield self.cell(plan, block, "other maps", images, seed, settings=settings)

    def passes(self, block: Block, shape: Shape) -> Passes:
        """ClusCAM's, and six maps evaluated; at most, since images without exactly one box are skipped."""
        own = passes_of("cluscam", shape, get_spec(block.model).n_clusters)
        shown = evaluation_passes(len(FORMS) * len(FILLS), shape.size) + Passes(evaluations=1)
        return own + shown * N_MAPS + Passes(images=1)

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        model, rows = loaded(cell.model), []
        for sample, _ in images_of(cell, progress):
            rows += image_rows(cell, model, sample)
        return compact(pd.DataFrame(rows))


def image_rows(cell: Cell, model: LoadedModel, sample: Sample) -> list[dict[str, Any]]:
    """All rows of one image; one with a reason where it has not one box in view."""
    spec = model.spec
    preprocess = spec.preprocess()
    box = single_box(sample, preprocess)
    if box is None:
        return [{"image_id": sample.image_id, "map": "", "form": "", "fill": "", "target": -1, "reason": NOT_ONE}]
    x = preprocess(sample.image)[None].to(next(model.module.parameters()).device)
    cam = ClusCAM.from_spec(spec, model.module, cell.layer, seed=cell.seed)
    reading = read(cam.model, x)
    explanation = cam.explain(reading)
    target = int(explanation.target[0])
    known = {"image_id": sample.image_id, "target": target, "reason": ""} | scores_of(reading, explanation)
    rows = []
    for name, (saliency, groups) in maps_of(explanation, box).items():
        found = evaluate(partial(logits, model), x, saliency, target, normalization=(spec.mean, spec.std), forms=FORMS)
        own = known | {"map": name, "groups": groups}
        rows += [own | {key: row[key] for key in (*MEASURED, "form", "fill")} for row in found]
    return rows


MEASURED = ("coverage", "probability", "probability_masked", "drop", "increase", "gain")


def single_box(sample: Sample, preprocess: Preprocess) -> Tensor | None:
    """The one box of an image as a map (H, W), 1 inside and 0 outside; None if there is not exactly one in view."""
    if len(sample.boxes) != 1:
        return None
    boxes = boxes_in_input(sample.boxes, sample.width, sample.height, preprocess, sample.image.size)
    return box_mask(boxes, (preprocess.size, preprocess.size)).float() if len(boxes) else None


def maps_of(explanation: ClusteredExplanation, box: Tensor) -> dict[str, tuple[Tensor, float]]:
    """Name -> a map (H, W) in [0, 1] of the one image, and over how many groups its weights are spread.

    That number is 1 / sum(alpha^2): 1 if one group has all the weight, K if all have the same; NaN without groups.
    """
    ways = {
        "cluscam": explanation,
        "best": explanation.reweigh(weighting="best"),
        "alike": explanation.reweigh(weighting="uniform"),
    }
    found = {name: (way.saliency[0], float(1 / (way.weights[0].double() ** 2).sum())) for name, way in ways.items()}
    place = box.to(explanation.saliency)
    others = {"box": place, "outside": 1 - place, "within": explanation.saliency[0] * place}
    return found | {name: (saliency, float("nan")) for name, saliency in others.items()}


def scores_of(reading: Reading, explanation: ClusteredExplanation) -> dict[str, float]:
    """What the groups' masks do to the network: `logit` of the image, `best_score` (logits) of its groups, their
    masks' mean `masks_coverage` and the share of the maps' cells above 0, `active` (both 0 to 1).
    """
    valid = explanation.valid[0]
    return {
        "logit": float(reading.baseline[0]),
        "best_score": float(explanation.scores[0][valid].max()),
        "masks_coverage": float(explanation.masks[0][valid].mean()),
        "active": float((reading.maps > 0).to(torch.float32).mean()),
    }


STUDY = WhatIf()
