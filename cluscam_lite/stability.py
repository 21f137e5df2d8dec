"""How much of a map is its seed's: the same images explained with several seeds, the mean map, spread and agreement."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .algorithm.clustering import SAME_EVERY_TIME
from .algorithm.inputs import check_seed
from .algorithm.masks import min_max
from .algorithm.targets import Target
from .cluscam import ClusCAM
from .errors import CluscamError, is_whole
from .explanation import Explanation
from .metrics.agreement import TOP, correlation, overlap
from .reading import read

Seeded = Callable[[Tensor, Target], Explanation]  # a method with a `seed`
ALIKE, APART = 0.9, 0.5  # correlations above and below which `Stability.sentence` says so
SAME_TOP = 0.7  # overlap of the top tenths below which alike maps are not called the same


@dataclass(frozen=True)
class Stability:
    """B images, each explained with S seeds.

    Attributes:
        seeds: the S seeds.
        explanations: of each seed, for the class that the first one explains.
        maps: (S, B, H, W) in [0, 1], their saliency.
        mean: (B, H, W) in [0, 1], the mean over the seeds, min-max normalised as every map is.
        spread: (B, H, W), the standard deviation over the seeds (of S - 1), 0 to 0.71.
        agreement: (B,) float64, the mean correlation of two seeds' maps, -1 to 1; NaN if no pair has one.
        overlap: (B,) float64, the mean overlap of their top tenths (Jaccard), 0 to 1; NaN likewise.
        undefined: (B,) int, the pairs of seeds of which one map has no contrast: they are left out of the two means.
        forward_passes: per image, over all seeds.
    """

    seeds: tuple[int, ...]
    explanations: tuple[Explanation, ...]
    maps: Tensor
    mean: Tensor
    spread: Tensor
    agreement: Tensor
    overlap: Tensor
    undefined: Tensor
    forward_passes: int

    def sentence(self, i: int = 0) -> str:
        """What image `i`'s seeds say of its map, for a reader who does not know what a correlation is.

        Raises CluscamError for an image that there is not.
        """
        if not is_whole(i) or not 0 <= i < len(self.agreement):
            raise CluscamError(f"the image is {i!r}; expected a number from 0 to {len(self.agreement) - 1}")
        n, agreement, shared = len(self.seeds), float(self.agreement[i]), float(self.overlap[i])
        if agreement != agreement:
            return f"{n} seeds: the maps have no contrast, so nothing can be said of how stable they are"
        if (self.maps[1:, i] == self.maps[0, i]).all():
            return f"{n} seeds: all give the same map to the last bit: nothing in it is random, or the seed is not used"
        words = "depends on the seed" if agreement >= APART else "depends more on the seed than on the image"
        if agreement >= ALIKE:
            same = "hardly depends on the seed"
            words = same if shared >= SAME_TOP else "keeps its outline over the seeds, but not its brightest part"
        return (
            f"{n} seeds: this map {words}: two seeds' maps correlate at {agreement:.2f}, and their top tenths of "
            f"pixels overlap by {100 * shared:.0f} %"
        )

    def report(self, i: int = 0) -> dict[str, Any]:
        """Image `i` as plain values for JSON; None where a number is not defined."""
        agreement, shared = float(self.agreement[i]), float(self.overlap[i])
        return {
            "seeds": list(self.seeds),
            "agreement": None if agreement != agreement else round(agreement, 6),
            "overlap": None if shared != shared else round(shared, 6),
            "top": TOP,
            "pairs_without_contrast": int(self.undefined[i]),
            "mean_spread": round(float(self.spread[i].mean()), 6),
            "forward_passes": self.forward_passes,
            "sentence": self.sentence(i),
        }


def over_seeds(
    explainer: Seeded | ClusCAM, x: Tensor, seeds: int | Sequence[int] = 5, target: Target = None
) -> Stability:
    """The same images with several seeds. ClusCAM reads their maps once and spends K passes for each seed.

    Args:
        explainer: a `ClusCAM`, or any other method that has a `seed`; its other settings stay.
        x: (B, 3, H, W), normalised as the network needs it.
        seeds: how many, at least 2, from the explainer's own on; or the seeds themselves.
        target: what is explained, as in the explainer's own call; every seed explains the same class.

    Returns:
        The maps of all seeds, their mean and spread, and how far they agree.

    Raises:
        CluscamError: fewer than two seeds, one twice or out of range, a method without a seed, or what the
            explainer raises.

    Example:
        >>> import torch
        >>> from cluscam_lite import ClusCAM
        >>> from cluscam_lite.stability import over_seeds
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=4), torch.nn.ReLU(),
        ...                           torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 5))
        >>> found = over_seeds(ClusCAM(net, n_clusters=4), torch.rand(2, 3, 32, 32), seeds=3)
        >>> found.mean.shape, found.spread.shape, found.agreement.shape
        (torch.Size([2, 32, 32]), torch.Size([2, 32, 32]), torch.Size([2]))
    """
    chosen = seeds_of(explainer, seeds)
    if isinstance(explainer, ClusCAM):
        reading = read(explainer.model, x, target)
        found: list[Explanation] = [explainer.explain(reading, seed) for seed in chosen]
        shared_passes = len(chosen) - 1
    else:
        shared_passes = 0
        found = [_with_seed(explainer, chosen[0])(x, target)]
        if not isinstance(found[0], Explanation):
            raise CluscamError(
                f"{type(explainer).__name__} gives a {type(found[0]).__name__}; expected an `Explanation`, as every "
                "method of `cluscam_lite.methods.method` gives"
            )
        found += [_with_seed(explainer, seed)(x, found[0].target) for seed in chosen[1:]]
    maps = torch.stack([e.saliency for e in found])  # (S, B, H, W)
    per_image = [_pairs(maps[:, i]) for i in range(maps.shape[1])]
    agreement, shared, undefined = zip(*per_image, strict=True)
    return Stability(
        seeds=chosen,
        explanations=tuple(found),
        maps=maps,
        mean=min_max(maps.mean(0))[0],
        spread=maps.std(0),
        agreement=torch.tensor(agreement, dtype=torch.float64),
        overlap=torch.tensor(shared, dtype=torch.float64),
        undefined=torch.tensor(undefined),
        forward_passes=sum(e.forward_passes for e in found) - shared_passes,
    )


def seeds_of(explainer: Any, seeds: int | Sequence[int]) -> tuple[int, ...]:
    """The seeds that are meant. Raises CluscamError as `over_seeds` says."""
    own = getattr(explainer, "seed", None)
    if own is None:
        raise CluscamError(
            f"{type(explainer).__name__} has no seed, so all seeds give the same map; use a method with one, such as "
            "ClusCAM"
        )
    if getattr(explainer, "clustering", None) in SAME_EVERY_TIME:
        raise CluscamError(
            f"the clustering {explainer.clustering!r} has nothing random, so all seeds give the same map; use another"
        )
    if not is_whole(own):
        raise CluscamError(f"the method has the seeds {own!r}, one for each image; give it one to begin with")
    seeds = seeds.tolist() if isinstance(seeds, np.ndarray) else seeds
    if not is_whole(seeds) and (not isinstance(seeds, Sequence) or isinstance(seeds, str)):
        raise CluscamError(f"seeds is {seeds!r}; expected how many, at least 2, or a list of seeds")
    chosen = tuple(range(own, own + max(seeds, 0))) if is_whole(seeds) else tuple(seeds)  # type: ignore[arg-type]
    if len(chosen) < 2 or len(set(chosen)) < len(chosen):
        raise CluscamError(f"seeds is {seeds!r}; expected at least 2 different ones, since one agrees with itself")
    return tuple(check_seed(seed) for seed in chosen)


def _with_seed(explainer: Any, seed: int) -> Any:
    if is_dataclass(explainer):
        return replace(explainer, seed=seed)  # type: ignore[type-var]
    other = copy.copy(explainer)
    other.seed = seed
    return other


def _pairs(maps: Tensor) -> tuple[float, float, int]:
    """Mean correlation and overlap of the pairs of maps (S, H, W), and the number of pairs that have none."""
    pairs = [(correlation(a, b), overlap(a, b)) for a, b in combinations(maps, 2)]
    defined = [pair for pair in pairs if pair[0] == pair[0]]
    if not defined:
        return float("nan"), float("nan"), len(pairs)
    r, shared = (sum(values) / len(defined) for values in zip(*defined, strict=True))
    return r, shared, len(pairs) - len(defined)
