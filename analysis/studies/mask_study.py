"""Studies of masks: those of several sources, each scored once and weighed in many ways.

`MaskStudy` is the base of the studies `ablation` and `temperature`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import torch

from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.batching.cells import rows_of_cell
from analysis.studies.batching.explained import donors_in, in_batches, inputs_of
from analysis.studies.batching.pictures import Picture
from analysis.studies.cost.passes import Passes, Shape, masked_passes
from analysis.studies.explaining import compact, donors_of, lending, loaded, weights_of
from analysis.studies.mask_sources import (
    OF_KMEANS,
    SOURCES,
    MaskSet,
    explain_all,
    inertia_share,
    masks_of_source,
    masks_rank,
)
from analysis.studies.plan import Plan, PlannedStudy
from analysis.studies.weightings import MATCHED, Setting, settings_of
from cluscam_lite import Reading, get_spec, load_dataset, read
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import NotApplicable
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.metrics.faithfulness import changes, probabilities
from cluscam_lite.metrics.masking import form_of, masked_outputs
from cluscam_lite.models import LoadedModel

UNGROUPED = ("none", "smooth", "channels")  # sources of masks that group no maps
PER_PASS = 9  # the image and eight masked copies: fifteen maps in two passes


@dataclass(frozen=True)
class Block:
    """A source of masks on the first `n_images`, with the seed added to the profile's."""

    model: str
    layer: str
    source: str
    n_images: int
    seed: int = 0
    images_per_cell: int = 25


class MaskStudy(PlannedStudy):
    """Every source of masks of a plan on its images, under every setting of `settings`."""

    keys: tuple[str, ...] = ("image_id", "setting", "form")
    columns = columns(
        str="image_id setting form reason",
        int64="n_masks target forward_passes kept",
        bool="uniform",
        float32="effective_rank inertia noise coverage entropy probability probability_masked drop increase gain "
        "gain_over_p drop_strict increase_strict gain_strict",
    )
    block, choices, known = Block, "sources", SOURCES

    def settings(self, n_clusters: int, drop_ratio: float) -> tuple[Setting, ...]:
        """The ways from scores to maps, at a network's K and r."""
        return settings_of(n_clusters, drop_ratio)

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """One line for all networks of a profile of the user's own, so that they take turns at each source."""
        lines = [*super().own_lines(profile, usual)]
        yield lines[0] | {"model": [line["model"] for line in lines]}

    def block_cells(self, plan: Plan, block: Block, seed: int) -> Iterator[Cell]:
        """Some images of one network, source and seed to a cell; all sources take the same images."""
        spec = get_spec(block.model)
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = {"weights": weights_of(spec.name), "K": spec.n_clusters, "r": spec.drop_ratio}
        lent = donors_of(plan, block.source, samples)
        for images in chunks(samples.ids, block.images_per_cell):
            own = settings | lending(plan, lent, images)
            yield self.cell(
                plan, block, block.source, images, seed + block.seed, variant=variant_of(block.seed), settings=own
            )

    def passes(self, block: Block, shape: Shape) -> Passes:
        """A pass for each mask (without clustering, each map is one), and every weighting's map evaluated.

        Any clustering counts as one of K-Means.
        """
        spec = get_spec(block.model)
        k = shape.maps if block.source == "none" else min(spec.n_clusters, shape.maps)
        settings = self.settings(spec.n_clusters, spec.drop_ratio)
        maps = len(settings) + sum(setting.name in MATCHED for setting in settings)
        lent = Passes(forward=1, images=1) * (block.source == "donor")
        asked = Passes(forward=1 + k, groupings=block.source not in UNGROUPED, images=1) + lent
        return asked + masked_passes(maps, shape.size, PER_PASS)

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        return compact(pd.DataFrame(rows_of_cell(cell, loaded(cell.model), self.rows_of_images, progress)))

    def rows_of_images(self, cell: Cell, model: LoadedModel, pictures: Sequence[Picture]) -> list[list[dict[str, Any]]]:
        """The rows of each of some images of the cell, as many at once as this machine takes."""
        return in_batches(cell, model, pictures, partial(batch_rows, cell, model, settings=self.settings))


