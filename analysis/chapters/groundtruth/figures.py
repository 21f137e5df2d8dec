"""Figures of the `groundtruth` chapter."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from analysis.chapters.groundtruth.contributions import Truth, agreement, densities
from analysis.page.figures import DROPPED, KEPT, WIDTH, figure, means_figure
from cluscam_lite.datasets.scenes.scene import render
from cluscam_lite.datasets.scenes.things import things, without_thing
from cluscam_lite.show.drawing import draw_image, draw_overlay

BADGE = "#d9009b"
COLOURS = {"object": KEPT, "distractor": DROPPED, "badge": BADGE}
MARK = "white"  # of rings over maps, which are dark where the saliency is low


def agreement_figure(table: pd.DataFrame) -> Figure:
    """Every method's agreement with the truth, from `scenes_table`; dotted: the expected value of a random map."""
    labels = {"rho": "Spearman's ρ", "pointing": "largest thing first, %", "objects": "largest object first, %"}
    return _with_chance(means_figure(table, labels), table, list(labels))


def badge_figure(table: pd.DataFrame) -> Figure:
    """Every method's maps on the badge, from `badges_table`; dotted: the expected value of a random map."""
    labels = {"badge first": "badge first, %", "lift": "density on the badge / mean of the map"}
    return _with_chance(means_figure(table, labels), table, list(labels))


def removal_figure(truth: Truth, columns: int = 6) -> Figure:
    """A scene, then the scene without each thing in turn; above, the effect of the thing on the logit."""
    n = len(truth.kinds) + 1
    rows = -(-n // columns)
    fig, axes = figure(rows, columns, (WIDTH / columns + 0.3) * rows)
    for ax in axes.flat:
        ax.set_axis_off()
    whole = np.asarray(render(truth.scene))
    draw_image(axes.flat[0], whole, "the scene")
    for ax, k, kind, effect in zip(axes.flat[1:], truth.numbers, truth.kinds, truth.effects, strict=False):
        draw_image(ax, np.asarray(render(without_thing(truth.scene, k))), f"{kind} {effect:+.2f}")
        _circle(ax, truth, k, "0.15")
    return fig


def ranks_figure(truth: Truth, maps: Mapping[str, Tensor]) -> Figure:
    """Each thing's effect on the logit against a map's density on it, a panel for each of the maps (H, W)."""
    fig, axes = figure(1, len(maps), 2.6, sharex=True, sharey=True)
    for ax, (title, saliency) in zip(axes[0], maps.items(), strict=True):
        found, rho = densities(saliency, truth.masks), agreement(truth, saliency)["rho"]
        for kind in dict.fromkeys(truth.kinds):
            of_kind = truth.of(kind)
            ax.scatter(truth.effects[of_kind], found[of_kind], color=COLOURS[kind], s=26, label=kind, zorder=3)
        ax.axvline(0, color="0.4", lw=0.8, ls=":")
        said = "undefined" if math.isnan(rho) else f"{rho:+.2f}"
        ax.set_title(f"{title}\nρ = {said}", fontsize=9)
        ax.set(xlabel="effect, logits", ylim=(-0.04, 1.04))
    axes[0, 0].set_ylabel("mean saliency on the thing")
    axes[0, -1].legend(fontsize=7, frameon=False)
    return fig


def badge_strip(truth: Truth, maps: Mapping[str, Tensor], columns: int = 6) -> Figure:
    """A scene with a badge, then maps (H, W) of several methods over it; a circle marks the badge everywhere."""
    image = np.asarray(render(truth.scene))
    rows = -(-(len(maps) + 1) // columns)
    fig, axes = figure(rows, columns, (WIDTH / columns + 0.45) * rows)
    for ax in axes.flat:
        ax.set_axis_off()
    draw_image(axes.flat[0], image, "scene with its badge\n")
    for ax, (title, saliency) in zip(axes.flat[1:], maps.items(), strict=False):
        lift = agreement(truth, saliency)["badge_lift"]
        draw_overlay(ax, image, saliency, f"{title}\n" + ("no contrast" if math.isnan(lift) else f"lift {lift:.1f}"))
    shown = axes.flat[: len(maps) + 1]
    for ax in shown:
        ax.title.set_fontsize(8)
        for k, kind in zip(truth.numbers, truth.kinds, strict=True):
            if kind == "badge":
                _circle(ax, truth, k, MARK)
    return fig


def _circle(ax: Axes, truth: Truth, k: int, colour: str) -> None:
    """A ring around the place of thing k."""
    icon = things(truth.scene)[k]
    ax.plot(icon.x - 0.5, icon.y - 0.5, "o", ms=_points(ax, 1.5 * icon.size, truth.scene.size), mfc="none",
            mec=colour, mew=1.2)  # fmt: skip


def _points(ax: Axes, pixels: float, side: int) -> float:
    """A length in pixels of a picture of that side, in the units of marker sizes."""
    width = ax.figure.get_figwidth() / ax.get_subplotspec().get_gridspec().ncols  # inches, margins left out
    return 72 * 0.95 * width * pixels / side


def _with_chance(fig: Figure, table: pd.DataFrame, headings: list[str]) -> Figure:
    """Dotted lines at chance: 0 for a correlation, 1 for a lift, the table's own for shares."""
    fixed = {"rho": 0.0, "lift": 1.0}
    for i, (_, mine) in enumerate(table.groupby(["model", "panel"], sort=False)):
        for ax, heading in zip(fig.axes[i * len(headings) :], headings, strict=False):
            chance = fixed[heading] if heading in fixed else mine[f"chance {heading}"].mean()
            ax.axvline(chance, color="0.4", lw=0.8, ls=":")
    return fig
