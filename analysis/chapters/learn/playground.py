"""The data of the chapter *Build your own mask*: one scene, eight groups, every subset, and several temperatures.

The page holds the data as JSON, so that the book needs no server. The static figures use the same data.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.chapters.learn.coalitions import all_subsets, shapley, union
from analysis.chapters.learn.example import Example, example_of
from cluscam_lite import ClusCAM
from cluscam_lite.explanation import ClusteredExplanation

MODEL, SCENE, GROUPS = "scene_cnn", "scene:8", 8  # a scene with several classes, of which the network is not certain
TEMPERATURES = 12


@dataclass(frozen=True)
class Playground:
    """One scene with the masks of its groups and the results for every choice of them.

    `few` is ClusCAM with eight groups, `full` with the network's own K; `subsets` as `coalitions.all_subsets` gives
    it for the masks of `few`; `values` (8,) their Shapley values, in logits.
    """

    example: Example
    few: ClusteredExplanation
    full: ClusteredExplanation
    subsets: dict[str, np.ndarray]
    values: np.ndarray

    @property
    def kept(self) -> int:
        """The subset of the groups that ClusCAM does not drop."""
        return sum(1 << j for j, weight in enumerate(self.few.weights[0].tolist()) if weight > 0)

    @property
    def best(self) -> int:
        """The subset with the highest logit."""
        return int(self.subsets["logit"].argmax())


def playground(seed: int = 0) -> Playground:
    """The chapter's scene, explained by the embedded CNN; `seed` is that of the clustering."""
    example = example_of(MODEL, SCENE)
    cam = ClusCAM.from_spec(example.spec, example.network, n_clusters=GROUPS, seed=seed)
    few = cam(example.x, example.target)
    full = ClusCAM.from_spec(example.spec, example.network, seed=seed)(example.x, example.target)
    subsets = all_subsets(cam.model.output, example.x, few.masks[0], example.target)
    return Playground(example, few, full, subsets, shapley(subsets["logit"]))


def chosen_masks(play: Playground, subset: int) -> Tensor:
    """The mask (H, W) of a subset of the eight groups."""
    return union(play.few.masks[0], subset)


def share_above(play: Playground, subset: int) -> float:
    """Percent of the 256 subsets whose logit is above that of `subset`."""
    logits = play.subsets["logit"]
    return 100 * float((logits > logits[subset]).mean())


def temperatures(explanation: ClusteredExplanation, n: int = TEMPERATURES) -> list[float]:
    """n temperatures from 0.05 to 20, ascending, evenly spaced in the logarithm; the nearest is set to Eq. 10's."""
    equation = float(explanation.temperature[0])
    taus = np.geomspace(0.05, 20, n)
    taus[np.abs(np.log(taus / equation)).argmin()] = equation
    return np.sort(taus).tolist()


def at_temperature(explanation: ClusteredExplanation, tau: float) -> dict[str, float | list[float] | Tensor]:
    """One image's map at another temperature, without a forward pass.

    `saliency` is (H, W), `weights` (K,) by falling score; the `heaviest` weight and `coverage` are in percent.
    `effective` is the exponential of the weights' entropy: the number of equal weights with the same entropy.
    """
    again = explanation.reweigh(temperature=tau)
    weights = again.weights[0].double()
    return {
        "tau": tau,
        "saliency": again.saliency[0],
        "weights": weights[again.scores[0].argsort(descending=True)].tolist(),
        "heaviest": 100 * float(weights.max()),
        "effective": float(torch.special.entr(weights).sum().exp()),
        "coverage": 100 * float(again.saliency[0].double().mean()),
    }
