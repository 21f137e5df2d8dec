"""Telling whether a layer's output is a set of maps, and laying it out as (B, d, h, w)."""

import math
from dataclasses import dataclass

from torch import Tensor, nn

# modules whose three-dimensional results are (B, d, length): channels before places, and so no tokens
CHANNELS_BEFORE_PLACES = (
    nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.AvgPool1d, nn.MaxPool1d, nn.LPPool1d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d,
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


def find_layout(
    output: object, size: tuple[int, int], prefix_tokens: int = 0, n_images: int | None = None
) -> Layout | None:
    """The layout of one layer's output, or None if it is not a set of maps.

    A grid is accepted when its proportions are the input's, up to one cell of rounding. Where (B, n, n, n) could be
    read both ways, channels come first. Tokens of a single channel, (B, N, 1), are a pooled vector and no maps.

    Args:
        output: whatever the layer gave.
        size: (H, W) of the input.
        prefix_tokens: the network's own word for how many tokens precede the patches. It is tried first, then none, 1
            (a class token), 2 (with a distillation token) and up to 8 registers.
        n_images: B. An output of another length has places folded into its first axis, as in window attention, or
            something else there, and gives no maps; None: not checked.
    """
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    shape = tuple(output.shape)
    if n_images is not None and shape[:1] != (n_images,):
        return None
    if len(shape) == 4:
        if _proportional(shape[2], shape[3], size):
            return Layout("NCHW", shape[2:], shape[1])
        if _proportional(shape[1], shape[2], size):
            return Layout("NHWC", shape[1:3], shape[3])
    if len(shape) == 3 and shape[2] > 1:
        for prefix in dict.fromkeys((prefix_tokens, *range(10))):
            if grid := _grid(shape[1] - prefix, size):
                return Layout("tokens", grid, shape[2], prefix)
    return None


def layout_of_part(part: nn.Module, output: object, x: Tensor, prefix: int) -> Layout | None:
    """How to read what a module gave for images `x` as maps, None if it gave none."""
    if isinstance(part, CHANNELS_BEFORE_PLACES) and isinstance(output, Tensor) and output.ndim == 3:
        return None
    return find_layout(output, size_of(x), prefix, len(x))


def could_be_otherwise(layout: Layout, shape: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether the shape of tokens, all that is known of them, could also be that of something else.

    (N, B, d) with as many images as tokens is one such shape, (B, d, h w), flattened maps, another.
    """
    return layout.kind == "tokens" and (1 < shape[0] == shape[1] or _grid(shape[2], size) is not None)


def size_of(x: Tensor) -> tuple[int, int]:
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


def _proportional(h: int, w: int, size: tuple[int, int]) -> bool:
    height, width = size
    return h >= 1 and w >= 1 and abs(h - w * height / width) < 1 and abs(w - h * width / height) < 1


def _grid(n: int, size: tuple[int, int]) -> tuple[int, int] | None:
    if n < 1:
        return None
    guess = round(math.sqrt(n * size[0] / size[1]))
    for h in (guess, guess - 1, guess + 1):
        if h >= 1 and n % h == 0 and _proportional(h, n // h, size):
            return h, n // h
    return None
