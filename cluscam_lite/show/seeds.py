"""A figure of what several seeds make of one image: the mean map, and where they differ."""

import textwrap
from typing import TYPE_CHECKING, Any

from .axes import INK, draw_image, draw_mask, draw_overlay, new_figure
from .pictures import COLOR_MAP, as_rgb

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

WIDEST = 0.5  # the spread that is drawn as brightest


def seeds_figure(image: Any, mean: "Tensor", spread: "Tensor", sentence: str, color_map: str = COLOR_MAP) -> "Figure":
    """The image, the mean map over it, and the standard deviation over the seeds, brightest at `WIDEST`.

    Args:
        image: (H, W, 3), what the network saw.
        mean: (H, W) in [0, 1].
        spread: (H, W), the standard deviation of each pixel over the seeds.
        sentence: what is written above.
        color_map: of both maps.
    """
    height, width = as_rgb(image).shape[:2]
    side, gap, head, foot = 2.9, 0.1, 0.65, 0.3  # inches
    picture = side * height / width
    wide, high = 3 * side + 4 * gap, picture + head + foot
    figure = new_figure(wide, high)
    titles = ("the image", "mean over the seeds", f"standard deviation over the seeds, 0 to {WIDEST:g}")
    for n, title in enumerate(titles):
        left = gap + n * (side + gap)
        axes = figure.add_axes((left / wide, foot / high, side / wide, picture / high))
        if n == 0:
            draw_image(axes, image)
        elif n == 1:
            draw_overlay(axes, image, mean, color_map=color_map)
        else:
            draw_mask(axes, (spread / WIDEST).clamp(0, 1), color_map=color_map)
        figure.text((left + side / 2) / wide, 0.2 / high, title, ha="center", va="top", fontsize=9, color=INK)
    lines = "\n".join(textwrap.wrap(sentence, 105))
    figure.text(gap / wide, 1 - 0.1 / high, lines, ha="left", va="top", fontsize=10, color=INK)
    return figure
