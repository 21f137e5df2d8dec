"""Mean saliency maps of a class: small, and of several images, so that no single slice shows through."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 16  # cells across
FEWEST = 5  # images of a class in a cell; the mean of fewer is not kept where the images may not be published


def mean_map(maps: Sequence[Tensor]) -> str:
    """The mean of maps (H, W) in [0, 1], averaged down to 16 x 16 cells and 256 levels, as 512 hexadecimal digits."""
    small = F.adaptive_avg_pool2d(torch.stack([one.detach().float().cpu() for one in maps])[:, None], SIDE)
    return (small.mean((0, 1)) * 255).round().to(torch.uint8).numpy().tobytes().hex()


def decoded(text: str) -> np.ndarray:
    """The (16, 16) map of `mean_map`, in [0, 1]."""
    return np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(SIDE, SIDE) / 255


def with_class_maps(rows: pd.DataFrame, maps: dict[str, tuple[int, Tensor]], fewest: int) -> pd.DataFrame:
    """The rows of a cell with `class_map` and `class_images` on the first row of each explained class, else "" and 0.

    `maps`: image id -> (class, map), in order. A class with fewer than `fewest` images in the cell has no map.
    """
    rows = rows.reset_index(drop=True)
    text, counts = [""] * len(rows), [0] * len(rows)
    first = {image_id: at for at, image_id in reversed(list(rows["image_id"].items()))}
    for k in sorted({k for k, _ in maps.values()}):
        mine = [(image_id, saliency) for image_id, (of, saliency) in maps.items() if of == k]
        if len(mine) >= fewest:
            at = first[mine[0][0]]
            text[at], counts[at] = mean_map([saliency for _, saliency in mine]), len(mine)
    return rows.assign(class_map=text, class_images=counts)


def class_means(rows: pd.DataFrame) -> dict[int, tuple[np.ndarray, int]]:
    """Class -> the mean map (16, 16) over all cells of one method, and of how many images."""
    found: dict[int, tuple[np.ndarray, int]] = {}
    for row in rows[rows["class_images"] > 0].itertuples():
        total, n = found.get(int(row.target), (np.zeros((SIDE, SIDE)), 0))
        found[int(row.target)] = total + row.class_images * decoded(row.class_map), n + row.class_images
    return {k: (total / n, n) for k, (total, n) in sorted(found.items())}
