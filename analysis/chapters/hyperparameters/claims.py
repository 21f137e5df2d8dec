"""What the rows of the study `hyperparameters` say of the claims C10a to C10g (`analysis/paper/claims.yaml`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.chapters.hyperparameters.evidence import (
    Curves,
    bootstrap_choices,
    curves,
    near_sizes,
    rise_and_bend,
    shares,
)
from analysis.chapters.hyperparameters.mixture_evidence import bootstrap_r, r_interval, width_error
from analysis.judging.compare import equivalence
from analysis.judging.sources import Claim
from analysis.statistics import mean_and_d_z, paired_t
from cluscam_lite import get_spec
from cluscam_lite.tuning import elbow

CHANCE = 1.96  # standard errors: 95 % of a normal distribution


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The numbers of each block of a claim's population, and the same in words, `text`.

    None for a block that has not the claim's images under every seed and size of its population.
    """
    found, population, measured = [], claim["population"], MEASURED[claim["criterion"]["of"]]
    for block in population["blocks"]:
        mine = complete(rows, block, population["grid"], population["seeds"])
        numbers = measured(mine, block["model"], claim) if mine is not None else {}
        found.append({"model": block["model"], "panel": block["layer"]} | numbers)
    return pd.DataFrame(found)


def complete(
    rows: pd.DataFrame, block: Mapping[str, Any], grid: Sequence[int], seeds: Sequence[int]
) -> pd.DataFrame | None:
    """The rows of a claim's block, None unless all its images are there under every one of the seeds and sizes."""
    if not len(rows):
        return None
    mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"])]
    planned = mine["seed"].isin(seeds).all() and mine["n_clusters"].isin(grid).all()
    if not planned or mine["image_id"].nunique() != block["n"]:
        return None
    there = len(mine[["image_id", "seed", "n_clusters"]].drop_duplicates())  # all are planned: so many are all of them
    return mine if there == block["n"] * len({*seeds}) * len({*grid}) else None


def stable_k(block: pd.DataFrame, model: str, claim: Claim) -> dict[str, Any]:
    """C10a, C10d: the share of draws of the most frequent K*, and whether every seed names that K on all images."""
    of, rule = curves(block), claim["criterion"]["rule"]
    by_size, by_seed = _draws(of, rule), elbow(of.grid, of.values.mean(1), rule).tolist()
    mode, share = int(by_size.idxmax()), float(by_size.max())
    text = f"K = {mode} in {share:.0%} of the draws; by seed: {', '.join(map(str, by_seed))}"
    return {"least": share, "most": share, "every seed": all(k == mode for k in by_seed), "text": text}


def near_k(block: pd.DataFrame, model: str, claim: Claim) -> dict[str, Any]:
    """C10c, C10e: the share of draws in which K* is the candidate next to Table 3's K, or a neighbour of that."""
    of, printed = curves(block), get_spec(model).n_clusters
    by_size = _draws(of, claim["criterion"]["rule"])
    close = by_size.index.isin(near_sizes(of.grid, printed))
    share, mode = float(by_size[close].sum()), int(by_size.idxmax())
    sizes = ", ".join(map(str, by_size.index[close]))
    text = f"one of {sizes} in {share:.0%} of the draws, most often K = {mode}"
    return {"least": share, "most": share, "text": text}


def stable_r(block: pd.DataFrame, model: str, claim: Claim) -> dict[str, Any]:
    """C10f: the width of the interval of r, from its least to its greatest value that the number of draws allows.

    That is `CHANCE` Monte Carlo standard errors to either side: a word must not depend on which draws were drawn.
    """
    draws = bootstrap_r(model, block)
    (low, high), error = r_interval(draws), width_error(draws)
    width = f"{high - low:.1%} wide (Monte Carlo error {error:.1%}, {len(draws):,} draws)"
    about = {"least": max(high - low - CHANCE * error, 0.0), "most": high - low + CHANCE * error}
    return about | {"text": f"r from {low:.0%} to {high:.0%}, {width}"}


def near_r(block: pd.DataFrame, model: str, claim: Claim) -> dict[str, Any]:
    """C10g: the least and greatest distance of r in its interval from Table 3's r."""
    (low, high), printed = r_interval(bootstrap_r(model, block)), get_spec(model).drop_ratio
    text = f"r from {low:.0%} to {high:.0%}; Table 3: {printed:.1%}"
    return {"least": max(low - printed, printed - high, 0.0), "most": max(printed - low, high - printed), "text": text}


def saturation(block: pd.DataFrame, model: str, claim: Claim) -> dict[str, Any]:
    """C10b: means of rise and bend with their intervals and effect sizes, and the larger p of the two."""
    found: dict[str, Any] = {}
    words = []
    for name, x in zip(("rise", "bend"), rise_and_bend(curves(block)), strict=True):
        mean, effect = mean_and_d_z(x)
        found |= {f"{name} mean": mean.estimate, f"{name} low": mean.low, f"{name} high": mean.high}
        found |= {f"{name} d_z": effect.estimate, f"{name} d_z low": effect.low, f"{name} d_z high": effect.high}
        found |= {f"{name} p": paired_t(x).p, f"{name} p_reversed": paired_t(x, alternative="less").p}
        found[f"{name} p_equivalence"] = equivalence(x, claim["thresholds"])
        words.append(f"{name} {mean.estimate:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]")
    return found | {"p": max(found["rise p"], found["bend p"]), "text": "; ".join(words)}


def _draws(of: Curves, rule: str) -> pd.Series:
    return shares(bootstrap_choices(of, rule), of.grid)


MEASURED: dict[str, Callable[[pd.DataFrame, str, Claim], dict[str, Any]]] = {
    "stable K": stable_k,
    "near K": near_k,
    "saturation": saturation,
    "stable r": stable_r,
    "near r": near_r,
}
