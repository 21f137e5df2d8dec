"""The study of the Alzheimer slices (Tables 2 and 6) and of the phantoms that stand in for them.

As in `faithfulness`, one map per image and method, evaluated in several forms and fills. Beside that: on phantoms,
whether the map lies on what truly differs between the grades; on slices, the component of near-duplicates, which is the
unit of all intervals; and the mean map of each class, which is all that is kept of the maps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
from torch import Tensor

from analysis.chapters.alzheimer.maps.class_maps import FEWEST, with_class_maps
from analysis.chapters.alzheimer.maps.ground_mask import mask_measures, masks_of_image
from analysis.chapters.alzheimer.networks.trained import TRAINED, backbone, known, network_of, weights_of
from analysis.chapters.alzheimer.networks.training.recipe import recipe_of
from analysis.chapters.alzheimer.networks.training.trainer import train
from analysis.chapters.alzheimer.networks.tuning import RULE_OF, tuned_settings
from analysis.chapters.alzheimer.plan import Block, check_classes, sparing
from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.batching.cells import rows_of_cell
from analysis.studies.batching.pictures import Picture
from analysis.studies.cost.passes import Passes, Shape, evaluation_passes, passes_of
from analysis.studies.explaining import compact, lending
from analysis.studies.map_study import EVALUATED, SHOWN, map_rows
from analysis.studies.plan import Plan, PlannedStudy
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.datasets.alzheimer.samples import collection
from cluscam_lite.datasets.sample import Sample, Samples
from cluscam_lite.errors import unknown
from cluscam_lite.methods import method_info
from cluscam_lite.models import Preprocess

IMAGES = (5_120, 380)  # of the training and validation parts (Appendix A)


class Alzheimer(PlannedStudy):
    """Every method's map of slices or phantoms, measured as in `faithfulness`, and the mean map of each class."""

    name, version, keys = "alzheimer", 1, ("image_id", "form", "fill")
    columns = EVALUATED | columns(
        str="class_map", int64="component class_images", float32="ep_mask share_mask auc_mask"
    )  # the last three on phantoms alone
    block = Block

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own; fewer images where ReciproCAM needs the whole network each time."""
        for line in super().own_lines(profile, usual):
            yield sparing(line, images_per_cell=20)

    def finished(self, block: Block, dataset: str) -> Block:
        """The block at its layer. Raises CluscamError for a network that does not know the data set's classes."""
        if block.variant and block.variant not in RULE_OF:
            raise unknown("variant", block.variant, RULE_OF)
        check_classes(block.model, dataset)
        return super().finished(block, dataset)

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's, and the seven forms and fills of each map beside the unmasked image."""
        evaluated = evaluation_passes(SHOWN, shape.size) + Passes(evaluations=1, images=1)
        return passes_of(block.method, shape, get_spec(block.model).n_clusters) + evaluated

    def preparation(self, plan: Plan) -> dict[str, Passes]:
        """The training of each network that is nowhere: a gradient that reaches the weights counts as two."""
        found = {}
        for name in dict.fromkeys(block.model for block in plan.blocks):
            recipe = recipe_of(name)
            if recipe is not None and not known(name):
                forward = recipe.epochs * sum(IMAGES)
                found[name] = Passes(forward=forward, backward=2 * recipe.epochs * IMAGES[0], images=sum(IMAGES))
        return found

    def starts_from(self, name: str) -> str:
        """The backbone with its published weights."""
        return backbone(name).name

    def prepare(self, plan: Plan, name: str, say: Callable[[str], None]) -> None:
        """Train a network by the paper's recipe: from published weights, into `out/train`."""
        train(replace(recipe_of(name), start="pretrained"), TRAINED / name, say)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Some images of one network, layer and method to a cell; all methods take the same images."""
        info, split = method_info(block.method), split_of(block.model)
        settings: dict[str, Any] = {"weights": weights_of(block.model), "preprocess": "standard", "split": split}
        if {"n_clusters", "drop_ratio"} <= {*info.parameters}:
            spec = get_spec(block.model)
            settings |= {"K": spec.n_clusters, "r": spec.drop_ratio, "tau": spec.temperature}
        if block.variant in RULE_OF:
            settings |= tuned_settings(block.model, block.layer, block.variant)
        ids = images_of(plan.dataset, plan.part, split, block.n_images).ids
        lent = {}
        if block.method == "donor":
            lent = lenders_of(plan.dataset, ids, images_of(plan.dataset, plan.donor_part, split).ids)
        return [
            self.cell(
                plan,
                block,
                block.method,
                images,
                seed,
                variant=block.variant,
                settings=settings | lending(plan, lent, images),
            )
            for images in chunks(ids, block.images_per_cell)
        ]

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        model, phantoms = network_of(cell.model, cell.settings["weights"]), cell.dataset == "phantoms"
        samples = images_of(cell.dataset, cell.part, cell.settings["split"])
        lenders = None
        if "donors" in cell.settings:
            lenders = images_of(cell.dataset, cell.settings["donor_part"], cell.settings["split"])
        maps: dict[str, tuple[int, Tensor]] = {}

        def place(saliency: Tensor, picture: Picture, _preprocess: Preprocess) -> dict[str, Any]:
            maps[picture.image_id] = (0, saliency.detach().cpu())
            return mask_measures(saliency, *masks_of_image(picture.image_id, len(saliency))) if phantoms else {}

        rows = rows_of_cell(cell, model, partial(map_rows, place=place), progress, samples, lenders)
        for row in rows:
            image_id = row["image_id"]
            row["component"] = component_of(cell.dataset, image_id)
            if image_id in maps:
                maps[image_id] = (int(row["target"]), maps[image_id][1])
        return with_class_maps(compact(pd.DataFrame(rows)), maps, 1 if phantoms else FEWEST)


def component_of(dataset: str, image_id: str) -> int:
    """The number of the slice's component of near-duplicates; -1 for a phantom, which is alone."""
    if dataset == "phantoms":
        return -1
    found = collection()
    return int(found.components[found.number[image_id]])


def lenders_of(dataset: str, ids: Sequence[str], lenders: Sequence[str]) -> dict[str, str]:
    """Image id -> id of the image that lends its masks: number i for image i, or the next one of another component."""
    found = {}
    for i, image_id in enumerate(ids):
        own = component_of(dataset, image_id)
        turns = (lenders[(i + step) % len(lenders)] for step in range(len(lenders)))
        found[image_id] = next(lender for lender in turns if own == -1 or component_of(dataset, lender) != own)
    return found


def of_id(samples: Samples, image_id: str) -> Sample:
    """The sample of that name."""
    return samples[samples.ids.index(image_id)]


def split_of(model: str) -> str:
    """How the network's images were divided: it must not be explained on what it was trained on."""
    recipe = recipe_of(model)
    return "paper" if recipe is None else recipe.split


def images_of(dataset: str, part: str, split: str, n: int | None = None) -> Samples:
    """The first n images of a part (None: all), in its order."""
    if dataset == "phantoms":
        return load_dataset(dataset, part=part, n=n)
    return load_dataset(dataset, part=part, n=n, split=split)


STUDY = Alzheimer()
