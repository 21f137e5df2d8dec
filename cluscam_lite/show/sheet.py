"""A sheet of several methods' maps of one image, each with what was measured of it below."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .axes import INK, draw_image, draw_overlay, new_figure
from .pictures import COLOR_MAP, as_rgb

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

COLUMNS = 4
SIDE, GAP, TITLE, HEAD, LINE = 2.5, 0.2, 0.3, 0.75, 0.15  # inches
SIGNS = "drop, gain: of the class's probability when only the map's region is shown; passes and seconds: of one map"
OF_SEEDS = "; r: correlation of two seeds' maps"
FAINT = "#595959"


@dataclass(frozen=True)
class Cell:
    """A method: its name, its map (H, W) in [0, 1] or None where it has none, and lines of text."""

    title: str
    saliency: "Tensor | None"
    text: str


def sheet_figure(image: Any, cells: Sequence[Cell], title: str, where: str, color_map: str = COLOR_MAP) -> "Figure":
    """The image, then each cell's map over it, row by row; a cell without a map has its text in the map's place.

    Args:
        image: (H, W, 3), what the network saw.
        cells: the methods, in their order.
        title: of the sheet, the explained class.
        where: the network and the image.
        color_map: of the maps.
    """
    shape = as_rgb(image).shape
    picture, columns = SIDE * shape[0] / shape[1], min(COLUMNS, 1 + len(cells))
    rows = math.ceil((1 + len(cells)) / columns)
    lines = max((cell.text.count("\n") + 1 for cell in cells if cell.saliency is not None), default=0)
    width, pitch = columns * (SIDE + GAP) + GAP, TITLE + picture + LINE * (lines + 1)
    height = HEAD + rows * pitch + 0.3
    figure = new_figure(width, height)

    def words(x: float, y: float, text: str, size: float, color: str = INK, **style: Any) -> None:
        style = {"ha": "left", "va": "top"} | style
        figure.text(x / width, y / height, text, fontsize=size, color=color, parse_math=False, **style)

    room = int(width * 8)
    words(GAP, height - 0.12, textwrap.shorten(title, room, placeholder=" ..."), 13, weight="bold")
    words(GAP, height - 0.42, textwrap.shorten(where, int(width * 11), placeholder=" ..."), 10, FAINT)
    for n, cell in enumerate([Cell("the image", None, ""), *cells]):
        left, top = GAP + n % columns * (SIDE + GAP), height - HEAD - n // columns * pitch
        words(left, top, cell.title, 11)
        axes = figure.add_axes((left / width, (top - TITLE - picture) / height, SIDE / width, picture / height))
        if n == 0:
            draw_image(axes, image)
        elif cell.saliency is not None:
            draw_overlay(axes, image, cell.saliency, color_map=color_map)
            words(left, top - TITLE - picture - 0.06, cell.text, 8.5)
        else:
            axes.set(xticks=[], yticks=[], facecolor="#f2f2f2")
            why = textwrap.wrap(cell.text, 34, max_lines=12, placeholder=" ...")
            words(left + SIDE / 2, top - TITLE - picture / 2, "\n".join(why), 9, FAINT, ha="center", va="center")
    signs = SIGNS + OF_SEEDS * any("seeds" in cell.text for cell in cells)
    words(GAP, 0.3, "\n".join(textwrap.wrap(signs, int(width * 15))), 8, FAINT)
    return figure
