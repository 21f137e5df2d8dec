"""Section 4.1 on one image: the logits of meta-representations, of their members, and of what they are held against.

A partition with groups G_j of d maps has the size-weighted mean score S = sum_j |G_j| / d * s(M_j). The members' own
mean score, sum_j |G_j| / d * mean over F in G_j of s(F), is the mean of s(F) over all maps, whatever the partition:
it cancels when two partitions are compared.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cluscam_lite.algorithm.clustering import permuted
from cluscam_lite.algorithm.features import MapsModel
from cluscam_lite.algorithm.masks import centroids_of, masks_of, normalized_maps
from cluscam_lite.algorithm.scoring import score_masks
from cluscam_lite.algorithm.targets import resolve_target
from cluscam_lite.cluscam import group_maps
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics.masking import matching_power

Masks = Callable[[Tensor], Tensor]  # groups (n,) -> masks (n, 1, H, W)


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


class ScoredImage:
    """One image under one model: masks go in, changes of the top-1 logit come out. Counts its forward passes."""

    def __init__(self, model: MapsModel, x: Tensor):
        self.model, self.x, self.size = model, x, (x.shape[-2], x.shape[-1])
        self.maps, self.output = model.forward(x)
        self.target, self._select = resolve_target(None, self.output)
        self.baseline = self._select(self.output, torch.zeros(1, dtype=torch.long)).float()
        self.forward_passes = 1

    def scores(self, masks: Masks, n: int) -> Tensor:
        """Eq. 5 for n masks, (n,)."""
        self.forward_passes += n
        every = torch.ones(1, n, dtype=torch.bool)
        return score_masks(
            self.model.output, self.x, lambda _, groups: masks(groups), every, self.baseline, self._select
        )[0]

    def partition(self, n_clusters: int, seed: int) -> Partition:
        """The K-Means++ partition of the image's maps. Raises CluscamError if it has singletons only."""
        labels, centroids, valid = group_maps(self.maps, self.size, n_clusters, seed=seed)
        found = int(valid[0].sum())
        sizes = labels[0].bincount(minlength=found)
        if (sizes == 1).all():
            raise CluscamError(
                f"every one of the {found} groups is a single map, so that a group equals its member and nothing can "
                "be compared; ask for fewer clusters"
            )
        return Partition(normalized_maps(self.maps, self.size)[0], labels[0], centroids[0, :found], sizes)


def plain(maps: Tensor, size: tuple[int, int]) -> Masks:
    """Masks of small maps (n, h, w) as they are."""
    return lambda groups: masks_of(maps[groups][:, None], size)


def renormalised(maps: Tensor, size: tuple[int, int]) -> Masks:
    """Each mask min-max normalised once more, so that it reaches 1 (as early versions of the authors' code scored)."""
    return plain(normalized_maps(maps[None], size)[0], size)


def rolled(maps: Tensor, size: tuple[int, int], seed: int) -> Masks:
    """Each mask moved on the torus by a quarter to three quarters of either side: the same area, elsewhere."""
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(len(maps), 2, generator=generator) / 2 + 0.25
    shifts = (draws * torch.tensor(size)).long().tolist()

    def masks(groups: Tensor) -> Tensor:
        full = masks_of(maps[groups][:, None], size)
        return torch.stack([m.roll(shifts[j], (-2, -1)) for m, j in zip(full, groups.tolist(), strict=True)])

    return masks


def mean_matched(maps: Tensor, means: Tensor, size: tuple[int, int]) -> Masks:
    """Each mask raised to the power that gives it the mean asked for (n,): ranks kept, areas equal.

    The power is found on every fourth pixel of either axis. A mask of zeros stays as it is.
    """

    def masks(groups: Tensor) -> Tensor:
        full = masks_of(maps[groups][:, None], size)
        power = matching_power(full[..., ::4, ::4].flatten(1), means[groups])
        return full ** power[:, None, None, None]

    return masks


def coverage(masks: Masks, n: int, chunk: int = 64) -> Tensor:
    """Mean of each of n masks, (n,)."""
    return torch.cat([masks(groups).mean((1, 2, 3)) for groups in torch.arange(n).split(chunk)])


def sampled_members(labels: Tensor, n_groups: int, per_group: int | None, seed: int) -> Tensor:
    """Maps to score as members: all of them (None), or up to `per_group` of each group, drawn without replacement.

    The mean over a group's sample estimates the group's mean without bias.
    """
    if per_group is None:
        return torch.nonzero(labels >= 0).flatten()
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    return torch.cat([order[labels[order] == j][:per_group] for j in range(n_groups)])


def seed_of(*parts: object) -> int:
    """A seed for one purpose on one image, the same on every machine: 32 bits of a hash of `parts`."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def random_partitions(partition: Partition, n: int, seed: int, image_id: str) -> Iterator[Tensor]:
    """Centroids (K, h, w) of n partitions with the same sizes, members at random."""
    for b in range(n):
        labels = permuted(partition.labels[None], seed_of("random partition", seed, image_id, b))
        yield centroids_of(partition.normalized[None], labels, len(partition.sizes))[0][0]