Settings = Callable[[int, float], tuple[Setting, ...]]


def batch_rows(
    cell: Cell, model: LoadedModel, pictures: Sequence[Picture], settings: Settings
) -> list[list[dict[str, Any]]]:
    """The rows of each of some images, which are read, grouped and scored together."""
    network, n_clusters = HookedModel(model.module, model.spec.layer(cell.layer)), cell.settings["K"]
    reading = read(network, inputs_of(model, pictures))
    lent = donors_in(model, pictures)
    donors = None if lent is None else read(network, lent)
    groups = None
    if cell.method in OF_KMEANS:
        groups = (reading if donors is None else donors).group(n_clusters, seed=cell.seed)
    sets: list[MaskSet | NotApplicable] = []
    for i, picture in enumerate(pictures):
        own = None if groups is None else groups.of(i)
        donor = None if donors is None else donors.of([i])
        about = (n_clusters, cell.seed, picture.image_id, donor, own)
        try:
            sets.append(masks_of_source(cell.method, reading.of([i]), *about))
        except NotApplicable as error:
            sets.append(error)
    there = {i: masks for i, masks in enumerate(sets) if isinstance(masks, MaskSet)}
    made = explain_all(reading.of([*there]), [*there.values()], cell.settings["r"]) if there else []
    explanations = dict(zip(there, made, strict=True))
    rows = []
    for i, (picture, masks) in enumerate(zip(pictures, sets, strict=True)):
        if isinstance(masks, NotApplicable):
            rows.append([{"image_id": picture.image_id, "setting": "", "form": "", "reason": str(masks)}])
        else:
            rows.append(image_rows(cell, reading.of([i]), picture.image_id, masks, explanations[i], settings))
    return rows


def image_rows(
    cell: Cell,
    reading: Reading,
    image_id: str,
    masks: MaskSet,
    explanation: ClusteredExplanation,
    settings: Settings,
) -> list[dict[str, Any]]:
    """All rows of one image: its masks under every setting."""
    n_clusters, ratio = cell.settings["K"], cell.settings["r"]
    known = {"image_id": image_id}
    found = {"n_masks": len(masks.centroids), "effective_rank": masks_rank(reading, masks.centroids)}
    if masks.labels is not None:
        noise = float((masks.labels < 0).double().mean())
        found |= {"inertia": inertia_share(reading, masks.labels), "noise": noise}
    facts = known | found | {"target": int(reading.target[0]), "forward_passes": explanation.forward_passes}
    rows, maps = [], []
    for setting in settings(n_clusters, ratio):
        again = setting.apply(explanation)
        share = again.weights[0].abs()
        for form in ("raw", "matched") if setting.name in MATCHED else ("raw",):
            saliency = form_of(again.saliency, form)
            maps.append(saliency[0])
            rows.append(
                facts
                | {"setting": setting.name, "form": form, "coverage": float(saliency.mean()), "reason": ""}
                | {"kept": int((share > 0).sum()), "entropy": float(torch.special.entr(share.double()).sum())}
                | {"uniform": bool(again.uniform[0])}
            )
    for row, outcome in zip(rows, outcomes(reading, maps), strict=True):
        row |= outcome
    return rows


def outcomes(reading: Reading, maps: list[torch.Tensor]) -> list[dict[str, float]]:
    """What each map (H, W) does to the probability of the explained class; its terms in percent."""
    size = PER_PASS if reading.x.device.type == "cpu" else 1 + len(maps)
    logits = masked_outputs(reading.model.output, reading.x, maps, [None] * len(maps), size)
    p, o = (probabilities(values, reading.target.expand(len(maps))).cpu().numpy() for values in logits)
    terms = changes(p, o)
    return [
        {"probability": float(p[i]), "probability_masked": float(o[i])} | {k: float(v[i]) for k, v in terms.items()}
        for i in range(len(maps))
    ]


def variant_of(seed: int) -> str:
    """How rows name a further seed of a source; the first has no name."""
    return f"seed {seed}" if seed else ""
