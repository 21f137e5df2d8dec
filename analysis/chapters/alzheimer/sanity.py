"""The study of sanity: does a method's map change when the network's parameters are drawn anew?

One row per image, method and extent of the randomisation ("classifier" or "all"), for the class that the trained
network gives the image.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd
import torch

from analysis.chapters.alzheimer.plan import BY_HEART, DATASETS, DONOR_PART, RESNET, VIT, blocks
from analysis.chapters.alzheimer.randomisation import EXTENTS, likeness, randomised
from analysis.chapters.alzheimer.study import component_of, images_of, lenders_of, of_id, split_of
from analysis.chapters.alzheimer.trained_networks import network, network_of, weights_of
from analysis.engine import Cell, chunks
from analysis.engine.explaining import compact, explainer_of, seed_of
from analysis.engine.plan import Block, Plan, PlannedStudy, check_profile, own_methods
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import NotApplicable
from cluscam_lite.models import LoadedModel

ASKED = ("cluscam", "gradcam", "gradcampp", "layercam", "shapleycam", "reciprocam", "groupcam", "donor", "smooth",
         "inverted", "edges", "centre")  # fmt: skip
FEW = ("cluscam", "gradcam", "donor", "edges")
PLANS = {
    "smoke": Plan("phantoms", "test", DONOR_PART, tuple(blocks("phantom_cnn", "paper", ("cluscam", "edges"), 2))),
    "embedded": Plan(
        "phantoms",
        "test",
        DONOR_PART,
        (*blocks("phantom_cnn", "paper", FEW, 2), *blocks("phantom_vit", "last", FEW, 2)),
    ),
    "reference": Plan(
        "alzheimer_mri",
        "test",
        DONOR_PART,
        tuple(
            block
            for model, layer in (
                (RESNET, "paper"),
                (RESNET, "layer3"),
                (VIT, "last"),
                (VIT, "paper"),
                (BY_HEART, "last"),
            )
            for block in blocks(model, layer, ASKED, 100)
        ),
    ),
}


class Sanity(PlannedStudy):
    """The study as the engine wants it; the engine sets the data root."""

    name, version, keys = "sanity", 2, ("image_id", "extent")

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """What a profile measures."""
        return plan_of(profile)

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


def plan_of(profile: Mapping[str, Any]) -> Plan:
    """The plan of a profile, by its name; for a profile of the user's own, one made of its parameters.

    Raises CluscamError for a profile that does not say enough, UnknownName for an unknown method.
    """
    if profile.get("profile") in PLANS:
        return PLANS[profile["profile"]]
    check_profile(profile, "sanity", DATASETS)
    names, layer, n = own_methods(profile, ASKED), profile.get("layer") or "paper", int(profile["n_images"])
    found: list[Block] = [block for model in profile["models"] for block in blocks(model, layer, names, n)]
    return Plan(profile["dataset"], profile.get("part") or "test", DONOR_PART, tuple(found))


STUDY = Sanity()
