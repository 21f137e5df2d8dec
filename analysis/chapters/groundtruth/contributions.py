"""Ground truth on icon scenes: the effect of each thing on the logit, compared with a saliency map.

A scene is a list of things (objects, distractors, badges), so it can be drawn without any one of them. The *effect*
of thing k on class c is logit_c(x) - logit_c(x without thing k), measured on the network itself. A map's *density* on
the thing is its mean over the pixels where the thing is visible. A faithful map has densities in the order of the
effects.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from analysis.statistics.correlation import pearson, spearman
from cluscam_lite.datasets.scenes.scene import Scene, render
from cluscam_lite.datasets.scenes.things import thing_kinds, visible_mask, without_thing
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import Preprocess

LEAST_PIXELS = 8  # things with fewer visible pixels are left out
EFFECT_DIGITS, DENSITY_DIGITS = 4, 6  # decimals of logits and of saliency; smaller differences are rounding errors


@dataclass(frozen=True)
class Truth:
    """The ground truth of one scene and one network, for the n things with at least `LEAST_PIXELS` visible pixels."""

    scene: Scene
    x: Tensor
    """(1, 3, H, W), the network's input."""
    target: int
    """The class whose logit is explained."""
    predicted: int
    """The top-1 class of the scene as it is."""
    numbers: tuple[int, ...]
    """(n,) the number of each thing in `things(scene)`."""
    kinds: tuple[str, ...]
    """(n,) "object", "distractor" or "badge"."""
    masks: np.ndarray
    """(n, H, W) bool, where each thing is visible."""
    effects: np.ndarray
    """(n,) effect of each thing on the target's logit; positive: the thing raises it."""
    predicted_without: np.ndarray
    """(n,) the top-1 class of the scene without each thing."""

    def of(self, *kinds: str) -> np.ndarray:
        """(n,) bool: which things are of these kinds."""
        return np.isin(self.kinds, kinds)


@torch.no_grad()
def truth_of(
    output: Callable[[Tensor], Tensor], preprocess: Preprocess, scene: Scene, target: int | None = None
) -> Truth:
    """The truth of a scene for the class `target` (None: the top-1 class); one pass of n + 1 pictures.

    `output` gives logits (n + 1, C) of inputs (n + 1, 3, H, W). Raises CluscamError unless a pixel of the input is a
    pixel of the scene, since the masks are the scene's.
    """
    masks = np.stack([visible_mask(scene, k) for k in range(len(thing_kinds(scene)))])  # (all, H, W)
    seen = np.flatnonzero(masks.sum((1, 2)) >= LEAST_PIXELS)  # (n,)
    pictures = [scene, *(without_thing(scene, int(k)) for k in seen)]
    x = torch.stack([preprocess(render(picture)) for picture in pictures])  # (n + 1, 3, H, W)
    if x.shape[-2:] != (scene.size, scene.size):
        raise CluscamError(
            f"the network sees {x.shape[-2]} x {x.shape[-1]} pixels of a scene of {scene.size} x {scene.size}; "
            "take scenes of the network's own size"
        )
    logits = output(x).double()  # (n + 1, C)
    top = logits.argmax(1)
    target = int(top[0]) if target is None else int(target)
    effects = logits[0, target] - logits[1:, target]  # (n,)
    return Truth(
        scene,
        x[:1],
        target,
        int(top[0]),
        tuple(int(k) for k in seen),
        tuple(thing_kinds(scene)[k] for k in seen),
        masks[seen],
        effects.cpu().numpy().round(EFFECT_DIGITS),
        top[1:].cpu().numpy(),
    )


def densities(saliency: Tensor, masks: np.ndarray) -> np.ndarray:
    """The mean of a map (H, W) over each of the masks (n, H, W): (n,)."""
    values = saliency.detach().cpu().double().numpy()
    return np.array([values[mask].mean() for mask in masks]).round(DENSITY_DIGITS)


def first_place(values: ArrayLike, k: int) -> float:
    """1 if value k is the largest, else 0; 1/m if it is one of m values that tie for the first place."""
    values = np.asarray(values, float)
    largest = values == values.max()
    return float(largest[k] / largest.sum())


def agreement(truth: Truth, saliency: Tensor) -> dict[str, Any]:
    """How a map (H, W) in [0, 1] agrees with the truth.

    `rho`: Spearman's correlation of effects and densities over the things. Most effects are small, and rho counts
    their order, too. `r`: Pearson's, which depends mostly on the large effects. `pointing`: whether the thing of the
    largest effect has the largest density (`first_place`). `top1_objects`: the same among the objects alone, NaN for
    fewer than two. `badge_first`: whether the badge has the largest density. `badge_lift`: its density over the map's
    mean (NaN for a map of zeros). Both are NaN without a badge.
    """
    found = densities(saliency, truth.masks)
    effects, objects, badge = truth.effects, truth.of("object"), np.flatnonzero(truth.of("badge"))
    mean = float(saliency.double().mean())
    several = objects.sum() > 1
    return {
        "rho": spearman(effects, found),
        "r": pearson(effects, found),
        "pointing": first_place(found, int(effects.argmax())),
        "top1_objects": first_place(found[objects], int(effects[objects].argmax())) if several else math.nan,
        "badge_first": first_place(found, int(badge[0])) if len(badge) else math.nan,
        "badge_lift": float(found[badge[0]]) / mean if len(badge) and mean > 0 else math.nan,
    }


def facts(truth: Truth) -> dict[str, Any]:
    """The facts of a scene that no map enters: its things, their largest effect, and the effect of the badge.

    `chance`, `chance_objects`: the expected `pointing` and `top1_objects` of a random map. `flips`: the network
    predicts the target with the badge and another class without it.
    """
    badge, n_objects = np.flatnonzero(truth.of("badge")), int(truth.of("object").sum())
    known = {
        "setting": truth.scene.setting,
        "target": truth.target,
        "n_things": len(truth.kinds),
        "n_objects": n_objects,
        "largest_effect": float(truth.effects.max()),
        "chance": 1 / len(truth.kinds),
        "chance_objects": 1 / n_objects if n_objects > 1 else math.nan,
        "badge_effect": math.nan,
        "badge_effect_first": math.nan,
        "flips": False,
    }
    if len(badge):
        k = int(badge[0])
        known |= {
            "badge_effect": float(truth.effects[k]),
            "badge_effect_first": first_place(truth.effects, k),
            "flips": truth.predicted == truth.target != int(truth.predicted_without[k]),
        }
    return known
