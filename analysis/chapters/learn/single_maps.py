"""Computations of the `featuremap` chapter: every map as a mask, and the similarity of the maps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.chapters.learn.example import Example
from analysis.statistics.correlation import spearman
from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.masks import masks_of, normalized_maps


@dataclass(frozen=True)
class SingleMaps:
    """Each of the d maps of one scene, alone: `maps` (d, h, w) normalised, `scores` (d,) in logits (Eq. 5 with every
    map a group of its own), `coverage` (d,) of its mask, 0 to 1, and what it cost in forward passes.
    """

    maps: Tensor
    scores: Tensor
    coverage: Tensor
    forward_passes: int


def single_maps(example: Example) -> SingleMaps:
    """Every map of the network's "paper" layer as a mask: d + 1 forward passes."""
    cam = ClusCAM.from_spec(example.spec, example.network, clustering="none")
    e = cam(example.x, example.target)
    maps, _ = cam.model.forward(example.x)
    size = (example.x.shape[-2], example.x.shape[-1])
    normalized = normalized_maps(maps, size)
    coverage = masks_of(normalized, size)[0].mean((1, 2))
    return SingleMaps(normalized[0], e.scores[0], coverage, e.forward_passes)


def nearest_correlation(maps: Tensor) -> Tensor:
    """Each map's highest Pearson correlation with any other of the d: (d, h, w) -> (d,). Constant maps give 0."""
    centred = maps.flatten(1).double()
    centred = centred - centred.mean(1, keepdim=True)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp(min=1e-30)
    return (unit @ unit.T).fill_diagonal_(-torch.inf).amax(1)


def explained_share(maps: Tensor) -> Tensor:
    """Share (0 to 1) of the maps' squared size that their best 1, 2, ... patterns make up: (d, h, w) -> (rank,).

    Its steps are the shares of the squared singular values of the d x hw matrix; the effective rank takes the singular
    values themselves.
    """
    values = torch.linalg.svdvals(maps.flatten(1).double()).square()
    return values.cumsum(0) / values.sum()


def coverage_correlation(single: SingleMaps) -> float:
    """Spearman's rank correlation of score and coverage over the maps."""
    return spearman(single.coverage.numpy(), single.scores.numpy())
