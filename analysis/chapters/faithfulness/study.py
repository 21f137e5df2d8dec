"""The study of Sections 4.2 and Appendix D: how faithful is each method's map, and is it in the right place?

One map per image and method. Each is evaluated in three forms (as it is, brought to a coverage of one half, and its
complement) with three fills, and, on images with one box, against that box: so Tables 2, 4 and 5 come from one run.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from analysis.chapters.faithfulness.plan import Block, plan_of
from analysis.chapters.logits.meta_representations import seed_of
from analysis.engine import Cell, chunks
from analysis.engine.plan import Plan, PlannedStudy
from cluscam_lite import get_spec, load_dataset, load_model
from cluscam_lite.datasets.sample import Sample, Samples
from cluscam_lite.device import placed
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import method, method_info
from cluscam_lite.metrics.faithfulness import changes
from cluscam_lite.metrics.localisation import localise
from cluscam_lite.metrics.masking import evaluate
from cluscam_lite.models import LoadedModel, Preprocess

Place = Callable[[Tensor, Sample, Preprocess], dict[str, Any]]
MAP = {"form": "", "fill": ""}  # the keys of a row that stands for an image without a map


class Faithfulness(PlannedStudy):
    """The study as the engine wants it; the engine sets the data root."""

    name, version, keys = "faithfulness", 1, ("image_id", "form", "fill")

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """Which methods run on which images."""
        return plan_of(profile)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Some images of one network, layer, method and variant to a cell; all methods take the same images."""
        spec, info = get_spec(block.model), method_info(block.method)
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = dict(block.settings) | {"weights": loaded(spec.name).sha256, "preprocess": block.preprocess}
        if {"n_clusters", "drop_ratio"} <= {*info.parameters}:
            settings |= {"K": spec.n_clusters, "r": spec.drop_ratio, "tau": spec.temperature}
        lent = donors_of(plan, samples) if block.method == "donor" else {}
        return [
            self.cell(
                plan,
                block,
                block.method,
                images,
                seed + block.seed,
                variant=block.variant,
                settings=settings | lending(plan, lent, images),
            )
            for images in chunks(samples.ids, block.images_per_cell)
        ]

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        model = loaded(cell.model)
        samples = load_dataset(cell.dataset, part=cell.part)
        donors = load_dataset(cell.dataset, part=cell.settings["donor_part"]) if "donors" in cell.settings else None
        rows: list[dict[str, Any]] = []
        for done, image_id in enumerate(cell.images, 1):
            sample = samples[samples.ids.index(image_id)]
            lender = donors and donors[donors.ids.index(cell.settings["donors"][done - 1])]
            rows += self.image_rows(cell, model, sample, lender)
            progress(done)
        return compact(pd.DataFrame(rows))

    def image_rows(
        self, cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None, place: Place | None = None
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
            explainer = explainer_of(cell, model, preprocess, sample.image_id, donor)
            explanation = explainer(x)
        except NotApplicable as error:
            return [known | MAP | {"reason": str(error)}]
        target, saliency = int(explanation.target[0]), explanation.saliency[0]
        output = lambda inputs: logits(model, inputs)  # noqa: E731
        normalization = (spec.mean, spec.std)
        evaluated = evaluate(output, x, saliency, target, normalization=normalization)
        placed = (place or location)(saliency, sample, preprocess)
        facts = known | {
            "target": target,
            "forward_passes": explanation.forward_passes,
            "backward_passes": explanation.backward_passes,
            "uniform": bool(explanation.uniform[0]),
            "reason": "",
        }
        return [facts | row | (placed if row["form"] == "raw" else {}) for row in evaluated]


def explainer_of(
    cell: Cell, model: LoadedModel, preprocess: Preprocess, image_id: str, donor: Sample | None
) -> Callable[[Tensor], Any]:
    """The cell's method, ready for one image: what is random in it depends on the seed and the image alone."""
    info = method_info(cell.method)
    settings = {key: value for key, value in cell.settings.items() if key in info.parameters}
    if "seed" in info.parameters:
        # K-Means takes the seed as it is, as everywhere; what has no image in it gets one from the image's name
        of_image = info.kind == "trivial" or cell.method == "smooth"
        settings["seed"] = seed_of(cell.method, cell.seed, image_id) if of_image else cell.seed
    if donor is not None:
        settings["donor"] = preprocess(donor.image)[None]
    return method(cell.method, model.module, model.spec, cell.layer, **settings)


def location(saliency: Tensor, sample: Sample, preprocess: Preprocess) -> dict[str, float]:
    """EP and LE and their variants on an image with exactly one box (as in the paper) in view, else nothing."""
    if len(sample.boxes) != 1:
        return {}
    try:
        return localise(saliency, sample.boxes, sample.width, sample.height, preprocess, sample.image.size)
    except NotApplicable:  # the crop left the box out
        return {}


@torch.no_grad()
def logits(model: LoadedModel, inputs: Tensor) -> Tensor:
    """The network's logits (n, C), in eval mode."""
    output = model.module(inputs)
    return getattr(output, "logits", output)


@lru_cache(maxsize=1)
def loaded(name: str) -> LoadedModel:
    """The network in eval mode, on the GPU if there is one; kept for the next cell."""
    model = load_model(name)
    placed(model.module)
    return model


def donors_of(plan: Plan, samples: Samples) -> dict[str, str]:
    """Donor i goes with image i, whatever their number: image id -> donor's id."""
    donors = load_dataset(plan.dataset, part=plan.donor_part)
    return {image_id: donors.ids[i % len(donors)] for i, image_id in enumerate(samples.ids)}


def lending(plan: Plan, lent: Mapping[str, str], images: Sequence[str]) -> dict[str, Any]:
    """What a cell's settings say of its images' donors, who are in no other place; nothing if there are none."""
    return {"donor_part": plan.donor_part, "donors": [lent[i] for i in images]} if lent else {}


def compact(rows: pd.DataFrame) -> pd.DataFrame:
    """Measures as float32: seven digits, which is more than the device's rounding leaves of them."""
    floats = rows.select_dtypes("float64").columns
    return rows.astype(dict.fromkeys(floats, "float32"))


def with_changes(rows: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """The rows with drop, increase and gain under another tolerance; 0 is strict."""
    found = changes(rows["probability"].to_numpy(float), rows["probability_masked"].to_numpy(float), tolerance)
    return rows.assign(**{name: found[name] for name in ("drop", "increase", "gain", "gain_over_p")})


STUDY = Faithfulness()
