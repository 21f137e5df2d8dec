"""The study of Section 4.1: do meta-representations raise the logit, and is it the clustering?

For each image and network: the K-Means partition's masks, its members one by one, the mean of all maps, random
partitions of the same sizes, and the masks rolled, renormalised, or taken from another image. One row for each group
of the partitions that are described group by group, and one (group -1) for each partition as a whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from analysis.chapters.logits.meta_representations import Partition, partition, random_partitions, sampled_members
from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape
from analysis.studies.explaining import seed_of, weights_of
from analysis.studies.masks import Masks, coverage, mean_matched, plain, renormalised, rolled, scores_of
from analysis.studies.plan import Plan, PlannedStudy
from cluscam_lite import Reading, get_spec, load_dataset, load_model, read
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.targets import class_probabilities
from cluscam_lite.datasets.sample import Samples

IMAGES_PER_CELL = 5
WHOLE = -1  # the group number of a row that stands for a whole partition


@dataclass(frozen=True)
class Block:
    """A network and layer, how many images, and how much is measured on each.

    `members`: maps per group that are scored by themselves, None for all.
    """

    model: str
    layer: str
    n_images: int
    n_random: int
    members: int | None = None


def image_rows(reading: Reading, donor: Partition, image_id: str, block: Block, seed: int) -> list[dict[str, Any]]:
    """All rows of one image. `donor` is the partition of another image under the same network."""
    size = reading.size
    spec = get_spec(block.model)
    own = partition(reading, spec.n_clusters, seed)
    rows: list[dict[str, Any]] = []
    passes = 1  # the unmasked one

    def scored(masks: Masks, n: int) -> Tensor:
        nonlocal passes
        passes += n
        return scores_of(reading, masks, n)

    def add(masks: str, group: int, score: float, area: float, n_maps: int) -> None:
        rows.append(
            {
                "image_id": image_id,
                "masks": masks,
                "group": group,
                "n_maps": n_maps,
                "score": score,
                "coverage": area,
            }
        )

    def add_partition(name: str, masks: Masks, partition: Partition, by_group: bool = True) -> None:
        n = len(partition.sizes)
        add_groups(name, scored(masks, n), coverage(masks, n), partition, by_group)

    def add_groups(name: str, scores: Tensor, areas: Tensor, partition: Partition, by_group: bool = True) -> None:
        if by_group:
            for j, (s, a, k) in enumerate(zip(scores.tolist(), areas.tolist(), partition.sizes.tolist(), strict=True)):
                add(name, j, s, a, k)
        share = partition.shares
        add(name, WHOLE, float(share @ scores), float(share @ areas), int(partition.sizes.sum()))

    add_partition("kmeans", plain(own.centroids, size), own)
    for name, (scores, areas) in members(scored, reading.size, own, image_id, block, seed).items():
        add_groups(name, scores, areas, own)
    mean_of_all = plain(own.normalized.mean(0, keepdim=True), size)
    add("mean of all", WHOLE, float(scored(mean_of_all, 1)), float(coverage(mean_of_all, 1)), len(own.labels))
    add_partition("renormalised", renormalised(own.centroids, size), own)
    add_partition("rolled", rolled(own.centroids, size, seed_of("rolled", seed, image_id)), own)
    add_partition("donor", plain(donor.centroids, size), donor)
    for b, centroids in enumerate(random_partitions(own, block.n_random, seed, image_id)):
        # the first one group by group, to be set beside the best groups of K-Means
        add_partition(f"random {b:03d}", plain(centroids, size), own, by_group=b == 0)
    probability = float(class_probabilities(reading.output)[0, reading.target[0]])
    for row in rows:
        row |= {"target": int(reading.target[0]), "probability": probability, "forward_passes": passes}
    return rows


def members(
    scored: Callable[[Masks, int], Tensor],
    size: tuple[int, int],
    own: Partition,
    image_id: str,
    block: Block,
    seed: int,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Each group's mean over its members, by themselves and with the group's area: scores (K,) and coverages (K,).

    ``scored(masks, n)`` gives the scores of n masks.
    """
    n_groups = len(own.sizes)
    chosen = sampled_members(own.labels, n_groups, block.members, seed_of("members", seed, image_id))
    groups = own.labels[chosen]
    area = coverage(plain(own.centroids, size), n_groups)
    kinds = {
        "members": plain(own.normalized[chosen], size),
        "members, area matched": mean_matched(own.normalized[chosen], area[groups], size),
    }
    mean = mean_by_group(groups, n_groups)
    n = len(chosen)
    return {name: (mean(scored(masks, n)), mean(coverage(masks, n))) for name, masks in kinds.items()}


