"""Figures of the `method` chapter. Each function takes arrays and returns a matplotlib figure."""

from textwrap import shorten

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from PIL import Image
from torch import Tensor

from analysis.chapters.learn.method import Explanations
from analysis.page.figures import DROPPED, KEPT, WIDTH, figure, mosaic, overlays_figure
from cluscam_lite import get_spec
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.show.drawing import draw_image, draw_mask, draw_overlay


def prediction_figure(image: np.ndarray, probabilities: Tensor, class_names: tuple[str, ...], top: int = 5) -> Figure:
    """The network's input (H, W, 3) and its `top` class probabilities (C,)."""
    fig, axes = figure(1, 2, 2.8, width_ratios=(1, 1.7))
    draw_image(axes[0, 0], image, "what the network sees")
    best = probabilities.topk(min(top, len(probabilities)))
    names = [class_names[i] for i in best.indices]
    sns.barplot(x=100 * best.values.numpy(), y=names, color=KEPT, ax=axes[0, 1])
    axes[0, 1].set(xlabel="probability, %", xlim=(0, 100))
    return fig


def maps_figure(normalized: Tensor, columns: int = 16, n: int = 64) -> Figure:
    """The first n of the normalised maps (d, h, w), side by side."""
    shown = normalized[:n]
    fig, axes = figure(1, 1, WIDTH * -(-len(shown) // columns) / columns + 0.1)
    draw_image(axes[0, 0], mosaic(shown, columns))
    return fig


def telling_groups(labels: Tensor, weights: Tensor, n: int = 5) -> list[int]:
    """The n heaviest groups of at least four maps (of any size if there are not as many): labels (d,), weights (K,)."""
    size = labels[labels >= 0].bincount(minlength=len(weights))
    return sorted(range(len(weights)), key=lambda j: (size[j] < 4, -float(weights[j])))[:n]


def groups_figure(normalized: Tensor, labels: Tensor, centroids: Tensor, groups: list[int], members: int = 9) -> Figure:
    """Some groups, one a row: up to `members` of the maps in it, and their mean M_j at the right."""
    fig, axes = figure(len(groups), members + 1, 0.92 * len(groups), gridspec_kw={"wspace": 0.04, "hspace": 0.06})
    for row, j in zip(axes, groups, strict=True):
        inside = normalized[labels == j]
        for ax, one in zip(row[:-1], inside, strict=False):
            draw_mask(ax, one)
        for ax in row:
            ax.set_axis_off()
        draw_mask(row[-1], centroids[j])
        row[-1].set_title("mean" if j == groups[0] else "", fontsize=10)
        words, place = f"{len(inside)} map{'s' * (len(inside) > 1)}", row[0].transAxes
        row[0].text(-0.12, 0.5, words, transform=place, ha="right", va="center", fontsize=9)
    return fig


def masked_figure(images: np.ndarray, scores: Tensor) -> Figure:
    """Masked inputs (n, H, W, 3), each with the score (n,) of its mask."""
    fig, axes = figure(2, -(-len(images) // 2), 4.2)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, image, score in zip(axes.flat, images, scores.tolist(), strict=False):
        draw_image(ax, image, f"$s_j$ = {score:+.2f}")
    return fig


def weights_figure(scores: Tensor, weights: Tensor) -> Figure:
    """Scores (K,) in falling order, and the weights (K,) after dropout and the temperature softmax."""
    order = scores.argsort(descending=True)
    kept = (weights[order] > 0).numpy()
    colours = np.where(kept, KEPT, DROPPED)
    fig, axes = figure(1, 2, 2.9)
    shown = {"score $s_j$, logits": scores, r"weight $\alpha_j$": weights}
    for ax, (label, values) in zip(axes[0], shown.items(), strict=True):
        ax.bar(np.arange(len(order)), values[order].numpy(), color=colours)
        ax.set(xlabel="group, by falling score", ylabel=label)
        ax.axvline(kept.sum() - 0.5, color="black", lw=0.8, ls=":")
    axes[0, 0].text(kept.sum() - 0.2, axes[0, 0].get_ylim()[0] * 0.97, "dropped", fontsize=9, va="bottom")
    return fig


def pipeline_figure(image: np.ndarray, maps: Tensor, explanation: ClusteredExplanation, i: int = 0) -> Figure:
    """Fig. 1 of the paper for image i: input, maps (d, h, w), group means, scores and weights, saliency map."""
    e = explanation
    fig, axes = figure(1, 5, 2.2, width_ratios=(1, 1, 1, 1.1, 1))
    fig.get_layout_engine().set(wspace=0.09)
    draw_image(axes[0, 0], image, "input $x$")
    n = min(len(maps), 36)
    draw_image(axes[0, 1], mosaic(maps[:n], 6))
    axes[0, 1].set_title(f"maps $F_i$ ({len(maps)})", fontsize=10)
    best = e.scores[i][e.valid[i]].argsort(descending=True)
    draw_image(axes[0, 2], mosaic(e.centroids[i][best[:36]], 6))
    axes[0, 2].set_title(f"means $M_j$ ({len(best)})", fontsize=10)
    scores, kept = e.scores[i][best].numpy(), (e.weights[i][best] > 0).numpy()
    axes[0, 3].bar(np.arange(len(best)), scores, color=np.where(kept, KEPT, DROPPED), width=1)
    axes[0, 3].set_box_aspect(1)
    axes[0, 3].tick_params(labelsize=7)
    axes[0, 3].set_title("scores $s_j$", fontsize=10)
    draw_overlay(axes[0, 4], image, e.saliency[i])
    axes[0, 4].set_title("map $E$", fontsize=10)
    for left, right in zip(axes[0, :-1], axes[0, 1:], strict=True):
        arrow = {"arrowstyle": "->", "color": "0.35", "lw": 1.2}
        fig.add_artist(ConnectionPatch((1.02, 0.5), (-0.02, 0.5), left.transAxes, right.transAxes, **arrow))
    return fig


def reweighed_figure(
    image: np.ndarray, explanation: ClusteredExplanation, temperatures: list[float], i: int = 0
) -> Figure:
    """The map at several temperatures, from the same scores: no further forward pass."""
    maps = {}
    for tau in temperatures:
        again = explanation.reweigh(temperature=tau)
        heaviest = float(again.weights[i].max())
        maps[rf"$\tau$ = {tau:.2g}" + f"\nheaviest {heaviest:.0%}"] = again.saliency[i]
    return overlays_figure(image, maps)


def grid_figure(images: list[Image.Image], explanations: Explanations) -> Figure:
    """One row for each image, one column for each network and layer; above each map, the predicted class."""
    columns = len(explanations) + 1
    side = min(WIDTH / columns, 2.4)
    fig, axes = figure(len(images), columns, (side + 0.2) * len(images) + 0.3, side * columns)
    for row, image, i in zip(axes, images, range(len(images)), strict=True):
        spec = get_spec(next(iter(explanations))[0])
        draw_image(row[0], spec.preprocess().view(image), "input")
        for ax, ((name, which), e) in zip(row[1:], explanations.items(), strict=True):
            spec = get_spec(name)
            said = shorten(spec.class_names[int(e.target[i])].lower(), 22, placeholder="...")
            probability = float(e.output[i].softmax(0)[e.target[i]])
            draw_overlay(ax, spec.preprocess().view(image), e.saliency[i], f"{said}, {probability:.0%}")
            if i == len(images) - 1:
                ax.set_xlabel(f"{spec.title}\n{which}: {e.layer}", fontsize=8)
    return fig
