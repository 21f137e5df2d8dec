"""Studies of one saliency map per image and method: cells by method, and each map evaluated.

`MapStudy` is the base of the studies that explain images with the registered methods. A subclass has a name and, where
it measures something else, its own rows of one image.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.batching.cells import PASSES_IN, rows_of_cell
from analysis.studies.batching.explained import Explained, evaluated, explained_in_batches
from analysis.studies.batching.pictures import Picture
from analysis.studies.cost.passes import Passes, Shape, evaluation_passes, passes_of
from analysis.studies.explaining import compact, donors_of, lending, loaded, weights_of
from analysis.studies.plan import Block, Plan, PlannedStudy
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.algorithm.scoring import FILLS
from cluscam_lite.device import PASSES_IN as PRECISIONS
from cluscam_lite.errors import NotApplicable, check_known, naming, unknown
from cluscam_lite.methods import method_info
from cluscam_lite.metrics.localisation import localise
from cluscam_lite.metrics.masking import FORMS
from cluscam_lite.models import LoadedModel, Preprocess

Place = Callable[[Tensor, Picture, Preprocess], dict[str, Any]]


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

    takes = ("methods", "precision")
    keys: tuple[str, ...] = ("image_id", "form", "fill")
    columns: Mapping[str, str] = EVALUATED | LOCATED

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Some images of one network, layer, method and variant to a cell; all methods take the same images."""
        spec, info = get_spec(block.model), method_info(block.method)
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = dict(block.settings) | {"weights": weights_of(spec.name), "preprocess": block.preprocess}
        if block.precision != "float32":
            settings[PASSES_IN] = block.precision
        if {"n_clusters", "drop_ratio"} <= {*info.parameters}:
            settings |= {"K": spec.n_clusters, "r": spec.drop_ratio, "tau": spec.temperature}
        lent = donors_of(plan, block.method, samples)
        cells = []
        for images in chunks(samples.ids, block.images_per_cell):
            about = {"variant": block.variant, "settings": settings | lending(plan, lent, images)}
            cells.append(self.cell(plan, block, block.method, images, seed + block.seed, **about))
        return cells

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own, in the precision that it names."""
        for line in super().own_lines(profile, usual):
            yield line | ({"precision": profile["precision"]} if profile.get("precision") else {})

    def finished(self, block: Block, dataset: str) -> Block:
        """The block at the layer where its method can be asked. Raises UnknownName for a setting it does not take."""
        for setting in block.settings:
            if setting not in method_info(block.method).parameters:
                raise unknown(f"setting of {block.method}", setting, method_info(block.method).parameters)
        get_spec(block.model).preprocess(block.preprocess)
        check_known("precision", block.precision, PRECISIONS)
        return super().finished(block, dataset)

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's, and the seven forms and fills of each map beside the unmasked image."""
        k = get_spec(block.model).n_clusters
        evaluated = evaluation_passes(SHOWN, shape.size) + Passes(evaluations=1, images=1)
        return passes_of(block.method, shape, k, block.settings) + evaluated

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        return compact(pd.DataFrame(rows_of_cell(cell, loaded(cell.model), self.rows_of_images, progress)))

    def rows_of_images(self, cell: Cell, model: LoadedModel, pictures: Sequence[Picture]) -> list[list[dict[str, Any]]]:
        """The rows of each of some images of the cell."""
        return map_rows(cell, model, pictures)


def map_rows(
    cell: Cell, model: LoadedModel, pictures: Sequence[Picture], place: Place | None = None
) -> list[list[dict[str, Any]]]:
    """All rows of each image: one for each form and fill; one with a reason where the method cannot explain it.

    `place(saliency, picture, preprocess)` gives further columns of the map as it is; None: `location`.
    """
    preprocess = model.spec.preprocess(cell.settings["preprocess"])
    found = explained_in_batches(cell, model, pictures)
    pairs = [(picture, one) for picture, one in zip(pictures, found, strict=True) if isinstance(one, Explained)]
    evaluations = iter(evaluated(cell, model, *zip(*pairs, strict=True)) if pairs else ())
    rows: list[list[dict[str, Any]]] = []
    for picture, one in zip(pictures, found, strict=True):
        known = {"image_id": picture.image_id, "label": -1 if picture.label is None else picture.label}
        if not isinstance(one, Explained):
            rows.append([known | MAP | {"reason": str(one)}])
            continue
        with naming(picture.image_id):
            placed = (place or location)(one.saliency, picture, preprocess)
        facts = known | {
            "target": one.target,
            "forward_passes": one.forward_passes,
            "backward_passes": one.backward_passes,
            "uniform": one.uniform,
            "reason": "",
        }
        rows.append([facts | row | (placed if row["form"] == "raw" else {}) for row in next(evaluations)])
    return rows


def location(saliency: Tensor, picture: Picture, preprocess: Preprocess) -> dict[str, float]:
    """The columns `LOCATED` of an image with exactly one box (as in the paper) in view, else nothing."""
    if len(picture.boxes) != 1:
        return {}
    try:
        found = localise(saliency, picture.boxes, picture.width, picture.height, preprocess, picture.image_size)
    except NotApplicable:  # the crop left the box out
        return {}
    return {name: found[name] for name in LOCATED}
