"""The numbers of the chapter *Build your own mask*: one picture, eight groups of its maps, and every choice of them."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from analysis.chapters.learn.coalitions import all_subsets, shapley, union
from analysis.chapters.learn.example import Example, example_of
from cluscam_lite import ClusCAM, Reading, read
from cluscam_lite.explanation import ClusteredExplanation

GROUPS = 8  # 256 choices


@dataclass(frozen=True)
class Playground:
    """One picture with the masks of its groups and the results for every choice of them.

    `cam` is ClusCAM with the network's own settings, and `full` what it gives; `few` is the same with eight groups.
    `subsets` as `coalitions.all_subsets` gives it for the masks of `few`; `values` (8,) are their Shapley values, in
    logits.
    """

    example: Example
    cam: ClusCAM
    reading: Reading
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

    @property
    def worst(self) -> int:
        """The subset with the lowest logit."""
        return int(self.subsets["logit"].argmin())


def playground(model: str, image: str, seed: int = 0) -> Playground:
    """The image `image` explained by the registered network `model`; `seed` is that of the clustering."""
    example = example_of(model, image)
    cam = ClusCAM.from_spec(example.spec, example.network, seed=seed)
    eight = ClusCAM.from_spec(example.spec, example.network, n_clusters=GROUPS, seed=seed)
    reading = read(cam.model, example.x, example.target)
    few, full = eight.explain(reading), cam.explain(reading)
    subsets = all_subsets(cam.model.output, example.x, few.masks[0], example.target)
    return Playground(example, cam, reading, few, full, subsets, shapley(subsets["logit"]))


def chosen_masks(play: Playground, subset: int) -> Tensor:
    """The mask (H, W) of a subset of the eight groups."""
    return union(play.few.masks[0], subset)


def share_above(play: Playground, subset: int) -> float:
    """Percent of the 256 subsets whose logit is above that of `subset`."""
    logits = play.subsets["logit"]
    return 100 * float((logits > logits[subset]).mean())
