"""Algorithm 3 on the rows of the study `hyperparameters`: r, its bootstrap, and how it depends on the fit."""

import hashlib
import json
import warnings
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.chapters.hyperparameters.evidence import LEVEL, resamples
from analysis.chapters.hyperparameters.mixture_bootstrap import bootstrap_ratios
from analysis.page.empty import table_of
from analysis.page.panels import blocks
from analysis.paths import REFERENCE
from cluscam_lite import get_spec
from cluscam_lite.errors import ClusCAMWarning
from cluscam_lite.tuning import fit_mixture
from cluscam_lite.tuning.mixture import STARTS, TOLERANCE, Mixture

RATIO_DRAWS = 5000  # of the reference run, kept beside its rows
QUICK_DRAWS = 500  # of other rows, which are fitted when they are asked for
KEPT = REFERENCE / "hyperparameters" / "ratio_draws.json"
REPEATS = 200  # of the draws, for the Monte Carlo error
Key = tuple[str, str, int, int]  # network, digest of the rows, draws, seed
_REMEMBERED: dict[Key, np.ndarray] = {}
SKLEARN = 1e-3  # scikit-learn's default tolerance: EM stops when the mean log-likelihood gains less


def size_for(model: str, block: pd.DataFrame) -> int:
    """The candidate K at which r is computed: the nearest to the K of Table 3 in the network's spec."""
    sizes = np.sort(block["n_clusters"].unique())
    return int(sizes[np.abs(sizes - get_spec(model).n_clusters).argmin()])


def scores_at(block: pd.DataFrame, n_clusters: int, seed: int) -> pd.DataFrame:
    """The rows of one size and one seed of K-Means."""
    return block[(block["n_clusters"] == n_clusters) & (block["seed"] == seed)]


def quiet_fit(scores: pd.Series, **options: object) -> Mixture:
    """`fit_mixture`, without the warning that EM was stopped before it had converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusCAMWarning)
        return fit_mixture(scores.to_numpy(float), **options)


def ratio_table(rows: pd.DataFrame) -> pd.DataFrame:
    """r of Algorithm 3 for each block, size and seed of K-Means, and Table 3's for the nearest network.

    It is fitted by the EM of the bootstrap, with weight 1 for each row: equal to scikit-learn's to three digits, in a
    tenth of the time.
    """
    found = []
    for model, layer, block in blocks(rows):
        known = {"model": model, "layer": layer, "Table 3": get_spec(model).drop_ratio}
        for (k, seed), mine in block.groupby(["n_clusters", "seed"]):
            (r,) = bootstrap_ratios(mine["score"].to_numpy(float), np.ones((1, len(mine))))
            found.append(known | {"K": int(k), "seed": int(seed), "r": float(r)})
    return pd.DataFrame(found)


def bootstrap_r(model: str, block: pd.DataFrame, draws: int | None = None, seed: int = 0) -> np.ndarray:
    """r in each bootstrap draw, (draws,), at the size of `size_for`; the mixture is fitted anew in each.

    `block` has all seeds of its images (`evidence.whole_images`). A hundred images take seconds to minutes, so the
    draws of the same rows are remembered, and those of the reference run are read from the file beside its rows.
    Without `draws` there are `RATIO_DRAWS` where these are kept, else `QUICK_DRAWS`.
    """
    rows = digest(block)
    if draws is None:
        draws = RATIO_DRAWS if (model, rows, RATIO_DRAWS, seed) in kept_draws() else QUICK_DRAWS
    key = (model, rows, draws, seed)
    if key not in _REMEMBERED:
        kept = kept_draws().get(key)
        _REMEMBERED[key] = fitted_draws(model, block, draws, seed) if kept is None else kept
    return _REMEMBERED[key]


def digest(block: pd.DataFrame) -> str:
    """The SHA-256 of what the draws depend on: images, seeds, sizes and scores of the rows, in their order."""
    found = hashlib.sha256("\n".join(block["image_id"]).encode())
    for name, kind in (("seed", np.int64), ("n_clusters", np.int64), ("score", np.float64)):
        found.update(block[name].to_numpy(kind).tobytes())
    return found.hexdigest()


@lru_cache(maxsize=1)
def kept_draws() -> dict[Key, np.ndarray]:
    """The draws of the reference run that the module `ratio_draws` has kept; empty where there is no such file."""
    if not KEPT.is_file():
        return {}
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    return {(one["model"], one["rows"], len(one["r"]), one["seed"]): np.array(one["r"]) for one in found["blocks"]}


def fitted_draws(model: str, block: pd.DataFrame, draws: int, seed: int, first: int | None = None) -> np.ndarray:
    """The draws of `bootstrap_r`, computed; only the first ones if `first` is given, (first,)."""
    k = size_for(model, block)
    images = block["image_id"].unique()
    of_kmeans = np.sort(block["seed"].unique())
    seeds, counts = (drawn[:first] for drawn in resamples(len(of_kmeans), len(images), draws, seed))
    found = np.empty(len(seeds))
    for i, number in enumerate(of_kmeans):
        mine, chosen = scores_at(block, k, number), seeds == i
        if chosen.any():
            column = pd.Index(images).get_indexer(mine["image_id"])
            found[chosen] = bootstrap_ratios(mine["score"].to_numpy(float), counts[chosen][:, column])
    return found


def r_interval(draws: np.ndarray) -> tuple[float, float]:
    """The percentile interval of bootstrap draws."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def width_error(draws: np.ndarray, repeats: int = REPEATS, seed: int = 0) -> float:
    """The Monte Carlo standard error of the width of `r_interval`: how much other draws, as many, would change it.

    By resampling the draws (n,), which are independent, `repeats` times; it falls as the root of n.
    """
    drawn = np.random.default_rng(seed).choice(draws, size=(repeats, len(draws)))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return float((high - low).std(ddof=1))


