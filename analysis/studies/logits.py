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

from analysis.meta_representations import (
    Masks,
    Partition,
    ScoredImage,
    coverage,
    mean_matched,
    plain,
    random_partitions,
    renormalised,
    rolled,
    sampled_members,
    seed_of,
)
from cluscam_lite import get_spec, load_dataset, load_model
from cluscam_lite.features import HookedModel

WHOLE = -1  # the group number of a row that stands for a whole partition


@dataclass(frozen=True)
class Block:
    """One line of the plan: a network and layer, how many images, and how much is measured on each.

    `members`: maps per group that are scored by themselves, None for all.
    """

    model: str
    layer: str
    n_images: int
    n_random: int
    members: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a profile measures: on which part of which data set, with masks lent by which other part."""

    dataset: str
    part: str
    donor_part: str
    blocks: tuple[Block, ...]


PLANS = {
    "smoke": Plan("scenes", "test", "train", (Block("scene_cnn", "paper", 3, 5), Block("scene_vit", "last", 2, 5))),
    "embedded": Plan(
        "scenes",
        "test",
        "train",
        (
            Block("scene_cnn", "paper", 30, 19),
            Block("scene_vit", "paper", 20, 19),
            Block("scene_vit", "last", 20, 19),
        ),
    ),
    # fixed by analysis/paper/claims.yaml before any of these images was looked at
    "reference": Plan(
        "ilsvrc",
        "confirm",
        "tune",
        (
            Block("mobileone_s0", "paper", 100, 99),
            Block("vit_tiny_patch16_224", "paper", 100, 19),
            Block("vit_tiny_patch16_224", "last", 50, 19),
            Block("squeezenet1_1", "paper", 50, 19),
            Block("resnet50_v1", "paper", 50, 5, members=4),
        ),
    ),
}


def image_rows(scored: ScoredImage, donor: Partition, image_id: str, block: Block, seed: int) -> list[dict[str, Any]]:
    """All rows of one image. `donor` is the partition of another image under the same network."""
    size = scored.size
    spec = get_spec(block.model)
    own = scored.partition(spec.n_clusters, seed)
    rows: list[dict[str, Any]] = []

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
        add_groups(name, scored.scores(masks, n), coverage(masks, n), partition, by_group)

    def add_groups(name: str, scores: Tensor, areas: Tensor, partition: Partition, by_group: bool = True) -> None:
        if by_group:
            for j, (s, a, k) in enumerate(zip(scores.tolist(), areas.tolist(), partition.sizes.tolist(), strict=True)):
                add(name, j, s, a, k)
        share = partition.shares
        add(name, WHOLE, float(share @ scores), float(share @ areas), int(partition.sizes.sum()))

    add_partition("kmeans", plain(own.centroids, size), own)
    for name, (scores, areas) in members(scored, own, image_id, block, seed).items():
        add_groups(name, scores, areas, own)
    mean_of_all = plain(own.normalized.mean(0, keepdim=True), size)
    add("mean of all", WHOLE, float(scored.scores(mean_of_all, 1)), float(coverage(mean_of_all, 1)), len(own.labels))
    add_partition("renormalised", renormalised(own.centroids, size), own)
    add_partition("rolled", rolled(own.centroids, size, seed_of("rolled", seed, image_id)), own)
    add_partition("donor", plain(donor.centroids, size), donor)
    for b, centroids in enumerate(random_partitions(own, block.n_random, seed, image_id)):
        # the first one group by group, to be set beside the best groups of K-Means
        add_partition(f"random {b:03d}", plain(centroids, size), own, by_group=b == 0)
    probability = float(scored.output.softmax(1)[0, scored.target[0]])
    for row in rows:
        row |= {"target": int(scored.target[0]), "probability": probability, "forward_passes": scored.forward_passes}
    return rows


def members(
    scored: ScoredImage, own: Partition, image_id: str, block: Block, seed: int
) -> dict[str, tuple[Tensor, Tensor]]:
    """Each group's mean over its members, by themselves and with the group's area: scores (K,) and coverages (K,)."""
    n_groups = len(own.sizes)
    chosen = sampled_members(own.labels, n_groups, block.members, seed_of("members", seed, image_id))
    groups = own.labels[chosen]
    area = coverage(plain(own.centroids, scored.size), n_groups)
    kinds = {
        "members": plain(own.normalized[chosen], scored.size),
        "members, area matched": mean_matched(own.normalized[chosen], area[groups], scored.size),
    }
    mean = mean_by_group(groups, n_groups)
    n = len(chosen)
    return {name: (mean(scored.scores(masks, n)), mean(coverage(masks, n))) for name, masks in kinds.items()}


def mean_by_group(groups: Tensor, n_groups: int) -> Callable[[Tensor], Tensor]:
    """``mean(values (n,)) -> (n_groups,)``: the mean over the members of each group."""
    count = groups.bincount(minlength=n_groups)
    return lambda values: torch.zeros(n_groups).index_add_(0, groups, values) / count


def shard_rows(
    plan: Plan, block: Block, image_ids: tuple[str, ...], seed: int = 0, data_root: str | None = None
) -> pd.DataFrame:
    """The rows of some images of a block of the plan, in the order of `image_ids`."""
    spec = get_spec(block.model)
    model = HookedModel(load_model(spec, data_root=data_root).module, spec.layer(block.layer))
    preprocess = spec.preprocess()
    samples, donors = datasets(plan, block.n_images, data_root)
    position = {image_id: i for i, image_id in enumerate(samples.ids)}
    rows = []
    for image_id in image_ids:
        i = position[image_id]
        donor = ScoredImage(model, preprocess(donors[i % len(donors)].image)[None])
        scored = ScoredImage(model, preprocess(samples[i].image)[None])
        rows += image_rows(scored, donor.partition(spec.n_clusters, seed), image_id, block, seed)
    return pd.DataFrame(rows)


def datasets(plan: Plan, n: int, data_root: str | None = None) -> tuple[Any, Any]:
    """The first n images of the plan's part, and those that lend them their masks.

    Donor i goes with image i whatever n is, so that a smaller study is a prefix of a larger one.
    """
    samples = load_dataset(plan.dataset, data_root=data_root, part=plan.part, n=n)
    return samples, load_dataset(plan.dataset, data_root=data_root, part=plan.donor_part)
