"""Drawing explanations: functions that draw into given matplotlib Axes, and two figures made of them.

No pyplot, hence no global state and no display needed. Saliency and masks share one perceptually uniform colour
map, so that brighter means more in print and to colour-blind eyes as well. Images are those the network saw:
undo its normalisation with `denormalized`.
"""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..errors import CluscamError, unknown
from .report import cluster_rows, describe_target

if TYPE_CHECKING:
    from torch import Tensor

    from ..explanation import ClusteredExplanation, Explanation

COLOR_MAPS = ("inferno", "magma", "plasma", "viridis", "cividis", "gray")
COLOR_MAP = "inferno"
OPACITY = 0.75  # of the colours where the saliency is 1
PICTURE = 1.07  # inches: width of a picture in `clusters_figure`
DIM = 0.65  # brightness of the image where the saliency is 0
SIGNS = (
    "left: the image through the mask; right: the mask; s: change of the logit; α and bar: weight; "
    "grey number: maps in the cluster"
)
INK, FAINT, ACCENT = "#1a1a1a", "#767676", "#0072b2"  # text, dropped, weight bars (Okabe and Ito's blue)


def as_rgb(image: Any) -> np.ndarray:
    """(H, W, 3) float in [0, 1] of a PIL image, a uint8 array, or a float array in [0, 1]; grey is repeated.

    Raises CluscamError for any other shape.
    """
    array = np.asarray(image.convert("RGB") if hasattr(image, "convert") else image)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3:
        raise CluscamError(f"the image has shape {array.shape}; expected (H, W, 3), as `denormalized` gives")
    scale = 255 if array.dtype == np.uint8 else 1
    return (array.astype(np.float64) / scale).clip(0, 1)


def denormalized(x: "Tensor", mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """The picture that a normalised input (3, H, W) shows: (H, W, 3) float in [0, 1]."""
    pixels = x.detach().cpu().double().numpy().transpose(1, 2, 0)  # (H, W, 3)
    return (pixels * np.asarray(std) + np.asarray(mean)).clip(0, 1)


def overlay(image: Any, saliency: Any, color_map: str = COLOR_MAP, opacity: float = OPACITY) -> np.ndarray:
    """The image (H, W, 3) under its saliency (H, W) in [0, 1], as RGB uint8 (H, W, 3).

    The stronger the saliency, the more of its colour and the less of the image; where it is weak the image stays
    visible, dimmed and nearly grey. Raises CluscamError if the sizes differ.
    """
    rgb, heat = as_rgb(image), _heat(saliency, as_rgb(image).shape[:2])
    grey = (rgb @ [0.299, 0.587, 0.114])[..., None]
    under = DIM * (0.35 * rgb + 0.65 * grey)
    share = opacity * heat[..., None]  # of the colour
    return np.rint(255 * (under * (1 - share) + _colors(color_map)(heat)[..., :3] * share)).astype(np.uint8)


def heat_map(mask: Any, color_map: str = COLOR_MAP) -> np.ndarray:
    """A mask or saliency map (H, W) in colours that span 0 to 1, as RGB uint8 (H, W, 3)."""
    values = _numpy(mask).astype(np.float64)
    return _colors(color_map)(_heat(values, values.shape), bytes=True)[..., :3]


def masked(image: Any, mask: Any, background: Any = 0.5) -> np.ndarray:
    """What the network is shown through `mask` (H, W): the image where it is 1, `background` where it is 0.

    `background` is an image (H, W, 3) or a colour, in [0, 1]. Returns RGB uint8 (H, W, 3).
    """
    rgb, share = as_rgb(image), _heat(mask, as_rgb(image).shape[:2])[..., None]
    return np.rint(255 * (rgb * share + np.asarray(background) * (1 - share)).clip(0, 1)).astype(np.uint8)


def draw_image(ax: Axes, image: Any, title: str = "") -> None:
    """The image without axes, framed."""
    ax.imshow(as_rgb(image))
    _frame(ax, title)


def draw_overlay(ax: Axes, image: Any, saliency: Any, title: str = "", color_map: str = COLOR_MAP) -> None:
    """`overlay` without axes, framed."""
    ax.imshow(overlay(image, saliency, color_map))
    _frame(ax, title)


def draw_mask(ax: Axes, mask: Any, title: str = "", color_map: str = COLOR_MAP) -> None:
    """A mask or saliency map (H, W) as a heat map; its colours always span 0 to 1."""
    ax.imshow(heat_map(mask, color_map))
    _frame(ax, title)


def draw_masked(ax: Axes, image: Any, mask: Any, title: str = "", background: Any = 0.5) -> None:
    """The image through a mask, as `masked` makes it."""
    ax.imshow(masked(image, mask, background))
    _frame(ax, title)


def draw_scale(cax: Axes, label: str = "saliency", color_map: str = COLOR_MAP) -> None:
    """The colour scale from 0 to 1 in Axes of its own, upright or lying as these are."""
    box = cax.get_window_extent()
    orientation = "horizontal" if box.width > box.height else "vertical"
    mappable = ScalarMappable(Normalize(0, 1), _colors(color_map))
    bar = cax.figure.colorbar(mappable, cax=cax, orientation=orientation, ticks=[0, 0.5, 1])
    bar.set_label(label, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, length=2, colors=INK)
    bar.outline.set_visible(False)


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure (inches) with an Agg canvas."""
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


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
        _draw_cluster(sheet, pair, row, corner, picture, row["weight"] / largest)
    _caption(figure, explanation, i, rows, len(shown), class_name, model, color_map)
    return figure


def _sheet(figure: Figure) -> Axes:
    """Invisible Axes over the whole figure, whose coordinates are inches: quicker than Axes for every picture."""
    sheet = figure.add_axes((0, 0, 1, 1))
    width, height = figure.get_size_inches()
    sheet.set(xlim=(0, width), ylim=(0, height))
    sheet.axis("off")
    return sheet


def _draw_cluster(
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
    _text(sheet.figure, left, top - 0.03, f"s = {_number(row['score'])}   {weight}", 9, color=color)
    _text(sheet.figure, right, top - 0.03, f"{row['size']}", 8, color=FAINT, ha="right")
    for x, picture in ((left, pair[0]), (right - PICTURE, pair[1])):
        extent = (x, x + PICTURE, bottom, bottom + height)
        sheet.imshow(picture, extent=extent, aspect="auto", alpha=None if row["kept"] else 0.35)
        if not row["kept"]:
            frame = {"fill": False, "edgecolor": FAINT, "linewidth": 1.2, "linestyle": "--"}
            sheet.add_patch(Rectangle((x, bottom), PICTURE, height, **frame))
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


def _frame(ax: Axes, title: str) -> None:
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    if title:
        ax.set_title(title, fontsize=10, color=INK)


def _colors(name: str) -> Any:
    if name not in COLOR_MAPS:
        raise unknown("colour map", name, COLOR_MAPS)
    return matplotlib.colormaps[name]


def _numpy(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asanyarray(values)


def _heat(values: Any, size: tuple[int, int]) -> np.ndarray:
    heat = _numpy(values).astype(np.float64)
    if heat.shape != tuple(size):
        raise CluscamError(f"the map has shape {heat.shape} and the image {tuple(size)}; expected the same size")
    return heat.clip(0, 1)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 3].rstrip() + "..."


def _number(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−") if abs(value) < 1000 else f"{value:+.1e}".replace("-", "−")


def _weight(value: float) -> str:
    return f"α = {value:.3f}" if value >= 0.0005 else "α < 0.001"
