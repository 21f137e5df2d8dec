"""A network of two resolutions, with batch norm and activations in place."""

import torch
from torch import nn


def stages(classes=4, seed=0):
    """8 x 10 and 4 x 5 maps for images of 16 x 20; the layers "2" and "4" give the maps after an activation."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 5, 3, 2, padding=1), nn.BatchNorm2d(5), nn.ReLU(inplace=True),
            nn.Conv2d(5, 6, 3, 2, padding=1), nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, classes),
        )  # fmt: skip
