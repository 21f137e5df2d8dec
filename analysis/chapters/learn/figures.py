"""The figure of the chapter about one feature map."""

from matplotlib.figure import Figure
from torch import Tensor

from analysis.page.figures import figure
from cluscam_lite.show.drawing import draw_mask


def single_maps_figure(maps: Tensor, scores: Tensor, columns: int = 8) -> Figure:
    """Maps (n, h, w) in [0, 1] in the order of their scores (n,), the highest first; above each its score."""
    order = scores.argsort(descending=True).tolist()
    fig, axes = figure(-(-len(order) // columns), columns, 6.2)
    for ax in axes.flat[len(order) :]:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, order, strict=False):
        draw_mask(ax, maps[i])
        ax.set_title(f"{scores[i]:+.1f}".replace("-", "−"), fontsize=9, pad=2)
    return fig
