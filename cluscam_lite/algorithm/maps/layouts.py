"""Telling whether a layer's output is a set of maps, and laying it out as (B, d, h, w)."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from torch import Tensor, nn

Size = tuple[int, int]
ROUNDINGS = ("floor", "ceil", "either")
"""How the number of cells n along an axis of L pixels follows from the stride s.

"floor": n = floor(L / s); "ceil": n = ceil(L / s); "either": one of them, as where a convolution without padding loses
the cell at the border.
"""

# modules whose three-dimensional results are no tokens of an image but (B, d, length), or sequences
NO_TOKENS = (
    nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.AvgPool1d, nn.MaxPool1d, nn.LPPool1d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.RNNBase,
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How to read a layer's output as maps.

    Attributes:
        kind: "NCHW" (convolutions), "NHWC" (channels last, as Swin), or "tokens" (B, N, d).
        grid: (h, w).
        channels: d, the number of maps.
        prefix: how many class and register tokens precede the patch tokens.
    """

    kind: str
    grid: tuple[int, int]
    channels: int
    prefix: int = 0

    def __str__(self) -> str:
        extra = f", {self.prefix} prefix token{'s' * (self.prefix > 1)} left out" if self.prefix else ""
        return f"{self.channels} maps of {self.grid[0]} x {self.grid[1]} ({self.kind}{extra})"


@dataclass(frozen=True)
class Stated:
    """What a network says of its own tokens.

    Attributes:
        prefix: how many class and register tokens precede the patches; None where it says nothing.
        patch: (height, width) of a patch in pixels; None where it says nothing.
    """

    prefix: int | None = None
    patch: Size | None = None


UNSTATED = Stated()


def stated_by(network: nn.Module) -> Stated:
    """What a network says of its tokens, under the names of timm, torchvision and HuggingFace's transformers."""
    while len(parts := dict(network.named_children())) == 1 and {"module", "_orig_mod"} & set(parts):
        (network,) = parts.values()  # parallel and compiled wrappers say nothing themselves
    prefix = getattr(network, "num_prefix_tokens", None)
    for one in (getattr(network, "patch_embed", None), network, getattr(network, "config", None)):
        patch = getattr(one, "patch_size", None)
        patch = (patch, patch) if isinstance(patch, int) else patch
        if isinstance(patch, tuple | list) and len(patch) == 2 and all(isinstance(n, int) and n > 0 for n in patch):
            return Stated(prefix if isinstance(prefix, int) else None, (patch[0], patch[1]))
    return Stated(prefix if isinstance(prefix, int) else None)


def find_layout(output: object, size: Size, stated: Stated = UNSTATED, n_images: int | None = None) -> Layout | None:
    """The layout of one layer's output, or None if it is not a set of maps.

    A grid is accepted where one stride explains both axes. Where (B, n, n, n) could be read both ways, channels come
    first. Tokens of a single channel, (B, N, 1), are a pooled vector and no maps.

    Args:
        output: whatever the layer gave.
        size: (H, W) of the input.
        stated: the network's own word for its tokens. Its patches are tried first, for a grid that no single stride
            explains. If it states a number of prefix tokens, only that number and 0 are tried; otherwise 0 to 9 (a
            class token, a distillation token, registers).
        n_images: B. An output of another length has places folded into its first axis, as in window attention, or
            something else there, and gives no maps; None: not checked.
    """
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    shape = tuple(output.shape)
    if n_images is not None and shape[:1] != (n_images,):
        return None
    if len(shape) == 4:
        if _one_stride(shape[2], shape[3], size):
            return Layout("NCHW", shape[2:], shape[1])
        if _one_stride(shape[1], shape[2], size):
            return Layout("NHWC", shape[1:3], shape[3])
    if len(shape) == 3 and shape[2] > 1:
        prefixes = range(10) if stated.prefix is None else dict.fromkeys((stated.prefix, 0))
        for prefix in prefixes:
            if grid := _of_patches(shape[1] - prefix, size, stated.patch):
                return Layout("tokens", grid, shape[2], prefix)
        for rounding, prefix in product(ROUNDINGS, prefixes):
            if grid := _of_one_stride(shape[1] - prefix, size, rounding):
                return Layout("tokens", grid, shape[2], prefix)
    return None


