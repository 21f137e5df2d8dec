"""The study of stability: each image explained again with one thing changed, and both maps compared.

One row for each image, explainer and perturbation; "none" is the map that the others are held against. All ask for
the class that the network gives the unchanged image. The map itself is not kept.

ClusCAM's masks and scores serve three explainers: "cluscam" as in Table 3; "soft", the same scores at tau = 1 without
dropping; and "mean5", the mean map over five seeds, whose "seed 1" is the mean over five others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from analysis.chapters.stability.perturbations import BASE, PERTURBATIONS, Perturbation, agreement, perturbation
from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape, evaluation_passes, passes_of
from analysis.studies.explaining import compact, donors_of, explainer_of, images_of, lending, loaded, logits
from analysis.studies.plan import Plan, PlannedStudy
from cluscam_lite import get_spec, load_dataset, read
from cluscam_lite.algorithm.masks import min_max
from cluscam_lite.cluscam import ClusCAM
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.methods import method_info
from cluscam_lite.metrics import evaluate
from cluscam_lite.models import LoadedModel

SEEDS = 5  # whose maps are averaged
SOFT = {"drop_ratio": 0.0, "temperature": 1.0}
CLUSCAM = "cluscam"
MEASURED = ("coverage", "probability", "probability_masked", "drop", "increase", "gain")


@dataclass(frozen=True)
class Block:
    """A method on the images of the part from `skip` to `n_images`, under some perturbations (none named: all it has).

    `averaged`: the perturbations of which ClusCAM's mean over five seeds is measured too.
    """

    model: str
    layer: str
    method: str
    n_images: int
    skip: int = 0
    perturbations: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    images_per_cell: int = 5


class Stability(PlannedStudy):
    """Methods of a plan on its images, as they are and under every perturbation that they have."""

    name, version = "stability", 1
    keys = ("image_id", "explainer", "perturbation")
    columns = columns(
        str="image_id explainer perturbation",
        int64="target top1",
        bool="uniform",
        float32=f"correlation rank overlap {' '.join(MEASURED)}",
    )
    block = Block

    def finished(self, block: Block, dataset: str) -> Block:
        """The block with the perturbations that its method has, at the layer where it can be asked.

        Raises UnknownName for a perturbation or setting that there is not, CluscamError for too few images.
        """
        for setting in block.settings:
            if setting not in method_info(block.method).parameters:
                raise unknown(f"setting of {block.method}", setting, method_info(block.method).parameters)
        if block.skip >= block.n_images:
            raise CluscamError(f"'skip' is {block.skip} of {block.n_images} images; leave at least one")
        chosen = [perturbation(name) for name in block.perturbations or PERTURBATIONS]
        averaged = tuple(perturbation(name).name for name in block.averaged if block.method == CLUSCAM)
        fitting = tuple(one.name for one in chosen if one.fits(block.method) and one.name != BASE)
        return super().finished(replace(block, perturbations=fitting, averaged=averaged), dataset)

    def spans(self, block: Block) -> list[tuple[int, int]]:
        """Some images to a cell, from the first that is not skipped."""
        n, size = block.n_images, block.images_per_cell
        return [(first, min(size, n - first)) for first in range(block.skip, n, size)]

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's under each perturbation, each map evaluated; five seeds' where their mean is measured."""
        k = get_spec(block.model).n_clusters
        own = passes_of(block.method, shape, k, block.settings)
        beside = sum(perturbation(name).beside for name in block.perturbations)
        times, means = 1 + len(block.perturbations), bool(block.averaged) * (1 + len(block.averaged))
        maps = times * (2 if block.method == CLUSCAM else 1) + means
        evaluated = (evaluation_passes(1, shape.size) + Passes(evaluations=1)) * maps
        return own * (times + beside) + own * (SEEDS - 1) * means + evaluated + Passes(images=times)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> Iterator[Cell]:
        """Some images of one network, layer and method to a cell."""
        spec, info = get_spec(block.model), method_info(block.method)
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = dict(block.settings) | {"weights": loaded(spec.name).sha256}
        settings |= {"perturbations": list(block.perturbations), "averaged": list(block.averaged)}
        if {"n_clusters", "drop_ratio"} <= {*info.parameters}:
            settings |= {"K": spec.n_clusters, "r": spec.drop_ratio, "tau": spec.temperature}
        lent = donors_of(plan, block.method, samples)
        for images in chunks(samples.ids[block.skip :], block.images_per_cell):
            yield self.cell(plan, block, block.method, images, seed, settings=settings | lending(plan, lent, images))

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        model, rows = loaded(cell.model), []
        for sample, donor in images_of(cell, progress):
            rows += image_rows(cell, model, sample, donor)
        return compact(pd.DataFrame(rows))


