"""Drawing into given matplotlib Axes. No pyplot, hence no global state and no display needed."""

from typing import Any

from ..packages import from_extra
from .pictures import COLOR_MAP, as_rgb, colors, heat_map, masked, overlay

with from_extra("pictures"):
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

INK = "#1a1a1a"  # text


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
    mappable = ScalarMappable(Normalize(0, 1), colors(color_map))
    bar = cax.figure.colorbar(mappable, cax=cax, orientation=orientation, ticks=[0, 0.5, 1])
    bar.set_label(label, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, length=2, colors=INK)
    bar.outline.set_visible(False)


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure (inches) with an Agg canvas."""
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _frame(ax: Axes, title: str) -> None:
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    if title:
        ax.set_title(title, fontsize=10, color=INK)
