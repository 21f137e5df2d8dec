"""Figures of the first chapters: single maps, and the metric."""

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from analysis.chapters.learn.cheap import axis_metric, work_table
from analysis.page.figures import DROPPED, KEPT, figure, merged_row
from cluscam_lite.show.drawing import draw_mask

TEXT = 6.6  # inches: narrow, so that labels stay readable on a phone


def single_maps_figure(maps: Tensor, scores: Tensor, columns: int = 8) -> Figure:
    """Maps (n, h, w) in [0, 1] in the order of their scores (n,), the highest first; above each its score."""
    order = scores.argsort(descending=True).tolist()
    fig, axes = figure(-(-len(order) // columns), columns, 8.2, width=TEXT)
    for ax in axes.flat[len(order) :]:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, order, strict=False):
        draw_mask(ax, maps[i])
        ax.set_title(f"{scores[i]:+.1f}".replace("-", "−"), fontsize=10, pad=2)
    return fig


def metric_figure(large: Tensor, small: Tensor, source: int, target: int) -> Figure:
    """The metric of one axis; distances of upsampled maps against those of coordinates; the size of a map in both."""
    fig, axes = figure(2, 2, 5.2, width=TEXT, height_ratios=(1.2, 1))
    axes[0, 0].imshow(axis_metric(source, target).numpy(), cmap="inferno")
    axes[0, 0].set(title=f"$W^T W$, {source} cells", xticks=[], yticks=[])
    axes[0, 0].spines[:].set_visible(True)
    axes[0, 1].plot(large.numpy(), small.numpy(), ".", ms=2, color=KEPT)
    axes[0, 1].set(xlabel=f"distance, {target}² numbers", ylabel=f"distance, {source}² numbers")
    axes[0, 1].set_box_aspect(1)
    bars, table = merged_row(fig, axes[1]), work_table()
    y = np.arange(len(table))
    bars.barh(y - 0.2, table["numbers, enlarged"], 0.38, color=DROPPED, label="enlarged")
    bars.barh(y + 0.2, table["numbers, here"], 0.38, color=KEPT, label="here")
    bars.set(xscale="log", xlabel="numbers in a map")
    bars.set_yticks(y, table["maps"])
    bars.invert_yaxis()
    bars.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
