"""The study of sanity: does a method's map change when the network's parameters are drawn anew?

One row per image, method and extent of the randomisation ("classifier" or "all"), for the class that the trained
network gives the image.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pandas as pd
import torch

from analysis.chapters.alzheimer.maps.randomisation import EXTENTS, likeness, randomised
from analysis.chapters.alzheimer.networks.trained import network, network_of, weights_of
from analysis.chapters.alzheimer.plan import sparing
from analysis.chapters.alzheimer.study import component_of, images_of, lenders_of, of_id, split_of
from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape, passes_of
from analysis.studies.explaining import compact, explainer_of, seed_of
from analysis.studies.plan import Plan, PlannedStudy
from cluscam_lite import get_spec
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import NotApplicable
from cluscam_lite.models import LoadedModel


@dataclass(frozen=True)
class Block:
    """A method on the first `n_images` of the part, under a network at a layer."""

    model: str
    layer: str
    method: str
    n_images: int


class Sanity(PlannedStudy):
    """Each method's map of the trained network beside its maps of networks with parameters drawn anew."""

    name, version, keys = "sanity", 2, ("image_id", "extent")
    columns = columns(
        str="image_id extent reason", int64="target component", float32="rho entropy entropy_random entropy_rise"
    )
    block = Block

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own; fewer images where ReciproCAM needs the whole network each time."""
        return map(sparing, super().own_lines(profile, usual))

    def spans(self, block: Block) -> list[tuple[int, int]]:
        """All images in one cell."""
        return [(0, block.n_images)]

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's on the network as it is and with each extent of its parameters drawn anew."""
        own = passes_of(block.method, shape, get_spec(block.model).n_clusters)
        return Passes(forward=1, images=1) + own * (1 + len(EXTENTS))

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """All images of one network, layer and method to a cell."""
        split = split_of(block.model)
        settings = {"weights": weights_of(block.model), "split": split, "extents": list(EXTENTS)}
        ids = images_of(plan.dataset, plan.part, split, block.n_images).ids
        if block.method == "donor":
            lent = lenders_of(plan.dataset, ids, images_of(plan.dataset, plan.donor_part, split).ids)
            settings |= {"donor_part": plan.donor_part, "donors": list(lent.values())}
        cut = chunks(ids, block.n_images)
        return [self.cell(plan, block, block.method, images, seed, settings=settings) for images in cut]

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        samples = images_of(cell.dataset, cell.part, cell.settings["split"])
        lenders = images_of(cell.dataset, cell.settings.get("donor_part", cell.part), cell.settings["split"])
        rows: list[dict[str, Any]] = []
        for done, image_id in enumerate(cell.images):
            donor = of_id(lenders, cell.settings["donors"][done]) if "donors" in cell.settings else None
            component = component_of(cell.dataset, image_id)
            rows += [row | {"component": component} for row in image_rows(cell, of_id(samples, image_id), donor)]
            progress(done + 1)
        return compact(pd.DataFrame(rows))


def image_rows(cell: Cell, sample: Sample, donor: Sample | None) -> list[dict[str, Any]]:
    """The rows of one image; a reason, and no measures, where the method cannot explain the network."""
    trained = network_of(cell.model, cell.settings["weights"])
    preprocess = trained.spec.preprocess()
    x = preprocess(sample.image)[None].to(next(trained.module.parameters()).device)
    with torch.no_grad():
        target = trained.module(x).argmax(1)

    def map_of(model: LoadedModel) -> torch.Tensor:
        return explainer_of(cell, model, preprocess, sample.image_id, donor)(x, target).saliency[0]

    known = {"image_id": sample.image_id, "target": int(target[0])}
    try:
        before = map_of(trained)
        found = [likeness(before, map_of(forgetful(cell.model, extent, cell.seed))) for extent in EXTENTS]
    except NotApplicable as error:
        nothing = dict.fromkeys(NO_MAP, float("nan")) | {"reason": str(error)}
        return [known | {"extent": extent} | nothing for extent in EXTENTS]
    return [known | {"extent": extent} | row | {"reason": ""} for extent, row in zip(EXTENTS, found, strict=True)]


NO_MAP = ("rho", "entropy", "entropy_random", "entropy_rise")


@lru_cache(maxsize=4)
def forgetful(name: str, extent: str, seed: int) -> LoadedModel:
    """The network with its parameters drawn anew."""
    trained = network(name)
    return replace(trained, module=randomised(trained.module, extent, seed_of("sanity", seed, f"{name} {extent}")))


STUDY = Sanity()