def start_table(rows: pd.DataFrame, random_seeds: int = 3) -> pd.DataFrame:
    """The same scores (one seed of K-Means, the size of `size_for`), fitted from every start that scikit-learn offers.

    A row for each block, start, random seed and tolerance: `r`; `weight` of the lower component; `likelihood`, the mean
    log-likelihood per score (nats), and `behind`, its distance to the best of the block. `gap` is r minus the weight:
    zero at a fixed point of EM, where Eq. 9 gives the mixture's weight.
    """
    found = []
    for model, layer, block in blocks(rows):
        k = size_for(model, block)
        scores = scores_at(block, k, int(block["seed"].min()))["score"]
        mine = []
        for start in STARTS:
            for seed in range(random_seeds):
                for tolerance in (SKLEARN, TOLERANCE):
                    fit = quiet_fit(scores, start=start, seed=seed, tolerance=tolerance)
                    row = {"model": model, "layer": layer, "K": k, "start": start, "random seed": seed}
                    row |= {"tolerance": tolerance, "iterations": fit.iterations, "r": fit.drop_ratio}
                    row |= {"weight": fit.weights[0], "gap": fit.drop_ratio - fit.weights[0]}
                    mine.append(row | {"likelihood": fit.log_likelihood})
        best = max(row["likelihood"] for row in mine)
        found += [row | {"behind": best - row["likelihood"]} for row in mine]
    return table_of(found, "model", "layer", "tolerance", "start", "random seed", "K", "r", "gap", "iterations")


def start_summary(starts: pd.DataFrame) -> pd.DataFrame:
    """How much r depends on the start: least and greatest r, and the largest gap, for each block and tolerance."""
    found = []
    for (model, layer, tolerance), mine in starts.groupby(["model", "layer", "tolerance"], sort=False):
        usual = mine[(mine["start"] == STARTS[0]) & (mine["random seed"] == 0)].iloc[0]
        row = {"model": model, "layer": layer, "K": int(usual["K"]), "tolerance": tolerance, "r": usual["r"]}
        row |= {"least": mine["r"].min(), "most": mine["r"].max(), "gap": mine["gap"].abs().max()}
        found.append(row | {"iterations": int(usual["iterations"])})
    return table_of(found, "model", "layer", "K", "tolerance", "r", "least", "most", "gap", "iterations")
