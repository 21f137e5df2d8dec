"""Near-duplicates among grey images: the similarity of two images, and the groups of images that are too alike.

Two slices of one scan look alike, and no file says which slices are of one scan. The similarity of two images is the
correlation of their pixels after averaging blocks of 2 x 2, which removes noise and traces of JPEG. The matrix of
similarities is computed in blocks of rows: for 6,400 images it is never in memory as a whole.
"""

from collections.abc import Iterator

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


def pairs_above(images: Tensor, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs i < j of (N, D) `images` that are at least as similar as `threshold`: i, j and their similarity."""
    found = []
    for start, similar in similarities(images, images):
        i, j = (similar >= threshold).nonzero(as_tuple=True)
        keep = i + start < j
        found.append(((i + start)[keep], j[keep], similar[i[keep], j[keep]]))
    i, j, value = (torch.cat(column).numpy() for column in zip(*found, strict=True))
    return i, j, value


def components(n: int, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The connected components of n images whose pairs (i, j) are joined.

    Returns the number of each image's component, (n,) int64; components are numbered by their first image.
    """
    from scipy.sparse import coo_matrix  # not needed by training on a machine without SciPy
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(coo_matrix((np.ones(len(i)), (i, j)), (n, n)), directed=False)
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place]


def similarities(queries: Tensor, others: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The similarities of (n, D) `queries` to (m, D) `others` in blocks of rows (b, m), each with its first row."""
    start = 0
    for block in queries.split(BLOCK):
        yield start, block @ others.T
        start += len(block)


def _blocks(pixels: np.ndarray) -> list[np.ndarray]:
    return [pixels[start : start + BLOCK] for start in range(0, len(pixels), BLOCK)]
