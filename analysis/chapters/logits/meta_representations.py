"""Section 4.1 on one image: the logits of meta-representations, of their members, and of what they are held against.

A partition with groups G_j of d maps has the size-weighted mean score S = sum_j |G_j| / d * s(M_j). The members' own
mean score, sum_j |G_j| / d * mean over F in G_j of s(F), is the mean of s(F) over all maps, whatever the partition:
it cancels when two partitions are compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.studies.explaining import seed_of
from cluscam_lite import Reading
from cluscam_lite.algorithm.clustering import permuted
from cluscam_lite.algorithm.masks import centroids_of
from cluscam_lite.errors import CluscamError


@dataclass(frozen=True)
class Partition:
    """One image's maps and groups: `normalized` (d, h, w), `labels` (d,), `centroids` (K, h, w), `sizes` (K,)."""

    normalized: Tensor
    labels: Tensor
    centroids: Tensor
    sizes: Tensor

    @property
    def shares(self) -> Tensor:
        """|G_j| / d, (K,) summing to 1."""
        return self.sizes / self.sizes.sum()


def partition(reading: Reading, n_clusters: int, seed: int) -> Partition:
    """The K-Means++ partition of one image's maps. Raises CluscamError if it has singletons only."""
    groups = reading.group(n_clusters, seed=seed)
    found = int(groups.valid[0].sum())
    sizes = groups.labels[0].bincount(minlength=found)
    if (sizes == 1).all():
        raise CluscamError(
            f"every one of the {found} groups is a single map, so that a group equals its member and nothing can "
            "be compared; ask for fewer clusters"
        )
    return Partition(reading.normalized[0], groups.labels[0], groups.centroids[0, :found], sizes)


def sampled_members(labels: Tensor, n_groups: int, per_group: int | None, seed: int) -> Tensor:
    """Maps to score as members: all of them (None), or up to `per_group` of each group, drawn without replacement.

    The mean over a group's sample estimates the group's mean without bias.
    """
    if per_group is None:
        return torch.nonzero(labels >= 0).flatten()
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    return torch.cat([order[labels[order] == j][:per_group] for j in range(n_groups)])


def random_partitions(partition: Partition, n: int, seed: int, image_id: str) -> Iterator[Tensor]:
    """Centroids (K, h, w) of n partitions with the same sizes, members at random."""
    for b in range(n):
        labels = permuted(partition.labels[None], seed_of("random partition", seed, image_id, b))
        yield centroids_of(partition.normalized[None], labels, len(partition.sizes))[0][0]
