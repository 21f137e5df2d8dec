"""What the rows of the study `hyperparameters` decide of the claims C10a to C10g (`analysis/paper/claims.yaml`)."""

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
from analysis.chapters.hyperparameters.mixture_evidence import bootstrap_r, r_interval
from analysis.engine.rows import NOT_RUN
from analysis.judging.rules import CONTRADICTED, INCONCLUSIVE, SUPPORTED, decide
from analysis.statistics import holm, mean_and_d_z, paired_t
from cluscam_lite import get_spec
from cluscam_lite.tuning import elbow


def claim_evidence(rows: pd.DataFrame, claim: Mapping[str, Any]) -> pd.DataFrame:
    """What each block of a claim's population says: its numbers, and the `decision` by the claim's own rule.

    "not run" where a block is not complete, that is, has not the claim's images under every seed and size of its
    population; where the rule has a p, Holm's, the decision waits for all blocks. `finding` is the numbers in words.
    """
    found, population = [], claim["population"]
    for block in population["blocks"]:
        row = {"claim": claim["id"], "model": block["model"], "layer": block["layer"], "planned": block["n"]}
        mine = complete(rows, block, population["grid"], population["seeds"])
        row |= {"tier": claim["tier"][block["model"]], "decision": NOT_RUN, "finding": NOT_RUN}
        judge = JUDGES[claim["criterion"]["of"]]
        found.append(row | (judge(mine, block["model"], claim["criterion"]) if mine is not None else {}))
    table = pd.DataFrame(found)
    if claim["criterion"]["of"] == "saturation":
        return _saturation_decided(table, claim["criterion"]["d_z"])
    return table


def complete(
    rows: pd.DataFrame, block: Mapping[str, Any], grid: Sequence[int], seeds: Sequence[int]
) -> pd.DataFrame | None:
    """The rows of a claim's block, None unless all its images are there under every one of the seeds and sizes."""
    if not len(rows):
        return None
    mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"])]
    groups = mine[["image_id", "seed", "n_clusters"]].drop_duplicates()
    expected = pd.MultiIndex.from_product([mine["image_id"].unique(), seeds, grid])
    if mine["image_id"].nunique() != block["n"] or set(groups.itertuples(index=False, name=None)) != set(expected):
        return None
    return mine


def stable_k(block: pd.DataFrame, model: str, criterion: Mapping[str, Any]) -> dict[str, Any]:
    """C10a, C10d: does one K* take nearly all draws, and is it that of every seed; or less than half of them?"""
    of, rule = curves(block), criterion["rule"]
    by_size, by_seed = _draws(of, rule), elbow(of.grid, of.values.mean(1), rule).tolist()
    mode, share = int(by_size.idxmax()), float(by_size.max())
    decision = INCONCLUSIVE
    if share < criterion["least"]:
        decision = CONTRADICTED
    elif share >= criterion["most"] and all(k == mode for k in by_seed):
        decision = SUPPORTED
    seeds = ", ".join(map(str, by_seed))
    return {"decision": decision, "finding": f"K = {mode} in {share:.0%} of the draws; by seed: {seeds}"}


def near_k(block: pd.DataFrame, model: str, criterion: Mapping[str, Any]) -> dict[str, Any]:
    """C10c, C10e: is K* Table 3's K or a neighbour of it in nearly all draws, or in hardly any?"""
    of, printed = curves(block), get_spec(model).n_clusters
    by_size = _draws(of, criterion["rule"])
    close = by_size.index.isin(near_sizes(of.grid, printed))
    share, mode = float(by_size[close].sum()), int(by_size.idxmax())
    decision = INCONCLUSIVE
    if share >= criterion["most"]:
        decision = SUPPORTED
    elif share < criterion["least"]:
        decision = CONTRADICTED
    sizes = ", ".join(map(str, by_size.index[close]))
    return {"decision": decision, "finding": f"one of {sizes} in {share:.0%} of the draws, most often K = {mode}"}


def stable_r(block: pd.DataFrame, model: str, criterion: Mapping[str, Any]) -> dict[str, Any]:
    """C10f: is the interval of r narrow, or wide?"""
    low, high = r_interval(bootstrap_r(model, block))
    decision = INCONCLUSIVE
    if high - low <= criterion["narrow"]:
        decision = SUPPORTED
    elif high - low > criterion["wide"]:
        decision = CONTRADICTED
    return {"decision": decision, "finding": f"r from {low:.0%} to {high:.0%}"}


def near_r(block: pd.DataFrame, model: str, criterion: Mapping[str, Any]) -> dict[str, Any]:
    """C10g: is the interval of r within a distance of Table 3's r, or wholly farther?"""
    (low, high), printed = r_interval(bootstrap_r(model, block)), get_spec(model).drop_ratio
    least, most = printed - criterion["within"], printed + criterion["within"]
    decision = INCONCLUSIVE
    if least <= low and high <= most:
        decision = SUPPORTED
    elif high < least or low > most:
        decision = CONTRADICTED
    return {"decision": decision, "finding": f"r from {low:.0%} to {high:.0%}; Table 3: {printed:.1%}"}


def saturation(block: pd.DataFrame, model: str, criterion: Mapping[str, Any]) -> dict[str, Any]:
    """C10b, up to its decision, which needs the p of the other blocks."""
    found: dict[str, Any] = {}
    words = []
    for name, x in zip(("rise", "bend"), rise_and_bend(curves(block)), strict=True):
        mean, effect = mean_and_d_z(x)
        found |= {name: mean.estimate, f"{name} low": mean.low, f"{name} high": mean.high}
        found |= {f"{name} d_z": effect.estimate, f"{name} d_z high": effect.high, f"{name} p": paired_t(x).p}
        words.append(f"{name} {mean.estimate:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]")
    return found | {"p": max(found["rise p"], found["bend p"]), "finding": "; ".join(words)}


def _saturation_decided(table: pd.DataFrame, sesoi: float) -> pd.DataFrame:
    """C10b: both contrasts have to be supported; either one can contradict."""
    if (table["finding"] == NOT_RUN).any():
        return table
    table = table.assign(**{"p (Holm)": holm(table["p"])})
    for i, row in table.iterrows():
        each = []
        for name in ("rise", "bend"):
            numbers = (row[f"{name} {what}"] for what in ("low", "high", "d_z", "d_z high"))
            each.append(decide(*numbers, row["p (Holm)"], sesoi))
        if CONTRADICTED in each:
            table.loc[i, "decision"] = CONTRADICTED
        else:
            table.loc[i, "decision"] = SUPPORTED if set(each) == {SUPPORTED} else INCONCLUSIVE
    return table


def _draws(of: Curves, rule: str) -> pd.Series:
    return shares(bootstrap_choices(of, rule), of.grid)


JUDGES: dict[str, Callable[[pd.DataFrame, str, Mapping[str, Any]], dict[str, Any]]] = {
    "stable K": stable_k,
    "near K": near_k,
    "saturation": saturation,
    "stable r": stable_r,
    "near r": near_r,
}
