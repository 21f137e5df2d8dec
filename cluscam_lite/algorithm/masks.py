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
    each interval can be extreme. Samples outside the outermost cell centres have the value of that cell.
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


def is_constant(low: Tensor, high: Tensor) -> Tensor:
    """Whether maps with these extremes, of any one shape, are constant up to rounding."""
    return high - low <= CONSTANT * torch.maximum(low.abs(), high.abs())


def normalize(maps: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Min-max each map to [0, 1] by its `low` and `high` (the map's shape less two axes); constant maps give zeros."""
    constant = is_constant(low, high)
    scaled = (maps - low[..., None, None]) / (high - low).masked_fill(constant, 1)[..., None, None]
    return scaled.masked_fill(constant[..., None, None], 0)


def min_max(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Maps (B, H, W) normalised to [0, 1] and uniform (B,): where there is no contrast, zeros and True."""
    low, high = maps.flatten(1).aminmax(dim=1)
    return normalize(maps, low, high), is_constant(low, high)


def normalized_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps whose upsampled versions are min-max normalised: NormalizeUpsample of Eq. 4, without the upsampling.

    Bilinear weights sum to one, so shifting and scaling the small map shifts and scales the large one.

    Args:
        maps: (B, d, h, w), of any range.
        size: (H, W) of the upsampled maps.

    Returns:
        (B, d, h, w); ``upsample(result, size)`` spans [0, 1], or is zero where a map is constant.
    """
    return normalize(maps, *extremes(maps, size))


def centroids_of(normalized: Tensor, labels: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Mean normalised map of each cluster (Eq. 4, before upsampling).

    Args:
        normalized: (B, d, h, w), from `normalized_maps`.
        labels: (B, d) in -1 ... n_clusters - 1; -1 (noise) belongs to no cluster.
        n_clusters: K.

    Returns:
        Centroids (B, K, h, w), and valid (B, K) bool; zeros and False where a cluster is empty.
    """
    b, d, h, w = normalized.shape
    member = F.one_hot(labels + 1, n_clusters + 1)[..., 1:].to(normalized)  # (B, d, K)
    count = member.sum(1)  # (B, K)
    total = member.mT @ normalized.flatten(2)  # (B, K, h w)
    centroids = (total / count.clamp(min=1)[..., None]).view(b, n_clusters, h, w)
    return centroids, count > 0


def masks_of(centroids: Tensor, size: tuple[int, int]) -> Tensor:
    """Meta-representations M_j of Eq. 4: (B, K, H, W) in [0, 1] from centroids (B, K, h, w); `size` is (H, W)."""
    return upsample(centroids, size).clamp(0, 1)


def saliency_of(weights: Tensor, centroids: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Eq. 7: the weighted sum of the masks, normalised. It is taken on the centroids and upsampled once.

    Args:
        weights: (B, K) alpha_j.
        centroids: (B, K, h, w) of `centroids_of`.
        size: (H, W) of the input.

    Returns:
        Saliency (B, H, W) in [0, 1], and uniform (B,) bool: True where the sum is constant; the map is then all zeros.
    """
    summed = torch.einsum("bk,bkhw->bhw", weights, centroids)
    return min_max(upsample(summed[:, None], size)[:, 0])
