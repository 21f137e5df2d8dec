"""From the rows of the study `hyperparameters` to P(K), to what Algorithm 2 chooses, and to how far that holds.

A bootstrap draw takes one seed of K-Means and as many images as there are, with replacement: it stands for another
choice of validation images and another run. `mixture_evidence`, beside this file, has what Algorithm 3 makes of the
same rows.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.page.empty import table_of
from analysis.page.panels import blocks
from analysis.statistics import bootstrap_interval
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError
from cluscam_lite.tuning import RULES, curvature, elbow

DRAWS = 2000
NOISE_DRAWS = 20_000
CHOSEN = ("mode", "share", "share by chance", "near", "near by chance")
LEVEL = 0.95


@dataclass(frozen=True)
class Curves:
    """P of every image: `values` (S, n, M), the mean score of an image's groups under each seed and candidate size.

    `grid` (M,) are the sizes, `seeds` (S,), `images` (n,) the ids. Images that lack a seed or a size are left out.
    """

    grid: tuple[int, ...]
    seeds: tuple[int, ...]
    images: tuple[str, ...]
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """P(K) over all seeds and images, (M,)."""
        return self.values.mean((0, 1))


def curves(block: pd.DataFrame) -> Curves:
    """P of every image of one block's rows. Raises CluscamError if no image has all seeds and sizes."""
    means = block.groupby(["image_id", "seed", "n_clusters"], sort=False)["score"].mean()
    wide = means.astype(float).unstack(["seed", "n_clusters"]).sort_index(axis=1)  # columns: seed, then size
    wide = wide.reindex(block["image_id"].unique()).dropna()
    if not len(wide):
        raise CluscamError("no image has rows for every seed and size; let the study go on")
    seeds, grid = (tuple(int(v) for v in wide.columns.unique(level)) for level in ("seed", "n_clusters"))
    values = wide.to_numpy().reshape(len(wide), len(seeds), len(grid)).transpose(1, 0, 2)
    return Curves(grid, seeds, tuple(wide.index), values)


def whole_images(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the images that have every seed and size of their block: what a run that goes on has finished."""
    found = [block[block["image_id"].isin(curves(block).images)] for _, _, block in blocks(rows)]
    return pd.concat(found) if found else rows


def proxy_table(rows: pd.DataFrame) -> pd.DataFrame:
    """P(K) of each block and size: mean over images (each the mean of its seeds), BCa interval, curvature C(K).

    `groups`: how many were found on average; `coverage`: mean of the masks; `least`, `most`: P of single seeds.
    """
    found = []
    for model, layer, block in blocks(rows):
        of = curves(block)
        bends = [np.nan, np.nan, *curvature(of.grid, of.mean)]
        sizes = block.groupby("n_clusters").agg(coverage=("coverage", "mean"), n=("score", "size"))
        by_seed = of.values.mean(1)  # (S, M)
        for j, k in enumerate(of.grid):
            row = {"model": model, "layer": layer, "K": k, "images": len(of.images), "P": of.mean[j]}
            row |= {"P low": np.nan, "P high": np.nan}
            if len(of.images) > 1:
                interval = bootstrap_interval(of.values[:, :, j].mean(0), level=LEVEL)
                row |= {"P low": interval.low, "P high": interval.high}
            row |= {"least": by_seed[:, j].min(), "most": by_seed[:, j].max(), "C": bends[j]}
            row |= {"groups": sizes.loc[k, "n"] / block.groupby(["image_id", "seed"]).ngroups}
            found.append(row | {"coverage": sizes.loc[k, "coverage"]})
    return pd.DataFrame(found)


@lru_cache(maxsize=8)
def resamples(n_seeds: int, n_images: int, draws: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Which seed each draw takes, (draws,), and how often each image, (draws, n); kept for the next curves."""
    rng = np.random.default_rng(seed)
    seeds = rng.integers(n_seeds, size=draws)
    counts = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=draws)
    for one in (seeds, counts):
        one.setflags(write=False)
    return seeds, counts


