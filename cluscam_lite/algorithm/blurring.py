"""Gaussian blurring as two small matrices: like upsampling, it is linear and separable."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=32)
def blur_weights(n: int, kernel: int, sigma: float) -> Tensor:
    """The matrix of one axis: (n, n) float64, rows sum to 1; beyond the border the line is mirrored.

    Args:
        n: pixels of the axis.
        kernel: width of the kernel in pixels, odd, and at most 2 n - 1.
        sigma: standard deviation in pixels.
    """
    reach = kernel // 2
    bump = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    places = torch.arange(n)[:, None] + torch.arange(-reach, reach + 1)  # (n, kernel)
    mirrored = places.abs()
    mirrored = torch.where(mirrored >= n, 2 * (n - 1) - mirrored, mirrored)
    weights = torch.zeros(n, n, dtype=torch.float64)
    return weights.scatter_add_(1, mirrored, (bump / bump.sum()).expand(n, -1))


def gaussian_blur(images: Tensor, kernel: int, sigma: float) -> Tensor:
    """Images or maps (..., H, W) smoothed by a Gaussian of `kernel` x `kernel` pixels, mirrored at the border.

    torchvision's blurring to rounding. That is one convolution with a kernel x kernel window, some twenty times dearer
    for the wide ones that hide a picture.
    """
    rows, columns = (blur_weights(n, kernel, float(sigma)).to(images) for n in images.shape[-2:])
    return rows @ images @ columns.T