class Seeds:
    """ClusCAM on one input from one pass: the explanation of each seed, made once."""

    def __init__(self, cam: ClusCAM, x: Tensor, target: int | None):
        self.cam, self.reading = cam, read(cam.model, x, target)
        self.found: dict[int, ClusteredExplanation] = {}

    def at(self, seed: int) -> ClusteredExplanation:
        """The explanation with that seed of K-Means."""
        if seed not in self.found:
            self.found[seed] = self.cam.explain(self.reading, seed)
        return self.found[seed]

    def maps(self, seed: int, averaged: range) -> dict[str, Tensor]:
        """Maps (H, W) of "cluscam" and "soft" at a seed, and of "mean5" over the seeds of `averaged`, if any."""
        first = self.at(seed)
        found = {CLUSCAM: first.saliency[0], "soft": first.reweigh(**SOFT).saliency[0]}
        if averaged:
            mean = torch.stack([self.at(one).saliency[0] for one in averaged]).mean(0)
            found["mean5"] = min_max(mean[None])[0][0]
        return found


def image_rows(cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None) -> list[dict[str, Any]]:
    """All rows of one image: every explainer of the cell's method under every perturbation."""
    preprocess = model.spec.preprocess()
    device = next(model.module.parameters()).device
    explain = maker_of(cell, model, sample, donor)
    base, rows = {}, []
    target: int | None = None
    for name in (BASE, *cell.settings["perturbations"]):
        change = perturbation(name)
        x = change.inputs(sample.image, preprocess).to(device)
        maps, classes, output = explain(change, x, target)
        target = int(classes[0]) if target is None else target
        base = base or maps
        for explainer, saliency in maps.items():
            rows.append(
                {"image_id": sample.image_id, "explainer": explainer, "perturbation": name, "target": target}
                | {"top1": int(output[0].argmax()), "uniform": bool(saliency.min() == saliency.max())}
                | agreement(base[explainer], saliency, change.shift)
                | outcome(model, x[:1], saliency, target)
            )
    return rows


Explain = Callable[[Perturbation, Tensor, int | None], tuple[dict[str, Tensor], Tensor, Tensor]]


def maker_of(cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None) -> Explain:
    """``explain(perturbation, x, target)``: maps by explainer, the explained class (B,) and the output (B, C)."""
    preprocess = model.spec.preprocess()

    def explainer(change: Perturbation) -> Any:
        return explainer_of(change.cell(cell), model, preprocess, sample.image_id, donor)

    def one(change: Perturbation, x: Tensor, target: int | None) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        e = explainer(change)(x, target)
        return {cell.method: e.saliency[0]}, e.target, e.output

    unchanged: list[Seeds] = []

    def three(change: Perturbation, x: Tensor, target: int | None) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        of_seed = change.needs == "seed"
        if change.name == BASE:
            unchanged.append(Seeds(explainer(change), x, target))
        seeds = unchanged[0] if of_seed or change.name == BASE else Seeds(explainer(change), x, target)
        first = cell.seed + (change.value if of_seed else 0)
        wanted = bool(cell.settings["averaged"]) and change.name in (BASE, *cell.settings["averaged"])
        start = cell.seed + SEEDS * (change.value if of_seed else 0)
        maps = seeds.maps(first, range(start, start + SEEDS) if wanted else range(0))
        return maps, seeds.reading.target, seeds.reading.output

    return three if cell.method == CLUSCAM else one


def outcome(model: LoadedModel, x: Tensor, saliency: Tensor, target: int) -> dict[str, float]:
    """AD's, IC's and AG's terms of a map as it is, percent, on the image (1, 3, H, W) that it was made of."""
    found = evaluate(partial(logits, model), x, saliency, target, fills=("mean",), forms=("raw",))[0]
    return {name: float(found[name]) for name in MEASURED}


STUDY = Stability()
