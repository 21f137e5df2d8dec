"""What the networks for icon scenes are trained on: scenes drawn once into a pool, and varied while training."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cluscam_lite.datasets.scenes.badges import BADGE_CLASS
from cluscam_lite.datasets.scenes.scene import SCENE_CLASSES, Scene, object_mask, render, scene_at
from cluscam_lite.models.embedded import MEAN, STD

NOTHING = len(SCENE_CLASSES)  # the label of a pixel where no object is
SHIFT = 6  # pixels: largest translation either way


@dataclass(frozen=True)
class Pool:
    """Drawn scenes: `pixels` (N, 96, 96, 4) uint8, RGB and the label of each pixel; `targets` (N, 10)."""

    pixels: Tensor
    targets: Tensor


def picture(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """A scene as (H, W, 4) uint8, RGB and label map, and its target: the classes' shares of the objects.

    The target of a scene with a badge is the badge's class alone.
    """
    labels = np.full((scene.size, scene.size), NOTHING, dtype=np.uint8)
    target = np.zeros(len(SCENE_CLASSES), dtype=np.float32)
    for k, thing in enumerate(scene.objects):
        labels[object_mask(scene, k)] = thing.label
        target[thing.label] += 1 / len(scene.objects)
    if scene.badges:
        target[:] = np.arange(len(target)) == BADGE_CLASS
    return np.concatenate([np.asarray(render(scene)), labels[..., None]], axis=-1), target


def plain(scene: Scene) -> Scene:
    """The scene as it is."""
    return scene


def _pictures(job: tuple[range, int, str, Callable[[Scene], Scene]]) -> tuple[np.ndarray, np.ndarray]:
    numbers, seed, split, edit = job
    pixels, targets = zip(*(picture(edit(scene_at(i, seed, split))) for i in numbers), strict=True)
    return np.stack(pixels), np.stack(targets)


def draw_pool(n: int, seed: int, split: str, workers: int, edit: Callable[[Scene], Scene] = plain) -> Pool:
    """The first `n` scenes of a collection, the three settings in turn, each passed through `edit`."""
    jobs = [(range(i, min(i + 500, n)), seed, split, edit) for i in range(0, n, 500)]
    if workers > 1:
        with ProcessPoolExecutor(workers) as executor:
            pixels, targets = zip(*executor.map(_pictures, jobs), strict=True)
    else:
        pixels, targets = zip(*map(_pictures, jobs), strict=True)
    return Pool(torch.from_numpy(np.concatenate(pixels)), torch.from_numpy(np.concatenate(targets)))


def normalise(rgb: Tensor) -> Tensor:
    """uint8 RGB (B, H, W, 3) as the networks' input, (B, 3, H, W)."""
    return ((rgb / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)


def augment(pixels: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Vary a batch (B, H, W, 4) uint8: network input (B, 3, H, W) float, pixel labels (B, H, W) int64."""
    B, H, W, _ = pixels.shape
    moves = torch.randint(-SHIFT, SHIFT + 1, (2, B, 1), generator=rng)
    rows = reflected(torch.arange(H) + moves[0], H)  # (B, H)
    columns = reflected(torch.arange(W) + moves[1], W)  # (B, W)
    columns = torch.where(torch.rand(B, 1, generator=rng) < 0.5, columns.flip(1), columns)
    whole = pixels.view(torch.int32)[..., 0]  # one number to a pixel, which is quick to move about
    moved = whole[torch.arange(B)[:, None, None], rows[:, :, None], columns[:, None, :]]  # (B, H, W)
    moved = moved[..., None].view(torch.uint8)  # (B, H, W, 4)
    x, labels = normalise(moved[..., :3]), moved[..., 3].long()
    contrast, tint = torch.rand(B, 1, 1, 1, generator=rng), torch.randn(B, 3, 1, 1, generator=rng)
    x = x * (0.8 + 0.4 * contrast) + 0.25 * tint
    visible = random_masks(B, H, rng)  # (B, 1, H, W)
    return x * visible, labels.masked_fill(visible[:, 0] < 0.3, NOTHING)


def reflected(index: Tensor, side: int) -> Tensor:
    """Indices that run past a border, mirrored back into 0 ... side - 1."""
    return side - 1 - (side - 1 - index.abs()).abs()


def random_masks(B: int, side: int, rng: torch.Generator) -> Tensor:
    """(B, 1, side, side) in [0, 1]: a quarter smooth fields, a quarter with a rectangle out, half ones."""
    cells = int(torch.randint(3, 13, (), generator=rng))
    field = torch.randn(B, 1, cells, cells, generator=rng)
    low, high = field.amin((2, 3), keepdim=True), field.amax((2, 3), keepdim=True)
    field = ((field - low) / (high - low)) ** (0.5 + torch.rand(B, 1, 1, 1, generator=rng))
    field = F.interpolate(field, size=side, mode="bilinear")
    centre, extent = torch.rand(2, B, 2, 1, generator=rng) * side  # each (B, 2, 1): rows, columns
    within = (torch.arange(side) - centre).abs() < extent / 4  # (B, 2, side)
    rectangle = 1 - (within[:, 0, :, None] & within[:, 1, None, :])[:, None].float()
    kind = torch.rand(B, 1, 1, 1, generator=rng)
    return torch.where(kind < 0.25, field, torch.where(kind < 0.5, rectangle, 1.0))