def mean_by_group(groups: Tensor, n_groups: int) -> Callable[[Tensor], Tensor]:
    """``mean(values (n,)) -> (n_groups,)``: the mean over the members of each group."""
    count = groups.bincount(minlength=n_groups)
    return lambda values: torch.zeros(n_groups).index_add_(0, groups, values) / count


class Logits(PlannedStudy):
    """The scores of meta-representations, their members, and partitions and masks that they are held against."""

    name, version = "logits", 1
    keys = ("image_id", "masks", "group")
    columns = columns(
        str="image_id masks", int64="group n_maps target forward_passes", float64="score coverage probability"
    )
    block, choices, takes = Block, "", ()

    def spans(self, block: Block) -> list[tuple[int, int]]:
        """Five images to a cell."""
        n, size = block.n_images, IMAGES_PER_CELL
        return [(first, min(size, n - first)) for first in range(0, n, size)]

    def passes(self, block: Block, shape: Shape) -> Passes:
        """Four partitions' masks, the random ones', the mean of all maps, and each member twice; and the donor's pass.

        At most, where a group has fewer members than are asked for.
        """
        k = min(get_spec(block.model).n_clusters, shape.maps)
        members = shape.maps if block.members is None else min(block.members * k, shape.maps)
        return Passes(forward=2 + (4 + block.n_random) * k + 1 + 2 * members, groupings=2, images=2)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Five images of one network and layer to a cell; donors are named in it, since rows depend on them."""
        spec = get_spec(block.model)
        samples, donors = datasets(plan, block.n_images)
        settings = {
            "K": spec.n_clusters,
            "n_random": block.n_random,
            "members": block.members,
            "donor_part": plan.donor_part,
            "weights": weights_of(spec.name),
        }
        paired = {image_id: donors.ids[i % len(donors)] for i, image_id in enumerate(samples.ids)}
        return [
            self.cell(
                plan,
                block,
                "meta-representations",
                images,
                seed,
                settings=settings | {"donors": [paired[image_id] for image_id in images]},
            )
            for images in chunks(samples.ids, IMAGES_PER_CELL)
        ]

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        spec, s = get_spec(cell.model), cell.settings
        block = Block(cell.model, cell.layer, len(cell.images), s["n_random"], s["members"])
        model = HookedModel(load_model(spec).module, spec.layer(cell.layer))
        preprocess = spec.preprocess()
        samples, donors = (load_dataset(cell.dataset, part=part) for part in (cell.part, s["donor_part"]))
        rows = []
        for done, (image_id, donor_id) in enumerate(zip(cell.images, s["donors"], strict=True), 1):
            donor = read(model, preprocess(donors[donors.ids.index(donor_id)].image)[None])
            reading = read(model, preprocess(samples[samples.ids.index(image_id)].image)[None])
            rows += image_rows(reading, partition(donor, spec.n_clusters, cell.seed), image_id, block, cell.seed)
            progress(done)
        return pd.DataFrame(rows)


def datasets(plan: Plan, n: int) -> tuple[Samples, Samples]:
    """The first n images of the plan's part, and all that may lend their masks.

    Donor i goes with image i whatever n is, so that a smaller study is a prefix of a larger one.
    """
    samples = load_dataset(plan.dataset, part=plan.part, n=n)
    return samples, load_dataset(plan.dataset, part=plan.donor_part)


STUDY = Logits()
