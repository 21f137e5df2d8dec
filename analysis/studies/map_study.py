"""Studies of one saliency map per image and method: cells by method, and each map evaluated.

`MapStudy` is the base of the studies that explain images with the registered methods. A subclass has a name and, where
it measures something else, its own rows of one image.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
from torch import Tensor

from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape, masked_passes, passes_of
from analysis.studies.explaining import compact, donors_of, explainer_of, images_of, lending, loaded, logits, weights_of
from analysis.studies.plan import Block, Plan, PlannedStudy
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.algorithm.scoring import FILLS
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import NotApplicable, unknown
from cluscam_lite.methods import method_info
from cluscam_lite.metrics.localisation import localise
from cluscam_lite.metrics.masking import FORMS, evaluate
from cluscam_lite.models import LoadedModel, Preprocess

Place = Callable[[Tensor, Sample, Preprocess], dict[str, Any]]


SHOWN = len(FORMS[:2]) * len(FILLS) + 1  # forms and fills of a map; the complement has one fill
MAP = {"form": "", "fill": ""}  # the keys of a row that stands for an image without a map


# of a row that says what a map does
EVALUATED = columns(
    str="image_id form fill reason",
    int64="label target forward_passes backward_passes",
    bool="uniform",
    float32="coverage probability probability_masked log_odds log_odds_masked drop increase gain gain_over_p "
    "drop_strict increase_strict gain_strict",
)

# of the maps as they are, on images with one box
LOCATED = columns(float32="ep le le_soft le_half le_energy ep_unscaled le_unscaled")


class MapStudy(PlannedStudy):
    """Every method of a plan on its images: three forms of each map, three fills, and the box where there is one."""

    keys: tuple[str, ...] = ("image_id", "form", "fill")
    columns: Mapping[str, str] = EVALUATED | LOCATED

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Some images of one network, layer, method and variant to a cell; all methods take the same images."""
        spec, info = get_spec(block.model), method_info(block.method)
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = dict(block.settings) | {"weights": weights_of(spec.name), "preprocess": block.preprocess}
        if {"n_clusters", "drop_ratio"} <= {*info.parameters}:
            settings |= {"K": spec.n_clusters, "r": spec.drop_ratio, "tau": spec.temperature}
        lent = donors_of(plan, block.method, samples)
        cells = []
        for images in chunks(samples.ids, block.images_per_cell):
            about = {"variant": block.variant, "settings": settings | lending(plan, lent, images)}
            cells.append(self.cell(plan, block, block.method, images, seed + block.seed, **about))
        return cells

    def finished(self, block: Block, dataset: str) -> Block:
        """The block at the layer where its method can be asked. Raises UnknownName for a setting it does not take."""
        for setting in block.settings:
            if setting not in method_info(block.method).parameters:
                raise unknown(f"setting of {block.method}", setting, method_info(block.method).parameters)
        get_spec(block.model).preprocess(block.preprocess)
        return super().finished(block, dataset)

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's, and the seven forms and fills of each map beside the unmasked image."""
        k = get_spec(block.model).n_clusters
        evaluated = masked_passes(SHOWN, shape.size) + Passes(evaluations=1, images=1)
        return passes_of(block.method, shape, k, block.settings) + evaluated

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        model, rows = loaded(cell.model), []
        for sample, donor in images_of(cell, progress):
            rows += self.image_rows(cell, model, sample, donor)
        return compact(pd.DataFrame(rows))

    def image_rows(self, cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None) -> list[dict[str, Any]]:
        """The rows of one image; `donor` lends its masks to the method of that name."""
        return image_rows(cell, model, sample, donor)


def image_rows(
    cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None, place: Place | None = None
) -> list[dict[str, Any]]:
    """All rows of one image: one for each form and fill; one with a reason where the method cannot explain it.

    `place(saliency, sample, preprocess)` gives further columns of the map as it is; None: `location`.
    """
    spec = model.spec
    preprocess = spec.preprocess(cell.settings["preprocess"])
    device = next(model.module.parameters()).device
    x = preprocess(sample.image)[None].to(device)
    known = {"image_id": sample.image_id, "label": -1 if sample.label is None else sample.label}
    try:
        explanation = explainer_of(cell, model, preprocess, sample.image_id, donor)(x)
    except NotApplicable as error:
        return [known | MAP | {"reason": str(error)}]
    target, saliency = int(explanation.target[0]), explanation.saliency[0]
    evaluated = evaluate(partial(logits, model), x, saliency, target, normalization=(spec.mean, spec.std))
    placed = (place or location)(saliency, sample, preprocess)
    facts = known | {
        "target": target,
        "forward_passes": explanation.forward_passes,
        "backward_passes": explanation.backward_passes,
        "uniform": bool(explanation.uniform[0]),
        "reason": "",
    }
    return [facts | row | (placed if row["form"] == "raw" else {}) for row in evaluated]


def location(saliency: Tensor, sample: Sample, preprocess: Preprocess) -> dict[str, float]:
    """The columns `LOCATED` of an image with exactly one box (as in the paper) in view, else nothing."""
    if len(sample.boxes) != 1:
        return {}
    try:
        found = localise(saliency, sample.boxes, sample.width, sample.height, preprocess, sample.image.size)
    except NotApplicable:  # the crop left the box out
        return {}
    return {name: found[name] for name in LOCATED}
