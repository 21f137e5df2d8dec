"""Masks made from small maps, for the pairs that are asked for: as they are, moved, stretched, or of a given mean."""

from collections.abc import Callable

import torch
from torch import Tensor

from cluscam_lite import Reading
from cluscam_lite.algorithm.masks import masks_of, normalized_maps
from cluscam_lite.metrics.masking import matching_power

Masks = Callable[[Tensor], Tensor]  # groups (n,) -> masks (n, 1, H, W)


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
    """Each mask raised to the power that gives it its mean of `means` (n,): ranks kept, areas equal.

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


def scores_of(reading: Reading, masks: Masks, n: int) -> Tensor:
    """Eq. 5 for n masks of one image, (n,) in logits: a forward pass for each."""
    every = torch.ones(1, n, dtype=torch.bool)
    return reading.score(lambda _, groups: masks(groups), every)[0]
