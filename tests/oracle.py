"""Algorithm 1 as the paper prints it: loops, full-size maps, one image at a time. Slow on purpose."""

import math

import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans


def normalize(map_):
    low, high = map_.min(), map_.max()
    return torch.zeros_like(map_) if high == low else (map_ - low) / (high - low)


def normalize_upsample(map_, size):
    """(h, w) -> (H, W) in [0, 1]."""
    up = F.interpolate(map_[None, None].double(), size=size, mode="bilinear", align_corners=False)[0, 0]
    return torch.zeros_like(up) if torch.equal(map_.min(), map_.max()) else normalize(up)


def full_size_maps(maps, size):
    """(d, h, w) -> (d, H, W)."""
    return torch.stack([normalize_upsample(f, size) for f in maps])


def brute_force_labels(points, n_clusters, seed):
    """scikit-learn's KMeans on whole maps (d, H W)."""
    return torch.from_numpy(KMeans(n_clusters, random_state=seed, n_init=1).fit(points.numpy()).labels_).long()


def cluscam(logits, maps, x, c, n_clusters, r, tau=None, seed=0, space="upsampled", labels=None):
    """One image: maps (d, h, w), x (3, H, W), class c; ``logits(x (1, 3, H, W)) -> (1, C)``.

    Returns a dict of every intermediate in float64: labels, masks, scores, weights, saliency.
    """
    size = x.shape[-2:]
    upsampled = full_size_maps(maps, size)
    if labels is None:  # lines 2, 3
        points = (upsampled if space == "upsampled" else maps.double()).flatten(1)
        labels = brute_force_labels(points, n_clusters, seed)
    masks = []
    for j in range(n_clusters):  # lines 4 to 6
        members = [upsampled[i] for i in range(len(maps)) if labels[i] == j]
        masks.append(sum(members) / len(members))
    baseline = logits(x[None])[0, c].double()
    scores = []
    for mask in masks:  # lines 7 to 10
        scores.append(logits((x * mask.to(x))[None])[0, c].double() - baseline)
    order = sorted(range(n_clusters), key=lambda j: scores[j])
    kept = order[math.floor(r * n_clusters + 1e-9) :]  # line 11
    tau = 1 / math.log(1 + r * n_clusters) if tau is None else tau
    z = sum(math.exp((scores[j] - max(scores)) / tau) for j in kept)
    weights = [math.exp((scores[j] - max(scores)) / tau) / z if j in kept else 0.0 for j in range(n_clusters)]
    saliency = normalize(sum(weights[j] * masks[j] for j in kept))  # line 15
    return {
        "labels": labels,
        "masks": torch.stack(masks),
        "scores": torch.stack(scores),
        "weights": torch.tensor(weights, dtype=torch.float64),
        "saliency": saliency,
    }