def bootstrap_choices(of: Curves, rule: str, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """K* of Algorithm 2 in each bootstrap draw, (draws,)."""
    seeds, counts = resamples(len(of.seeds), len(of.images), draws, seed)
    means = np.einsum("dn,dnm->dm", counts, of.values[seeds]) / len(of.images)  # (draws, M)
    return elbow(of.grid, means, rule)


def shares(choices: np.ndarray, grid: tuple[int, ...]) -> pd.Series:
    """The share of draws in which each size that can be chosen was, 0 to 1, by size."""
    return pd.Series({k: float((choices == k).mean()) for k in grid[2:]})


def noise_shares(grid: tuple[int, ...], draws: int = NOISE_DRAWS, seed: int = 0) -> pd.Series:
    """How often each size is chosen from a curve without any shape, by size: P(K) independent noise, by either rule.

    They are not as likely: C divides by the spacing twice, so that where candidates lie close, noise bends most.
    """
    noise = np.random.default_rng(seed).normal(size=(draws, len(grid)))
    return shares(elbow(grid, noise), grid)


def near_sizes(grid: tuple[int, ...], n_clusters: int) -> tuple[int, ...]:
    """The size of the grid that is nearest to a K (of two, the smaller), and its neighbours."""
    j = int(np.argmin(np.abs(np.asarray(grid) - n_clusters)))
    return grid[max(j - 1, 0) : j + 2]


def choice_table(rows: pd.DataFrame, draws: int = DRAWS) -> pd.DataFrame:
    """What Algorithm 2 chooses, a row for each block and rule, and how it holds under the bootstrap.

    `K`: on all images and seeds; `by seed`: on all images under each seed; `mode`, `share`: the most frequent K of
    the draws and how frequent it is, 0 to 1; `near`: the share of draws at Table 3's K or a neighbour of it among the
    candidates; `by chance` what `share` and `near` are for curves of noise (`noise_shares`); `without`: how many
    different K there are when each candidate is left out in turn.
    """
    found = []
    for model, layer, block in blocks(rows):
        of, printed = curves(block), get_spec(model).n_clusters
        noise = noise_shares(of.grid)
        close = near_sizes(of.grid, printed)
        for rule in RULES:
            by_size = shares(bootstrap_choices(of, rule, draws), of.grid)
            row = {"model": model, "layer": layer, "rule": rule, "images": len(of.images), "Table 3": printed}
            row |= {"K": int(elbow(of.grid, of.mean, rule))}
            row |= {"by seed": tuple(elbow(of.grid, of.values.mean(1), rule).tolist())}
            mode, is_near = int(by_size.idxmax()), by_size.index.isin(close)
            row |= {"mode": mode, "share": by_size.max(), "share by chance": noise[mode]}
            row |= {"near": by_size[is_near].sum(), "near by chance": noise[is_near].sum()}
            found.append(row | {"without": left_out(of, rule)["K"].nunique()})
    return table_of(found, "model", "layer", "rule", "images", "Table 3", "K", "by seed", *CHOSEN, "without")


def left_out(of: Curves, rule: str) -> pd.DataFrame:
    """K* when one candidate is left out of the grid, a row for each; of fewer than four candidates none can be."""
    found = []
    for j, k in enumerate(of.grid) if len(of.grid) > 3 else ():
        grid = of.grid[:j] + of.grid[j + 1 :]
        found.append({"left out": k, "K": int(elbow(grid, np.delete(of.mean, j), rule))})
    return pd.DataFrame(found, columns=["left out", "K"])


def rise_and_bend(of: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Of every image, (n,) each: how far P rises from the first size to the last (logits), and by how much its slope is
    steeper up to the middle size than after it (logits per group). Both are above 0 where P rises and saturates.
    """
    p, first, middle, last = of.values.mean(0), 0, (len(of.grid) - 1) // 2, len(of.grid) - 1
    early = (p[:, middle] - p[:, first]) / (of.grid[middle] - of.grid[first])
    late = (p[:, last] - p[:, middle]) / (of.grid[last] - of.grid[middle])
    return p[:, last] - p[:, first], early - late
