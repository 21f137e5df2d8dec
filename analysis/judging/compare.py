"""Paired comparisons: two methods on the same images, their mean difference with interval, test and effect size."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.judging.rules import FEWEST, Thresholds
from analysis.page.panels import KEYS, panels, wide
from analysis.statistics import (
    bonett_price,
    mcnemar,
    mean_and_d_z,
    paired_t,
    rank_biserial,
    tost,
    tost_shares,
    wilcoxon,
)
from analysis.statistics.checks import without_rounding
from analysis.statistics.resampling.studentised import symmetric_t_interval

PairOf = Callable[[pd.DataFrame, Mapping[str, Any], Mapping[str, Any]], tuple[pd.Series, pd.Series] | None]

# measure -> is more better?
BETTER = {
    "drop": "lower",
    "increase": "higher",
    "gain": "higher",
    "drop_strict": "lower",
    "increase_strict": "higher",
    "gain_strict": "higher",
    "score": "higher",  # of masks, in logits
    "gain_over_p": "higher",
    "ep": "higher",
    "le": "lower",
    "le_soft": "lower",
    "le_half": "lower",
    "le_energy": "lower",
    "ep_unscaled": "higher",
    "le_unscaled": "lower",
}
# the measures that are 0 or 100 for each image
SHARES = ("increase", "increase_strict")
SMALL = 60  # images; with fewer a claim's interval of a mean is not BCa


def compare(first: ArrayLike, second: ArrayLike, measure: str, thresholds: Thresholds | None = None) -> dict[str, Any]:
    """`first` against `second` (n,), the same images in the same order, in percent; n >= 2.

    Differences are turned so that above 0 `first` is better. The test is McNemar's for shares of images (exact) and
    Wilcoxon's for the others, also for shares within groups of images; both two-sided. Intervals are BCa, but Bonett
    and Price's for shares that differ on fewer than `FEWEST` images, or groups: a group then counts as if all its
    images differed, the most that it can do. d_z and its interval are NaN where all differences are equal.
    `differing` counts the images (or groups) on which the two differ. A claim's `thresholds` add `p_equivalence`
    against the smallest effect of interest, and `uninformative`, why no difference could have been seen ("" if it
    could), and the interval of the mean by which a claim is judged on fewer than `SMALL` images (`few_images`). For
    shares that hardly differ a bootstrap interval is too narrow, since almost every difference that it resamples is 0.
    """
    a, b = (np.asarray(values, dtype=float) for values in (first, second))
    better = turned(a, b, measure)
    found = estimates(better) | {"rank-biserial": rank_biserial(better)}
    return found | tested(a, b, measure, thresholds)


def estimates(better: np.ndarray) -> dict[str, Any]:
    """What is estimated of paired differences (n,): how many there are and differ from 0, their mean and their d_z with
    BCa intervals.
    """
    mean, effect = mean_and_d_z(better)
    return {
        "n": len(better),
        "mean": mean.estimate,
        "low": mean.low,
        "high": mean.high,
        "d_z": effect.estimate,
        "d_z low": effect.low,
        "d_z high": effect.high,
        "differing": int((better != 0).sum()),
    }


def turned(a: np.ndarray, b: np.ndarray, measure: str) -> np.ndarray:
    """The differences of two methods, above 0 where the first is better."""
    better = (a - b) if BETTER[measure] == "higher" else (b - a)
    return without_rounding(better, float(np.abs([a, b]).max(initial=0)))


def tested(
    a: np.ndarray, b: np.ndarray, measure: str, thresholds: Thresholds | None = None, *, student: bool = False
) -> dict[str, Any]:
    """What `compare` says beside the bootstrap: the test, how many images differ, equivalence, what could not tell, and
    the interval of shares that hardly differ, `low` and `high`. `student` takes Student's t for the test.
    """
    better = turned(a, b, measure)
    ahead, behind = int((better > 0).sum()), int((better < 0).sum())
    single = measure in SHARES and bool(np.isin([a, b], (0, 100)).all())
    few = measure in SHARES and ahead + behind < FEWEST
    if single:
        test = mcnemar(a > 50, b > 50).exact
    else:
        test = (paired_t if student else wilcoxon)(better, alternative="two-sided")
    found = {"test": test.name, "p": test.p, "log10 p": test.log10_p, "differing": ahead + behind}
    if few:
        interval = bonett_price(ahead, behind, len(better))
        found |= {"low": 100 * interval.low, "high": 100 * interval.high}
    if thresholds is not None:
        found |= few_images(better, measure)
        found["p_equivalence"] = equivalence(better, thresholds, (ahead, behind) if single or few else None)
        found["uninformative"] = at_an_end(a, b, thresholds["sesoi"]) if measure in SHARES else ""
    return found


def few_images(better: np.ndarray, measure: str) -> dict[str, float]:
    """`low` and `high` of the mean of few differences, by the symmetric bootstrap t: BCa is then too sure of gains and
    drops, which are skewed and often 0 (`tests/statistics/test_studentised.py`). Infinite where too few differ.
    Nothing for shares, or from `SMALL` images on.
    """
    if measure in SHARES or len(better) >= SMALL:
        return {}
    interval = symmetric_t_interval(better)
    return {"low": interval.low, "high": interval.high}


def equivalence(better: np.ndarray, thresholds: Thresholds, shares: tuple[int, int] | None = None) -> float:
    """p of "the effect is smaller than the smallest of interest"; `better` (n,) are differences in the claim's unit.

    `shares` are the images on which one side of two shares of images is alone ahead, and the other. 1 where the
    differences have no spread, and nothing is known of it.
    """
    if thresholds["unit"] == "points" and shares is not None:
        return tost_shares(*shares, len(better), thresholds["sesoi"] / 100)
    if np.ptp(better) == 0:
        return 1.0
    units = "raw" if thresholds["unit"] == "points" else "d_z"
    return tost(better, margin=thresholds["sesoi"], units=units).p


def at_an_end(a: np.ndarray, b: np.ndarray, sesoi: float) -> str:
    """Why two shares, in percent of the images, had no room for a difference: both at a floor or a ceiling."""
    shares = a.mean(), b.mean()
    if max(shares) < sesoi:
        return f"a floor: both shares are below {sesoi:g} %"
    return f"a ceiling: both shares are above {100 - sesoi:g} %" if min(shares) > 100 - sesoi else ""


def one_class(rows: pd.DataFrame, block: Mapping[str, Any]) -> str:
    """Why a network that gives all images of a block one class explains nothing; "" if it gives several.

    `rows` of one network and layer, with `target`, the class that is explained, and `label`, where there are any.
    """
    if not {"target", "label"} <= {*rows.columns}:
        return ""
    images = rows.drop_duplicates("image_id").iloc[: block["n"]]
    alone = images["target"].nunique() == 1 and images["label"].nunique() > 1
    return f"the network answers one class on all {len(images)} images" if alone else ""


def against_all(wide: pd.DataFrame, name: str, measure: str) -> pd.DataFrame:
    """`name` against every other method: `wide` has a row for each image and a column for each method.

    Each pair is compared on the images that both have (dear methods ran on fewer); pairs with fewer than two are left
    out.
    """
    pairs = {other: wide[[name, other]].dropna() for other in wide.columns.drop(name)}
    return pd.DataFrame(
        {"against": other, **compare(both[name], both[other], measure)}
        for other, both in pairs.items()
        if len(both) >= 2
    )


def comparison_table(
    rows: pd.DataFrame, measure: str, form: str = "raw", fill: str = "mean", name: str = "cluscam"
) -> pd.DataFrame:
    """`name` against every other method in every panel; above 0 it is the better one."""
    found = []
    for model, panel, block in panels(rows):
        table = wide(block, measure, form, fill)
        if name in table:
            pairs = against_all(table, name, measure)
            found.append(pairs.assign(model=model, panel=panel, measure=measure, form=form, fill=fill))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def paired_evidence(
    rows: pd.DataFrame,
    claim: Mapping[str, Any],
    groups: Mapping[str, Any] | None = None,
    pair_of: PairOf | None = None,
) -> pd.DataFrame:
    """The comparison of a claim's two sides in each block of its population, on exactly the block's images.

    A row for each block: `model`, `panel`, and the numbers of `compare`, none where a side lacks an image. With
    `groups` (image id -> group), the means over the images of a group are compared. ``pair_of(rows, block, contrast)``
    gives the two sides, None if one is not complete; by default they are two methods.
    """
    contrast, found = claim["contrast"], []
    for block in claim["population"]["blocks"]:
        pair = (pair_of or methods_of)(rows, block, contrast)
        if pair is not None and groups is not None:
            pair = tuple(values.groupby(values.index.map(groups)).mean() for values in pair)
        row = {"model": block["model"], "panel": block["layer"]}
        if pair is not None:
            row |= compare(*pair, contrast["measure"], claim.get("thresholds"))
            at = "panel" if "panel" in rows else "layer"
            there = (rows["model"] == block["model"]) & (rows[at] == block["layer"])
            mine = rows.loc[there, [name for name in ("image_id", "target", "label") if name in rows]]
            row["uninformative"] = one_class(mine, block) or row.get("uninformative", "")
        found.append(row)
    return pd.DataFrame(found)


def methods_of(
    rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]
) -> tuple[pd.Series, pd.Series] | None:
    """The two methods' values on the block's images, None unless both ran on all of them.

    Localisation has values on the images with one box only; those are used. The contrast may name another `form` and
    `fill` than the maps as they are on the image's mean.
    """
    if not len(rows):
        return None
    there = (rows.model == block["model"]) & (rows.panel == block["layer"])
    pair = [contrast["method"], contrast["against"]]
    if not {*pair} <= set(rows.loc[there, "method"].unique()):
        return None
    needed = dict.fromkeys([*KEYS, "drop", contrast["measure"]])
    mine = rows.loc[there, list(needed)]  # filtering all columns would take most of the time
    how = contrast.get("form", "raw"), contrast.get("fill", "mean")
    ran = wide(mine, "drop", *how).reindex(columns=pair).iloc[: block["n"]]
    if len(ran) < block["n"] or ran.isna().any(axis=None):
        return None
    values = wide(mine, contrast["measure"], *how).loc[ran.index, pair].dropna()
    return values[contrast["method"]], values[contrast["against"]]
