"""Computations of the `cheap` chapter: the metric of upsampled maps, its distances, and the work that is saved."""

import pandas as pd
import torch
from torch import Tensor, nn

from analysis.chapters.learn.method import brute_force_check, stacked_inputs
from cluscam_lite import ClusCAM, get_spec
from cluscam_lite.algorithm.clustering import coordinates
from cluscam_lite.algorithm.masks import axis_weights, extreme_samples, normalized_maps, upsample

# grid of maps -> side of the input: the paper's CNNs, ViT-B, Swin-B, and this project's scenes
GRIDS = {
    "7 x 7, ResNet": (7, 224),
    "14 x 14, ViT-B": (14, 224),
    "56 x 56, Swin-B": (56, 224),
    "12 x 12, scenes": (12, 96),
}


def axis_metric(source: int, target: int) -> Tensor:
    """W^T W (source, source): lengths of a line of `source` cells after it is upsampled to `target` samples."""
    weights = axis_weights(source, target)
    return weights.T @ weights


def pair_distances(maps: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Distances of all pairs of maps (d, h, w), normalised: between the H x W pictures, and between h w coordinates.

    Both are (d (d - 1) / 2,), float64. K-Means runs on the coordinates; the distances are the same.
    """
    normalized = normalized_maps(maps[None].double(), size)
    large = upsample(normalized, size)[0].flatten(1)  # (d, H W)
    small = coordinates(maps[None], normalized, size, "upsampled")[0][0]  # (d, h w)
    return torch.pdist(large), torch.pdist(small)


def work_table() -> pd.DataFrame:
    """For the `GRIDS`: numbers in a map for K-Means, upsampled and not, and samples that contain its extremes."""
    return pd.DataFrame(
        {
            "maps": name,
            "numbers, enlarged": target**2,
            "numbers, here": source**2,
            "times less": target**2 // source**2,
            "samples that hold the extremes": len(extreme_samples(source, target)) ** 2,
        }
        for name, (source, target) in GRIDS.items()
    )


def networks_table(networks: dict[str, nn.Module], images: list, seed: int = 0) -> pd.DataFrame:
    """For each network and one image: the labels of both ways, the ratio of their times, and forward passes."""
    rows = []
    for name, network in networks.items():
        spec, x = get_spec(name), stacked_inputs(name, images[:1])
        cam = ClusCAM.from_spec(spec, network, seed=seed)
        check = brute_force_check(cam, x)
        n_maps = cam.model.forward(x)[0].shape[1]
        rows.append(
            {
                "network": spec.title,
                "maps whose group differs": f"{check['labels that differ']} of {n_maps}",
                "grouping, times faster": f"{check['time ratio']:.0f}",
                "passes of ClusCAM": spec.n_clusters + 1,
                "passes with a mask for each map": n_maps + 1,
            }
        )
    return pd.DataFrame(rows)
