"""Three explainers to plug in: a good one, a bad one, a random one. The page `book/bench.md` shows them."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def occlusion(model: nn.Module, x: Tensor, target: int, side: int = 24, step: int = 12) -> Tensor:
    """How much of the class's logit a grey square takes away, wherever it lies on it (Zeiler and Fergus 2014)."""
    height, width = x.shape[-2:]
    tops, lefts = range(0, height - side + 1, step), range(0, width - side + 1, step)
    hidden = x.repeat(len(tops) * len(lefts), 1, 1, 1)
    places = [(top, left) for top in tops for left in lefts]
    for copy, (top, left) in zip(hidden, places, strict=True):
        copy[:, top : top + side, left : left + side] = 0
    fall = model(x)[0, target] - model(hidden)[:, target]
    total, times = torch.zeros(2, height, width)
    for value, (top, left) in zip(fall, places, strict=True):
        total[top : top + side, left : left + side] += value
        times[top : top + side, left : left + side] += 1
    return total / times


def centre(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """The middle of the picture, whatever it shows: photographers put things there."""
    height, width = x.shape[-2:]
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.exp(-2 * (rows[:, None] ** 2 + columns**2))


def noise(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Smooth random numbers."""
    grid = torch.rand(1, 1, 7, 7)
    return nn.functional.interpolate(grid, x.shape[-2:], mode="bilinear")[0, 0]