def layout_of_part(part: nn.Module, output: object, x: Tensor, stated: Stated) -> Layout | None:
    """How to read what a module gave for images `x` as maps, None if it gave none."""
    if isinstance(part, NO_TOKENS) and isinstance(output, Tensor) and output.ndim == 3:
        return None
    return find_layout(output, size_of(x), stated, len(x))


def could_be_otherwise(layout: Layout, shape: tuple[int, ...], size: Size) -> bool:
    """Whether the shape of tokens, all that is known of them, could also be that of something else.

    (N, B, d) with as many images as tokens is one such shape, (B, d, h w), flattened maps, another.
    """
    flattened = any(_of_one_stride(shape[-1], size, rounding) for rounding in ("floor", "ceil"))
    return layout.kind == "tokens" and (1 < shape[0] == shape[1] or flattened)


def size_of(x: Tensor) -> Size:
    """(H, W) of images or maps (..., H, W)."""
    return x.shape[-2], x.shape[-1]


def to_maps(output: Tensor, layout: Layout) -> Tensor:
    """A layer's output as maps (B, d, h, w); one map per channel, tokens laid on their grid row by row."""
    if layout.kind == "NCHW":
        return output
    if layout.kind == "NHWC":
        return output.permute(0, 3, 1, 2)
    tokens = output[:, layout.prefix :].mT  # (B, d, h w)
    return tokens.view(*tokens.shape[:2], *layout.grid)


def described(output: object, n_images: int) -> str:
    """A layer's output in words, for a message about what it gave for so many images."""
    if not isinstance(output, Tensor):
        return f"a {type(output).__name__}"
    count = f"for {n_images} image{'s' * (n_images > 1)} " if output.shape[:1] != (n_images,) else ""
    return f"{count}a tensor of shape {tuple(output.shape)}"


def _one_stride(h: int, w: int, size: Size, rounding: str = "either") -> bool:
    """Whether one stride takes an input (H, W) to a grid (h, w), with this one of `ROUNDINGS`.

    With "floor", n cells along L pixels mean a stride in (L / (n + 1), L / n]; with "ceil", in [L / n, L / (n - 1)).
    One stride explains both axes if their intervals meet.
    """
    height, width = size
    if h < 1 or w < 1 or (height - width) * (h - w) < 0 or (height == width and h != w):
        return False
    if rounding == "floor":
        return max(height / (h + 1), width / (w + 1)) < min(height / h, width / w)
    most = min(_over(height, h - 1), _over(width, w - 1))
    if rounding == "ceil":
        return max(height / h, width / w) < most
    return max(height / (h + 1), width / (w + 1)) < most


def _over(length: int, n: int) -> float:
    return length / n if n else math.inf


def _of_patches(n: int, size: Size, patch: Size | None) -> Size | None:
    """The grid of n patches of the stated size."""
    if patch is None or n < 1:
        return None
    down = size[0] // patch[0], size[1] // patch[1]
    up = math.ceil(size[0] / patch[0]), math.ceil(size[1] / patch[1])
    return next((grid for grid in (down, up) if math.prod(grid) == n), None)


@lru_cache(maxsize=4096)
def _of_one_stride(n: int, size: Size, rounding: str) -> Size | None:
    """The grid of n cells that one stride explains, the one nearest to the input's proportions."""
    grids = [(h, n // h) for h in range(1, n + 1) if n % h == 0 and _one_stride(h, n // h, size, rounding)]
    return min(grids, key=lambda grid: abs(math.log(grid[0] * size[1] / (grid[1] * size[0]))), default=None)
