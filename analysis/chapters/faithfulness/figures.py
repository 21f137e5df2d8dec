"""Maps of several methods side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from analysis.page.figures import WIDTH, figure
from cluscam_lite.show.drawing import draw_image, draw_overlay


def maps_figure(images: list[np.ndarray], maps: Mapping[str, list[Tensor]], labels: list[str]) -> Figure:
    """After Figs. 3 and 4: each image (H, W, 3) in a row, then the maps (H, W) of every method over it.

    `maps`: title of a method -> its map of each image, None where it cannot explain the network.
    """
    columns = 1 + len(maps)
    fig, axes = figure(len(images), columns, (WIDTH / columns + 0.12) * len(images) + 0.3)
    for i, (row, image) in enumerate(zip(axes, images, strict=True)):
        draw_image(row[0], image, labels[i].replace(", ", "\n"))
        row[0].title.set_fontsize(7)
        for ax, (title, found) in zip(row[1:], maps.items(), strict=True):
            if found[i] is None:
                draw_image(ax, np.full_like(image, 255), "")
                ax.text(0.5, 0.5, "n/a", ha="center", va="center", transform=ax.transAxes, fontsize=8)
            else:
                draw_overlay(ax, image, found[i], "")
            if i == 0:
                ax.set_title(title.replace(" ", "\n"), fontsize=7)
    return fig
