"""Regroup at random: K-Means' groups against random groups of the same sizes, on one picture."""

from typing import Any

import pandas as pd
import torch
from IPython.display import HTML
from torch import Tensor

from analysis.chapters.learn.playground import GROUPS, Playground
from analysis.page.grid import picture_grid, uri
from analysis.page.widget import choice, flat, rounded, said, widget
from cluscam_lite.algorithm.clustering import permuted
from cluscam_lite.algorithm.masks import centroids_of, masks_of
from cluscam_lite.show.drawing import masked

PARTITIONS = {"alive": 16, "all": 8}  # random partitions of the maps that are not black, and of all maps
WORDS = {"alive": "among the maps that are not black", "all": "among all maps"}
Partition = tuple[Tensor, Tensor]  # masks before upsampling (8, h, w), and the logits (8,) behind them


def alive(play: Playground) -> Tensor:
    """Which maps (d,) show anything at all: the others are black everywhere."""
    return play.reading.normalized[0].flatten(1).amax(1) > 0


def random_groups(play: Playground, seed: int, among: str = "alive") -> Partition:
    """One random partition with the sizes of K-Means' eight groups: the maps change their places.

    Args:
        seed: of the shuffle.
        among: "all" maps, or those "alive": then black maps stay in their group, and every group keeps as many maps
            that are not black as it had.
    """
    maps = alive(play) if among == "alive" else torch.ones(play.few.labels.shape[1], dtype=torch.bool)
    labels = play.few.labels.clone()  # (1, d)
    labels[:, maps] = permuted(labels[:, maps], seed)
    centroids, valid = centroids_of(play.reading.normalized, labels, GROUPS)
    return centroids[0], (play.reading.score(centroids, valid) + play.reading.baseline[:, None])[0]


def partitions(play: Playground) -> dict[str, list[Partition]]:
    """The random partitions that the widget shows: "alive" and "all"."""
    return {among: [random_groups(play, seed, among) for seed in range(1, n + 1)] for among, n in PARTITIONS.items()}


def kmeans_logits(play: Playground) -> Tensor:
    """The logits (8,) behind the masks of K-Means' groups."""
    return play.few.scores[0] + play.reading.baseline[0]


def partition_table(play: Playground, found: dict[str, list[Partition]]) -> pd.DataFrame:
    """For K-Means' groups and each random partition: how much the masks show (percent), the mean and the best logit."""
    parts = [("K-Means", play.few.centroids[0], kmeans_logits(play))]
    parts += [(WORDS[among], masks, logits) for among, many in found.items() for masks, logits in many]
    return pd.DataFrame(
        {
            "groups": [name for name, _, _ in parts],
            "shown": [100 * float(masks.mean()) for _, masks, _ in parts],
            "mean logit": [float(logits.mean()) for _, _, logits in parts],
            "best logit": [float(logits.max()) for _, _, logits in parts],
        }
    )


def regroup_data(play: Playground, found: dict[str, list[Partition]]) -> dict[str, Any]:
    """Masks before upsampling and logits of both sides."""
    centroids = play.few.centroids[0]
    return {
        "height": centroids.shape[1],
        "width": centroids.shape[2],
        "photo": uri(play.example.photo, min(112, len(play.example.photo))),
        "hidden": [round(255 * value) for value in play.example.spec.mean],
        "kmeans": _side(centroids, kmeans_logits(play)),
        "random": {among: [_side(*one) for one in many] for among, many in found.items()},
    }


def _side(masks: Tensor, logits: Tensor) -> dict[str, Any]:
    return {"masks": flat(masks, 3), "logits": rounded(logits, 3), "shown": round(100 * float(masks.mean()), 1)}


def regroup_widget(play: Playground, found: dict[str, list[Partition]]) -> HTML:
    """Two strips of masked pictures with their logits, the logits as dots, and who was higher so far."""
    body = f"""{choice("among", "Shuffle", WORDS)}
<div class="cw-buttons"><button type="button">Regroup</button> <button type="button">Start again</button></div>
<p><strong>K-Means' groups</strong></p><div class="cw-strip"></div>
<p><strong>Random groups of the same sizes</strong></p><div class="cw-strip"></div>
<div class="cw-plot"></div>"""
    title = "Regroup at random"
    return widget("regroup", title, _still(play, found), body, regroup_data(play, found), title)


def _still(play: Playground, found: dict[str, list[Partition]]) -> HTML:
    """The two groups of highest logit of either side."""
    example, (centroids, logits) = play.example, found["alive"][0]
    random = masks_of(centroids[None], play.few.size)[0]
    sides = {"K-Means": (play.few.masks[0], kmeans_logits(play)), "random": (random, logits)}
    shown = {}
    for name, (masks, values) in sides.items():
        for place, j in zip(("best", "second"), values.argsort(descending=True).tolist(), strict=False):
            shown[f"{name}, {place} group: logit {said(values[j])}"] = masked(
                example.photo, masks[j], example.spec.mean
            )
    return picture_grid(shown, side=140)
