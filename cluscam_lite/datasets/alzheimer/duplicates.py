"""Near-duplicates among grey images: similarity of pixels, nearest neighbours, and components of what is too alike.

Two slices of one scan look alike, and no file says which slices are of one scan. The similarity of two images is the
correlation of their pixels after averaging 2 x 2 of them, which leaves noise and JPEG's traces out. Everything goes by
blocks of rows: the whole matrix of 6,400 images is never in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import CluscamError

BLOCK = 1024  # rows of the matrix at once


def features(pixels: np.ndarray, pool: int = 2) -> Tensor:
    """(N, H, W) uint8 as (N, D) float32, of mean 0 and length 1: the product of two rows is their correlation.

    A constant image is all zeros, similar to nothing. Raises CluscamError for anything but grey images of 8 bits.
    """
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise CluscamError(f"the images are {pixels.dtype} {pixels.shape}; expected grey ones, (N, H, W) uint8")
    small = [F.avg_pool2d(torch.from_numpy(part)[:, None].float(), pool).flatten(1) for part in _blocks(pixels)]
    found = torch.cat(small)  # (N, H W / pool^2)
    found -= found.mean(1, keepdim=True)
    return F.normalize(found, dim=1, eps=1e-6)


@dataclass(frozen=True)
class Nearest:
    """For each of n images its nearest of another set: `index` (n,) int64 and `similarity` (n,) in [-1, 1]."""

    index: np.ndarray
    similarity: np.ndarray


def nearest(queries: Tensor, others: Tensor | None = None) -> Nearest:
    """The most similar of `others` (m, D) for each query (n, D); of the other queries if there are none.

    Raises CluscamError if there is nothing to compare with.
    """
    itself = others is None
    others = queries if itself else others
    if len(others) < 1 + itself:
        raise CluscamError("there is no other image to compare with; give at least two")
    values, places = [], []
    for start, similar in _rows(queries, others):
        if itself:
            similar[torch.arange(len(similar)), torch.arange(start, start + len(similar))] = -torch.inf
        value, place = similar.max(1)
        values.append(value)
        places.append(place)
    return Nearest(torch.cat(places).numpy(), torch.cat(values).numpy())


def pairs_above(images: Tensor, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs i < j of (N, D) `images` that are at least as similar as `threshold`: i, j and their similarity."""
    found = []
    for start, similar in _rows(images, images):
        i, j = (similar >= threshold).nonzero(as_tuple=True)
        keep = i + start < j
        found.append(((i + start)[keep], j[keep], similar[i[keep], j[keep]]))
    i, j, value = (torch.cat(column).numpy() for column in zip(*found, strict=True))
    return i, j, value


def components(n: int, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The connected component of each of n images under the pairs (i, j), (n,) int64, numbered by first member."""
    parent = np.arange(n)

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]  # halve the way for the next time
            k = parent[k]
        return k

    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        a, b = root(a), root(b)
        parent[max(a, b)] = min(a, b)
    roots = np.array([root(k) for k in range(n)])
    return np.unique(roots, return_inverse=True)[1]  # a root is its component's first member


def _rows(queries: Tensor, others: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Blocks of the matrix of similarities, with the number of their first row."""
    start = 0
    for block in queries.split(BLOCK):
        yield start, block @ others.T
        start += len(block)


def _blocks(pixels: np.ndarray) -> list[np.ndarray]:
    return [pixels[start : start + BLOCK] for start in range(0, len(pixels), BLOCK)]
