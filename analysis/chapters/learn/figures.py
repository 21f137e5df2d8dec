"""Figures of the first chapters: contradicting maps, a logit as a sum, and single maps."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from analysis.chapters.learn.example import Example
from analysis.chapters.learn.gap import PooledLogit
from analysis.chapters.learn.single_maps import SingleMaps, explained_share
from analysis.page.figures import DROPPED, KEPT, figure, merged_row, single_axes
from cluscam_lite.show.drawing import draw_image, draw_mask, draw_overlay

TEXT = 6.6  # inches: narrow, so that labels stay readable on a phone


def six_maps_figure(example: Example, maps: Mapping[str, Tensor]) -> Figure:
    """The scene, six maps (H, W) of it, and their mean."""
    fig, axes = figure(2, 4, 3.9, width=TEXT)
    mean = torch.stack(list(maps.values())).mean(0)
    draw_image(axes.flat[0], example.photo, f"“{example.class_name}”")
    for ax, (name, saliency) in zip(axes.flat[1:], {**maps, "mean of the six": mean}.items(), strict=True):
        draw_overlay(ax, example.photo, saliency, name)
    return fig


def predictions_figure(table: pd.DataFrame, logit: float) -> Figure:
    """The test of each map: the logit if only its brightest part is shown (right is better) or hidden (left is)."""
    fig, ax = single_axes(3.0, TEXT)
    for name, marker, colour, label in (
        ("shown", "o", KEPT, "only the brightest part is shown"),
        ("hidden", "X", "#b3541e", "only the brightest part is hidden"),
    ):
        ax.scatter(table[name], table["map"], marker=marker, color=colour, s=60, label=label, zorder=3)
    ax.hlines(table["map"], table["hidden"], table["shown"], color="0.8", lw=2, zorder=1)
    ax.axvline(logit, color="0.3", lw=1, ls=":")
    ax.text(logit, -0.75, "whole image", fontsize=9, ha="center", va="bottom", color="0.3")
    ax.set(xlabel="logit of the class", ylim=(len(table) - 0.4, -0.8))
    ax.legend(fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2)
    return fig


def pooled_figure(pooled: PooledLogit, n: int = 4) -> Figure:
    """Global average pooling as a sum: the n maps that add most, weight times mean, all others, the bias, the logit."""
    terms, order = pooled.terms, pooled.terms.argsort(descending=True)
    fig, axes = figure(2, n, 4.4, width=TEXT, height_ratios=(1, 1.25))
    top = float(pooled.maps[order[:n]].max())
    for ax, i in zip(axes[0], order[:n].tolist(), strict=True):
        mean, weight = float(pooled.maps[i].mean()), float(pooled.weights[i])
        draw_mask(ax, pooled.maps[i] / top, f"map {i}\n{weight:.2f} × {mean:.2f}\n= {terms[i]:.2f}")
    ax = merged_row(fig, axes[1])
    parts = {f"map {i}": float(terms[i]) for i in order[:n].tolist()}
    parts[f"other {len(terms) - n} maps"] = float(terms[order[n:]].sum())
    parts["bias"] = pooled.bias
    edge = np.concatenate([[0.0], np.cumsum(list(parts.values()))])
    ax.barh(list(parts), list(parts.values()), left=edge[:-1], color=KEPT)
    ax.barh(["logit"], [pooled.logit], color="#1a1a1a")
    ax.invert_yaxis()
    ax.axvline(0, color="0.4", lw=0.8)
    ax.set(xlabel="logit")
    return fig


def cam_figure(photo: np.ndarray, cam: Tensor, gradcam: Tensor, weights: Tensor, gradients: Tensor) -> Figure:
    """The maps (H, W) of CAM and GradCAM, and GradCAM's weights (d,) against CAM's: a straight line."""
    fig, axes = figure(1, 3, 2.4, width=TEXT)
    draw_overlay(axes[0, 0], photo, cam, "CAM")
    draw_overlay(axes[0, 1], photo, gradcam, "GradCAM")
    ax = axes[0, 2]
    ax.scatter(weights.numpy(), gradients.numpy(), s=10, color=KEPT)
    ax.set(xlabel="weight in the last layer", ylabel="mean gradient")
    ax.set_box_aspect(1)
    return fig


def single_maps_figure(single: SingleMaps, n: int = 64, columns: int = 8) -> Figure:
    """n of the maps, evenly spaced in the order of their scores; above each, its score as a mask."""
    order = single.scores.argsort(descending=True)
    chosen = order[np.linspace(0, len(order) - 1, n).round().astype(int)].tolist()
    fig, axes = figure(-(-n // columns), columns, 8.2, width=TEXT)
    for ax, i in zip(axes.flat, chosen, strict=True):
        draw_mask(ax, single.maps[i])
        ax.set_title(f"{single.scores[i]:+.1f}".replace("-", "−"), fontsize=10, pad=2)
    return fig


def rank_figure(single: SingleMaps, rank: float, nearest: Tensor) -> Figure:
    """Left: share of the maps' squared size in their best patterns. Right: each map's correlation with its nearest."""
    fig, axes = figure(1, 2, 2.7, width=TEXT)
    share = explained_share(single.maps)
    axes[0, 0].plot(np.arange(1, len(share) + 1), 100 * share.numpy(), color=KEPT)
    axes[0, 0].axvline(rank, color="0.3", lw=1, ls=":")
    axes[0, 0].text(rank + 2, 50, "effective rank", fontsize=9, color="0.3")
    axes[0, 0].set(xlabel="patterns", ylabel="share of squared size, %", ylim=(0, 102))
    axes[0, 1].hist(nearest.numpy(), bins=20, color=DROPPED, edgecolor="white")
    axes[0, 1].set(xlabel="correlation with the most similar map", ylabel="maps")
    return fig


def coverage_scatter(single: SingleMaps) -> Figure:
    """Score of each map as a mask against how much of the image it shows."""
    fig, ax = single_axes(2.7, TEXT)
    ax.scatter(100 * single.coverage.numpy(), single.scores.numpy(), s=16, color=KEPT)
    ax.axhline(0, color="0.4", lw=0.8)
    ax.set(xlabel="coverage of the mask, %", ylabel="score $s$, logits")
    return fig
