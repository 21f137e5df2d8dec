"""K-Means++ for a batch of images at once, for accelerators. scikit-learn is the reference."""

import math

import torch
from torch import Tensor


def kmeans_torch(points: Tensor, n_clusters: int, seed: int, tolerance: float, max_iterations: int = 300) -> Tensor:
    """Greedy k-means++ seeding, then Lloyd's iterations.

    Every image sees the same random numbers, drawn from `seed` alone, and stops on its own, so a result does not
    depend on the image's neighbours in the batch.

    Args:
        points: (B, d, p).
        n_clusters: K, 1 to d.
        seed: of the seeding.
        tolerance: of the centres' squared shift, times the mean variance per dimension, as in scikit-learn.
        max_iterations: of Lloyd's.

    Returns:
        Labels (B, d), 0 to K - 1.
    """
    points = points - points.mean(1, keepdim=True)  # distances are unchanged, rounding is smaller
    stop = tolerance * points.var(1, unbiased=False).mean(-1)  # (B,)
    centers = _plus_plus(points, n_clusters, seed)  # (B, K, p)
    labels = _nearest(points, centers)
    active = torch.ones(len(points), dtype=torch.bool, device=points.device)
    for _ in range(max_iterations):
        moved = _means(points[active], labels[active], centers[active])
        shift = (moved - centers[active]).square().sum((1, 2))
        centers[active] = moved
        new = _nearest(points[active], moved)
        done = (new == labels[active]).all(1) | (shift <= stop[active])
        labels[active] = new
        active[active.clone()] = ~done
        if not active.any():
            break
    return labels


def _plus_plus(points: Tensor, n_clusters: int, seed: int) -> Tensor:
    """Greedy k-means++: of a few candidates drawn in proportion to squared distance, the best becomes a centre."""
    b, d, _ = points.shape
    n_trials = 2 + int(math.log(n_clusters))
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(n_clusters, n_trials, generator=generator, dtype=torch.float64).to(points.device)
    rows = torch.arange(b, device=points.device)
    chosen = (draws[0, 0] * d).long().expand(b)  # (B,)
    centers = [points[rows, chosen]]
    closest = torch.cdist(points, centers[0][:, None])[..., 0].square().double()  # (B, d)
    for k in range(1, n_clusters):
        cumulative = closest.cumsum(1)
        candidates = torch.searchsorted(cumulative, draws[k] * cumulative[:, -1:]).clamp(max=d - 1)  # (B, trials)
        distance = torch.cdist(points[rows[:, None], candidates], points).square().double()  # (B, trials, d)
        after = torch.minimum(distance, closest[:, None])
        best = after.sum(-1).argmin(1)
        closest = after[rows, best]
        centers.append(points[rows, candidates[rows, best]])
    return torch.stack(centers, 1)


def _nearest(points: Tensor, centers: Tensor) -> Tensor:
    # |x - c|^2 less the common |x|^2: one matrix product
    return (centers.square().sum(-1)[:, None] - 2 * points @ centers.mT).argmin(-1)


def _means(points: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """Mean of each cluster; an empty one moves to the point farthest from its centre, as in scikit-learn."""
    member = torch.nn.functional.one_hot(labels, centers.shape[1]).to(points)  # (B, d, K)
    count = member.sum(1)  # (B, K)
    for image in torch.nonzero((count == 0).any(1)).flatten():
        own = centers[image, labels[image]]  # (d, p)
        empty = torch.nonzero(count[image] == 0).flatten()
        farthest = (points[image] - own).square().sum(-1).topk(len(empty)).indices
        member[image, farthest] = 0
        member[image, farthest, empty] = 1
        count[image] = member[image].sum(0)
    means = member.mT @ points / count.clamp(min=1)[..., None]
    return torch.where((count > 0)[..., None], means, centers)
