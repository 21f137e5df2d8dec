"""Masks from feature maps: NormalizeUpsample of Eq. 4 as a linear map, without ever making it.

Bilinear upsampling is linear and separable: ``up(A) = W_h A W_w^T`` with one small matrix per axis. Two things
follow. The extremes of an upsampled map are found from a few of its samples (`extremes`), and the mean of
upsampled maps is the upsampled mean, so a cluster is kept as a small centroid (h, w) until its mask is needed.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

# a map whose range is within rounding of its magnitude is constant
CONSTANT = 8 * torch.finfo(torch.float32).eps


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (B, d, h, w) to (B, d, H, W), half-pixel centres (``align_corners=False``)."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


@lru_cache(maxsize=64)
def axis_weights(source: int, target: int) -> Tensor:
    """The matrix W of one axis of `upsample`: (target, source) float64, rows sum to 1."""
    return upsample(torch.eye(source, dtype=torch.float64)[None, None], (target, source))[0, 0]


@lru_cache(maxsize=64)
def extreme_samples(source: int, target: int) -> Tensor:
    """Indices of the output samples among which every interpolated line has its extremes.

    Between two neighbouring source cells the interpolant is monotone, so only the first and the last sample of
    each interval can be extreme; samples beyond the outermost cell centres equal that cell and count with it.
    """
    position = ((torch.arange(target, dtype=torch.float64) + 0.5) * (source / target) - 0.5).clamp(0, source - 1)
    interval = position.floor().clamp(max=max(source - 2, 0))
    first = torch.ones(target, dtype=torch.bool)
    first[1:] = interval[1:] != interval[:-1]
    return torch.nonzero(first | first.roll(-1)).flatten()  # the last of one interval precedes the first of the next


def extremes(maps: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Minimum and maximum (B, d) of each upsampled map: 144 samples instead of 50,176 for 7 x 7 to 224 x 224."""
    (h, w), (height, width) = maps.shape[-2:], size
    rows = axis_weights(h, height)[extreme_samples(h, height)].to(maps)  # (n_h, h)
    columns = axis_weights(w, width)[extreme_samples(w, width)].to(maps)  # (n_w, w)
    samples = (rows @ maps @ columns.mT).flatten(-2)  # (B, d, n_h * n_w)
    return samples.amin(-1), samples.amax(-1)


def normalize(maps: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Min-max each map to [0, 1] by its `low` and `high` (the map's shape less two axes); constant maps give zeros."""
    span = high - low
    constant = span <= CONSTANT * torch.maximum(low.abs(), high.abs())
    scaled = (maps - low[..., None, None]) / span.masked_fill(constant, 1)[..., None, None]
    return scaled.masked_fill(constant[..., None, None], 0)


def normalized_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, d, h, w) maps whose upsampled version is min-max normalised: ``upsample(...)`` lies in [0, 1].

    Bilinear weights sum to one, so shifting and scaling the small map shifts and scales the large one.
    """
    return normalize(maps, *extremes(maps, size))


def centroids_of(normalized: Tensor, labels: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Mean normalised map of each cluster (Eq. 4, before upsampling).

    `normalized` (B, d, h, w); `labels` (B, d) in -1 ... n_clusters - 1, where -1 (noise) belongs to no cluster.
    Returns centroids (B, n_clusters, h, w) and valid (B, n_clusters), False and zero where a cluster is empty.
    """
    b, d, h, w = normalized.shape
    member = F.one_hot(labels + 1, n_clusters + 1)[..., 1:].to(normalized)  # (B, d, K)
    count = member.sum(1)  # (B, K)
    total = member.mT @ normalized.flatten(2)  # (B, K, h w)
    centroids = (total / count.clamp(min=1)[..., None]).view(b, n_clusters, h, w)
    return centroids, count > 0


def masks_of(centroids: Tensor, size: tuple[int, int]) -> Tensor:
    """Meta-representations M_j (B, K, H, W) in [0, 1], Eq. 4."""
    return upsample(centroids, size).clamp(0, 1)


def saliency_of(weights: Tensor, centroids: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Eq. 7: the weighted sum of the masks, normalised. Returns saliency (B, H, W) in [0, 1] and uniform (B,).

    The sum is taken on the centroids and upsampled once. A uniform sum has no order to show: it gives zeros and
    `uniform` is True.
    """
    summed = torch.einsum("bk,bkhw->bhw", weights, centroids)
    full = upsample(summed[:, None], size)[:, 0]  # (B, H, W)
    low, high = full.flatten(1).aminmax(dim=1)
    return normalize(full, low, high), high - low <= CONSTANT * torch.maximum(low.abs(), high.abs())
