"""ClusCAM without shortcuts: every map is upsampled to H x W and clustered there, as in the paper's public code.

The oracle of the fast path, which must give the same labels and the same saliency.
"""

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from cluscam_lite.algorithm.features import MapsModel
from cluscam_lite.algorithm.masks import upsample
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.algorithm.weighting import softmax_weights


def full_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(d, h, w) to (d, H, W), min-max normalised after upsampling; constant maps give zeros."""
    full = upsample(maps[None], size)[0]
    low, high = full.flatten(1).aminmax(dim=1)
    span = (high - low).clamp(min=torch.finfo(full.dtype).tiny)
    return (full - low[:, None, None]) / span[:, None, None]


def brute_force_labels(full: Tensor, n_clusters: int, seed: int) -> np.ndarray:
    """scikit-learn's K-Means++ on whole maps (d, H, W), scikit-learn's own tolerance."""
    return KMeans(n_clusters, random_state=seed, n_init=1).fit(full.flatten(1).cpu().numpy()).labels_


@torch.no_grad()
def brute_force_cluscam(
    model: MapsModel,
    x: Tensor,
    n_clusters: int,
    drop_ratio: float,
    temperature: float | None = None,
    seed: int = 0,
    batch_size: int | None = None,
) -> dict[str, Tensor]:
    """Algorithm 1 for one image x (1, 3, H, W) and its top-1 class: labels (d,), scores (K,), saliency (H, W)."""
    maps, output = model.forward(x)
    target = int(output[0].argmax())
    full = full_maps(maps[0], x.shape[-2:])  # (d, H, W)
    labels = torch.from_numpy(brute_force_labels(full, n_clusters, seed)).long().to(full.device)
    masks = torch.stack([full[labels == j].mean(0) for j in range(n_clusters)])  # (K, H, W)
    masked = (x * masks[:, None]).contiguous(memory_format=torch.channels_last)
    chunks = masked.split(batch_size or default_batch_size(x))
    scores = torch.cat([model.output(chunk)[:, target] for chunk in chunks]) - output[0, target]
    every = torch.ones(1, n_clusters, dtype=torch.bool, device=full.device)
    weights, _ = softmax_weights(scores[None], every, drop_ratio, temperature)
    summed = torch.einsum("k,khw->hw", weights[0], masks)
    saliency = (summed - summed.min()) / (summed.max() - summed.min())
    return {"labels": labels, "scores": scores, "saliency": saliency}
