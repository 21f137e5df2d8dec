"""Computations of the `method` chapter: a check against brute force, and tables over networks."""

import time

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from analysis.oracles.brute_force import brute_force_labels, full_maps
from cluscam_lite import ClusCAM, get_spec, load_dataset
from cluscam_lite.algorithm.clustering import cluster, coordinates
from cluscam_lite.algorithm.masks import normalized_maps
from cluscam_lite.explanation import ClusteredExplanation

Explanations = dict[tuple[str, str], ClusteredExplanation]  # (model, layer) -> all images of the run


def open_images(dataset: str, part: str, n: int, data_root: str | None) -> list[Image.Image]:
    """The first n images of a data set (of a part of it, unless `part` is empty)."""
    samples = load_dataset(dataset, data_root=data_root, part=part or None, n=n)
    return [samples[i].image for i in range(n)]


def stacked_inputs(name: str, images: list[Image.Image]) -> Tensor:
    """The images as one batch of a network's inputs, (B, 3, H, W)."""
    preprocess = get_spec(name).preprocess()
    return torch.stack([preprocess(image) for image in images])


def brute_force_check(cam: ClusCAM, x: Tensor) -> dict[str, float]:
    """Compare the grouping of one image's maps in h w dimensions with scikit-learn's on H x W images.

    Both times include the normalisation of the maps. The time ratio is that of the fastest of three interleaved runs,
    or of one run where the full-size maps are large.
    """
    maps, _ = cam.model.forward(x)
    size = tuple(x.shape[-2:])

    def low() -> np.ndarray:
        points, tolerance = coordinates(maps, normalized_maps(maps, size), size, "upsampled")
        return cluster(points, cam.n_clusters, "kmeans", cam.seed, tolerance, "sklearn")[0].numpy()

    def high() -> np.ndarray:
        return brute_force_labels(full_maps(maps[0], size), cam.n_clusters, cam.seed)

    seconds, labels = {low: [], high: []}, {}
    for _ in range(3 if maps.shape[1] * size[0] * size[1] < 1e7 else 1):
        for function in (low, high):
            start = time.perf_counter()
            labels[function] = function()
            seconds[function].append(time.perf_counter() - start)
    return {
        "dimensions": maps.shape[2] * maps.shape[3],
        "dimensions, brute force": size[0] * size[1],
        "labels that differ": int((labels[low] != labels[high]).sum()),
        "time ratio": min(seconds[high]) / min(seconds[low]),
    }


def explain_everywhere(networks: dict[str, nn.Module], images: list[Image.Image], seed: int = 0) -> Explanations:
    """ClusCAM of every image for every network, at each of its layers."""
    found = {}
    for name, network in networks.items():
        spec, x = get_spec(name), stacked_inputs(name, images)
        both_same = spec.layers["paper"] == spec.layers["last"]
        for which in ("last",) if both_same else ("paper", "last"):
            found[name, which] = ClusCAM.from_spec(spec, network, layer=which, seed=seed)(x)
    return found


def summary_table(explanations: Explanations) -> pd.DataFrame:
    """One row for each network and layer; scores, weights and coverage are means over the images."""
    rows = []
    for (name, which), e in explanations.items():
        heaviest, kept = e.weights.amax(1), (e.weights > 0).sum(1)
        rows.append(
            {
                "network": get_spec(name).title,
                "layer": f"{which}: {e.layer}",
                "maps": f"{e.labels.shape[1]} of {e.centroids.shape[2]} x {e.centroids.shape[3]}",
                "K": e.weights.shape[1],
                "kept": float(kept.float().mean()),
                "tau": float(e.temperature.mean()),
                "best score, logits": float(e.scores.amax(1).mean()),
                "heaviest weight, %": 100 * float(heaviest.mean()),
                "coverage, %": 100 * float(e.saliency.mean()),
                "forward passes": e.forward_passes,
            }
        )
    return pd.DataFrame(rows)


def spaces_table(networks: dict[str, nn.Module], images: list[Image.Image], seed: int = 0) -> pd.DataFrame:
    """Compare clustering of raw maps with that of upsampled, normalised ones, at each network's "paper" layer."""
    rows = []
    for name, network in networks.items():
        spec, x = get_spec(name), stacked_inputs(name, images)
        raw, upsampled = (ClusCAM.from_spec(spec, network, space=space, seed=seed)(x) for space in ("raw", "upsampled"))
        pairs = zip(raw.labels, upsampled.labels, strict=True)
        both = zip(raw.saliency, upsampled.saliency, strict=True)
        rows.append(
            {
                "network": spec.title,
                "layer": upsampled.layer,
                "agreement of the groups": np.mean([adjusted_rand_score(a, b) for a, b in pairs]),
                "correlation of the maps": np.mean([np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in both]),
            }
        )
    return pd.DataFrame(rows)
