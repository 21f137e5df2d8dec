"""Augmentation of axial slices in batches: variations that do not change the class.

Heads lie a little differently in each scanner, and scanners differ in brightness: hence small rotations, shifts, zooms,
and changes of gain and gamma. Heads are nearly symmetric, so left and right may be swapped; up and down may not, since
no scan shows the forehead at the bottom.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TURN = 8.0  # degrees, either way
SHIFT = 0.05  # of the side, either way
ZOOM = 0.06
GAIN = 0.15
GAMMA = 0.2  # of the natural logarithm


def augment(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """A batch (B, H, W) uint8, varied, as float32 in [0, 1]. `generator` is on the CPU.

    Pixels from outside the image are black, like the background of the slices.
    """
    B, H, W = pixels.shape
    draws = torch.rand(B, 7, generator=generator) * 2 - 1  # in [-1, 1)
    turn, x, y, zoom, mirror, gain, gamma = draws.to(pixels.device).unbind(1)
    angle, scale = turn * math.radians(TURN), 1 + zoom * ZOOM
    flip = torch.where(mirror < 0, -1.0, 1.0)
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    # from each output position to the position that is sampled, in [-1, 1] along both axes
    rows = [torch.stack([c * flip, -s, 2 * SHIFT * x], 1), torch.stack([s * flip, c, 2 * SHIFT * y], 1)]
    theta = torch.stack(rows, 1)  # (B, 2, 3)
    grid = F.affine_grid(theta, [B, 1, H, W], align_corners=False)  # (B, H, W, 2)
    moved = F.grid_sample(pixels[:, None] / 255, grid, align_corners=False)[:, 0]  # (B, H, W)
    values = moved.clamp(0, 1) ** torch.exp(GAMMA * gamma)[:, None, None]
    return (values * (1 + GAIN * gain)[:, None, None]).clamp(0, 1)
