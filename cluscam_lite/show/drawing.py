"""Figures of explanations. `pictures` makes their arrays, `axes` draws them; all of it can be imported from here."""

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ..packages import from_extra
from .axes import INK, draw_image, draw_mask, draw_masked, draw_overlay, draw_scale, new_figure
from .pictures import COLOR_MAP, COLOR_MAPS, OPACITY, as_rgb, denormalized, heat_map, masked, overlay
from .report import cluster_rows, describe_target

with from_extra("pictures"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

if TYPE_CHECKING:
    from ..explanation import ClusteredExplanation, Explanation

__all__ = [
    "COLOR_MAP", "COLOR_MAPS", "OPACITY", "as_rgb", "clusters_figure", "denormalized", "draw_image", "draw_mask",
    "draw_masked", "draw_overlay", "draw_scale", "explanation_figure", "heat_map", "masked", "new_figure", "overlay",
]  # fmt: skip

PICTURE = 1.07  # inches: width of a picture in `clusters_figure`
SIGNS = (
    "left: the image through the mask; right: the mask; s: change of the logit; α and bar: weight; "
    "grey number: maps in the cluster"
)
FAINT, ACCENT = "#767676", "#0072b2"  # dropped, weight bars (Okabe and Ito's blue)


def explanation_figure(
    image: Any,
    explanation: "Explanation",
    i: int = 0,
    *,
    method: str = "ClusCAM",
    model: str = "",
    class_name: str = "",
    color_map: str = COLOR_MAP,
) -> Figure:
    """The image, its overlay, and the bare map; above them the class, its probability, the method and the layer.

    `image` is what the network saw of image `i`, (H, W, 3). `class_name` is the explained class in words.
    """
    shape = as_rgb(image).shape
    side, gap, edge = 2.9, 0.1, 0.15  # inches
    picture = side * shape[0] / shape[1]
    title = textwrap.wrap(describe_target(explanation, i, class_name), 58, max_lines=2, placeholder=" ...")
    head = 0.5 + 0.24 * len(title)
    width, height = 2 * edge + 3 * side + 2 * gap + 0.7, picture + head + edge
    figure = new_figure(width, height)

    def axes(left: float, wide: float) -> Axes:
        return figure.add_axes((left / width, edge / height, wide / width, picture / height))

    draw_image(axes(edge, side), image)
    draw_overlay(axes(edge + side + gap, side), image, explanation.saliency[i], color_map=color_map)
    draw_mask(axes(edge + 2 * (side + gap), side), explanation.saliency[i], color_map=color_map)
    draw_scale(axes(edge + 3 * side + 2 * gap + 0.08, 0.13), color_map=color_map)
    where = " · ".join(part for part in (method, model, explanation.layer) if part)
    if bool(explanation.uniform[i]):
        where += " · no contrast: the map is all zeros"
    _text(figure, edge, height - 0.12, "\n".join(title), 13, weight="bold")
    _text(figure, edge, height - head + 0.25, _shortened(where, 110), 10, color=FAINT, va="center")
    return figure


def clusters_figure(
    image: Any,
    explanation: "ClusteredExplanation",
    i: int = 0,
    *,
    class_name: str = "",
    model: str = "",
    background: Any = 0.5,
    max_clusters: int | None = 60,
    color_map: str = COLOR_MAP,
) -> Figure:
    """Every cluster of image `i`, by falling score: the image through its mask, the mask, s_j, alpha_j and size.

    Dropped clusters are pale, dashed and say so. The bar below a pair is its weight, relative to the largest.
    `background` is what hidden pixels show (`masked`). Only the `max_clusters` of highest score are drawn (None:
    all); the caption says how many there are.
    """
    from ..algorithm.masks import masks_of

    rows = cluster_rows(explanation, i)
    shown = rows[:max_clusters]
    columns = 5 if len(shown) > 12 else 4 if len(shown) > 6 else max(2, min(3, len(shown)))
    lines = math.ceil(len(shown) / columns)
    picture = PICTURE * as_rgb(image).shape[0] / as_rgb(image).shape[1]  # height
    cell, pitch, head, foot = 2 * PICTURE + 0.19, picture + 0.5, 1.05, 0.6  # inches
    figure = new_figure(0.12 + columns * cell, head + lines * pitch + foot)
    sheet = _sheet(figure)
    chosen = [row["index"] for row in shown]
    masks = masks_of(explanation.centroids[i : i + 1, chosen], explanation.size)[0]  # (n, H, W)
    largest = max(row["weight"] for row in rows) or 1.0
    for n, row in enumerate(shown):
        pair = masked(image, masks[n], background), heat_map(masks[n], color_map)
        corner = 0.15 + (n % columns) * cell, figure.get_figheight() - head - (n // columns) * pitch
        _draw_cluster(figure, sheet, pair, row, corner, picture, row["weight"] / largest)
    _caption(figure, explanation, i, rows, len(shown), class_name, model, color_map)
    return figure


def _sheet(figure: Figure) -> Axes:
    """Invisible Axes over the whole figure, whose coordinates are inches: quicker than Axes for every picture."""
    sheet: Axes = figure.add_axes((0, 0, 1, 1))
    width, height = figure.get_size_inches()
    sheet.set(xlim=(0, width), ylim=(0, height))
    sheet.axis("off")
    return sheet


def _draw_cluster(
    figure: Figure,
    sheet: Axes,
    pair: tuple[np.ndarray, np.ndarray],
    row: dict[str, Any],
    corner: tuple[float, float],
    height: float,
    share: float,
) -> None:
    """One cell at its upper left `corner`: a line of text, two pictures of `height`, a bar of length `share`."""
    left, top = corner
    bottom, right = top - 0.2 - height, left + 2 * PICTURE + 0.03
    color = INK if row["kept"] else FAINT
    weight = _weight(row["weight"]) if row["kept"] else "dropped"
    _text(figure, left, top - 0.03, f"s = {_number(row['score'])}   {weight}", 9, color=color)
    _text(figure, right, top - 0.03, f"{row['size']}", 8, color=FAINT, ha="right")
    for x, picture in ((left, pair[0]), (right - PICTURE, pair[1])):
        extent = (x, x + PICTURE, bottom, bottom + height)
        sheet.imshow(picture, extent=extent, aspect="auto", alpha=None if row["kept"] else 0.35)
        if not row["kept"]:
            sheet.add_patch(
                Rectangle((x, bottom), PICTURE, height, fill=False, edgecolor=FAINT, linewidth=1.2, linestyle="--")
            )
    if row["kept"]:
        sheet.add_patch(Rectangle((left, bottom - 0.09), right - left, 0.05, color="#e6e6e6", linewidth=0))
        sheet.add_patch(Rectangle((left, bottom - 0.09), share * (right - left), 0.05, color=ACCENT, linewidth=0))


def _caption(
    figure: Figure,
    explanation: "ClusteredExplanation",
    i: int,
    rows: list[dict[str, Any]],
    n_shown: int,
    class_name: str,
    model: str,
    color_map: str,
) -> None:
    """The title above the cells; what the signs mean and the colour scale below them."""
    width, height = figure.get_size_inches()
    room = int(width * 8.2)  # characters of the title's size
    n_kept, tau = sum(row["kept"] for row in rows), float(explanation.temperature[i])
    title = _shortened(describe_target(explanation, i, class_name), room)
    tau_text = f"τ = {tau:.3g}" if math.isfinite(tau) else "uniform weights"
    facts = [f"{len(rows)} clusters, {n_kept} kept", f"r = {explanation.drop_ratio:.4g}", tau_text]
    facts += [f"the {n_shown} of highest score are shown"] if n_shown < len(rows) else []
    where = " · ".join(part for part in (model, explanation.layer) if part)
    _text(figure, 0.15, height - 0.12, title, 13, weight="bold")
    _text(figure, 0.15, height - 0.42, _shortened(where, int(width * 11)), 10, color=FAINT)
    _text(figure, 0.15, height - 0.66, _shortened(" · ".join(facts), int(width * 11)), 10, color=FAINT)
    _text(figure, 0.15, 0.5, "\n".join(textwrap.wrap(SIGNS, int((width - 1.4) * 14))), 8, color=FAINT)
    scale = figure.add_axes(((width - 1.6) / width, 0.4 / height, 1.4 / width, 0.09 / height))
    draw_scale(scale, "", color_map)


def _text(figure: Figure, x: float, y: float, text: str, size: float, **style: Any) -> None:
    """Text with its upper left corner at x, y inches from the lower left of the figure."""
    width, height = figure.get_size_inches()
    options = {"ha": "left", "va": "top", "color": INK} | style
    figure.text(x / width, y / height, text, fontsize=size, parse_math=False, **options)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 3].rstrip() + "..."


def _number(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) < 1000 else f"{value:+.1e}".replace("-", "−")


def _weight(value: float) -> str:
    return f"α = {value:.3f}" if value >= 0.0005 else "α < 0.001"
