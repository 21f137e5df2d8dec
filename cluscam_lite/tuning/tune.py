"""K, r and tau of a network from a sample of images: Algorithms 2 and 3 and Eq. 10, one after the other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..algorithm.features import MapsModel
from ..algorithm.weighting import temperature
from ..errors import CluscamError
from .elbow import RULES, check_grid, elbow, proxy
from .mixture import drop_ratio
from .scores import grid_scores


@dataclass(frozen=True)
class Choice:
    """What one rule of Algorithm 2 gives: K, r of Algorithm 3 at that K, and tau of Eq. 10."""

    n_clusters: int
    drop_ratio: float
    temperature: float


@dataclass(frozen=True)
class Tuning:
    """P(K) of Eq. 8 for every candidate of the `grid` (logits), and the choice of each rule, "argmax" and "argmin"."""

    grid: tuple[int, ...]
    proxies: tuple[float, ...]
    choices: dict[str, Choice]


def tune(
    model: MapsModel,
    images: Iterable[Tensor],
    grid: Sequence[int],
    seeds: Sequence[int] = (0,),
    batch_size: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Tuning:
    """Choose K, r and tau by the scores of images, for their top-1 classes: Algorithms 2 and 3 and Eq. 10.

    Args:
        model: what gives maps and output.
        images: normalised inputs, (1, 3, H, W) each.
        grid: the candidates K_1 < ... < K_M.
        seeds: of K-Means; P(K) and the mixture are of all seeds' scores together.
        batch_size: masked images per pass; None chooses by device and input size.
        progress: called with the number of images that are done.

    Raises:
        CluscamError: a bad grid, no image, a K above the number of maps, or scores to which no mixture can be fitted.
    """
    grid = check_grid(grid)
    by_size: dict[int, list[Tensor]] = {k: [] for k in grid}  # one array for each image and seed
    for done, x in enumerate(images, 1):
        for seed in seeds:
            for groups in grid_scores(model, x, grid, seed, batch_size=batch_size)[1]:
                by_size[groups.n_clusters].append(groups.scores)
        progress(done)
    if not by_size[grid[0]]:
        raise CluscamError("there is no image to tune on; give at least one")
    proxies = tuple(proxy(by_size[k]) for k in grid)
    choices = {}
    for rule in RULES:
        k = int(elbow(grid, proxies, rule))
        r = drop_ratio([score for image in by_size[k] for score in image.tolist()])
        choices[rule] = Choice(k, r, temperature(k, r))
    return Tuning(grid, proxies, choices)
