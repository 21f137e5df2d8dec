"""Small networks and images for the tests of networks that nobody here wrote."""

import torch
from torch import nn

SIZES = {"n_clusters": 3, "iterations": 2, "n_groups": 2, "n_layers": None}


def seeded(build):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build().eval()


def photographs(n=2, height=32, width=32):
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(n))


def pooled(*parts):
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
