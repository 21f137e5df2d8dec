"""The scores of an image's groups for every candidate K, from the maps of one forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..algorithm.clustering import check_n_clusters
from ..algorithm.features import MapsModel
from ..algorithm.masks import masks_of
from ..algorithm.targets import Target
from ..reading import read
from .elbow import check_grid

CHUNK = 64  # masks at once for their coverage


@dataclass(frozen=True)
class GroupScores:
    """The groups of one image at one K, the n <= K that were found: fewer where maps are equal.

    Attributes:
        n_clusters: K.
        scores: (n,) in logits, Eq. 5.
        sizes: (n,) maps in each group.
        coverage: (n,) mean of each mask, 0 to 1.
    """

    n_clusters: int
    scores: Tensor
    sizes: Tensor
    coverage: Tensor


@torch.no_grad()
def grid_scores(
    model: MapsModel,
    x: Tensor,
    grid: Sequence[int],
    seed: int = 0,
    target: Target = None,
    batch_size: int | None = None,
) -> tuple[int, list[GroupScores]]:
    """The scores of one image's groups for every K: those of `ClusCAM`, on maps that are made once.

    It takes 1 + sum(grid) forward passes.

    Args:
        model: what gives maps and output.
        x: (1, 3, H, W), normalised.
        grid: the candidates K_1 < ... < K_M.
        seed: of K-Means.
        target: as in `ClusCAM`.
        batch_size: masked images per pass; None chooses by device and input size.

    Returns:
        The explained class (-1 for a function of the output), and the groups at each K.

    Raises:
        CluscamError: a bad grid, a K above the number of maps, or NaN from the model.
    """
    sizes = check_grid(grid)
    reading = read(model, x, target)
    check_n_clusters(sizes[-1], reading.maps.shape[1])  # before anything is scored
    found = []
    for k in sizes:
        groups = reading.group(k, seed=seed)
        kept = groups.valid[0]
        scores = reading.score(groups.centroids, groups.valid, batch_size=batch_size)[0, kept]
        assert groups.labels is not None  # groups of maps have labels
        counts = groups.labels[0].bincount(minlength=k)[kept]
        coverage = _coverage(groups.centroids[0, kept], reading.size)
        found.append(GroupScores(k, scores.cpu(), counts.cpu(), coverage.cpu()))
    return int(reading.target[0]), found


def _coverage(centroids: Tensor, size: tuple[int, int]) -> Tensor:
    """Mean of each mask, (n,)."""
    return torch.cat([masks_of(part[:, None], size).mean((1, 2, 3)) for part in torch.split(centroids, CHUNK)])
