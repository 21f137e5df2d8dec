"""From the rows of the studies `alzheimer` and `sanity` to their tables.

The unit of every interval and test is a component of near-duplicates: slices of one head are no independent
observations. A phantom is a component of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from analysis.chapters.alzheimer.networks.tuning import RULE_OF
from analysis.judging.compare import BETTER, compare
from analysis.page.empty import table_of
from analysis.page.panels import MEASURES, chosen, method_table, panels, prepared, wide
from analysis.statistics import bootstrap_interval
from cluscam_lite.methods import METHODS, method_info

LEVEL = 0.95


def unit_of(rows: pd.DataFrame) -> dict[str, Any]:
    """Image id -> its component; of a phantom, its own id."""
    one = rows.drop_duplicates("image_id")
    return {i: i if c == -1 else int(c) for i, c in zip(one["image_id"], one["component"], strict=True)}


def by_component(rows: pd.DataFrame) -> pd.DataFrame:
    """The prepared rows with the images of a component averaged into one; rows with a reason stay as they are.

    `image_id` is then the component's number, as text.
    """
    ran = rows[rows["reason"] == ""]
    ran = ran.assign(image_id=ran["image_id"].map(unit_of(rows)).astype(str))
    keys = ["model", "layer", "panel", "method", "variant", "seed", "form", "fill", "image_id"]
    numbers = [
        c for c in ran.select_dtypes(["number", "bool"]).columns if c not in (*keys, "class_images", "component")
    ]
    averaged = ran.groupby(keys, sort=False)[numbers].mean().reset_index().assign(reason="")
    return pd.concat([averaged, rows[rows["reason"] != ""]], ignore_index=True)


def means_table(rows: pd.DataFrame) -> pd.DataFrame:
    """AD, IC and AG of every method, means over components with BCa intervals; `slices` counts images."""
    table = method_table(by_component(prepared(rows)), MEASURES)
    return table.assign(slices=_counts(prepared(rows), table))


def _counts(rows: pd.DataFrame, table: pd.DataFrame) -> list[int]:
    """How many images each row of a `method_table` is about."""
    ran = rows[(rows["reason"] == "") & (rows["variant"] == "")]
    counts = ran.groupby(["model", "panel", "method"])["image_id"].nunique()
    return [int(counts.get(key, 0)) for key in table[["model", "panel", "method"]].itertuples(index=False, name=None)]


def comparison_table(rows: pd.DataFrame, measure: str, form: str = "raw", fill: str = "mean") -> pd.DataFrame:
    """ClusCAM against every other method in every panel, on the images of both, by component; above 0 it is better."""
    found = []
    for model, panel, block in panels(prepared(rows)):
        units = unit_of(block)
        table = wide(block, measure, form, fill)
        for other in (name for name in table if name != "cluscam" and "cluscam" in table):
            both = table[["cluscam", other]].dropna()
            means = both.groupby(both.index.map(units)).mean()
            if len(means) >= 2:
                row = {"model": model, "panel": panel, "against": other, "slices": len(both)}
                found.append(row | compare(means["cluscam"], means[other], measure))
    return pd.DataFrame(found)


def tuned_table(rows: pd.DataFrame) -> pd.DataFrame:
    """ClusCAM with K and r lent by the registry ("") and tuned: a row for each panel and variant that ran.

    AD, IC and AG are means over components; `mean`, `low` and `high` are of the difference of the IC, tuned less lent,
    in points, on the same slices.
    """
    found = []
    for model, panel, block in panels(prepared(rows)):
        own = chosen(block[block["method"] == "cluscam"], variants=True)
        lent, units = own[own["variant"] == ""].set_index("image_id"), unit_of(block)
        for variant in RULE_OF:
            tuned = own[own["variant"] == variant].set_index("image_id")
            both = [i for i in tuned.index if i in lent.index]
            if len({units[i] for i in both}) < 2:
                continue
            if not any(row["model"] == model and row["panel"] == panel for row in found):
                found.append(_setting(model, panel, "", lent.loc[both], units))
            one, other = (_by_unit(part.loc[both, "increase"], units) for part in (tuned, lent))
            row = _setting(model, panel, variant, tuned.loc[both], units)
            found.append(row | compare(one, other, "increase"))
    return table_of(found, "model", "panel", "variant", "slices", *MEASURES.values(), "mean", "low", "high")


def _setting(model: str, panel: str, variant: str, rows: pd.DataFrame, units: Mapping[str, Any]) -> dict[str, Any]:
    """Means over components of a setting's rows, which are indexed by image."""
    means = {heading: _by_unit(rows[measure], units).mean() for measure, heading in MEASURES.items()}
    return {"model": model, "panel": panel, "variant": variant, "slices": len(rows)} | means


def _by_unit(values: pd.Series, units: Mapping[str, Any]) -> pd.Series:
    """The mean of each component."""
    return values.astype(float).groupby(values.index.map(units)).mean()


def rank_table(rows: pd.DataFrame, models: Sequence[str], measure: str = "increase") -> pd.DataFrame:
    """How stable the order of the methods is over networks that differ in the seed of their training alone.

    A row for each panel and method: `mean`, and the rank (1 the best) under each network in the order of `models`, on
    the images that all of them have; `W` is Kendall's coefficient of concordance of the panel, 1 for equal orders.
    """
    ready, found = chosen(prepared(rows)), []
    ready = ready[ready["model"].isin(models)]
    for panel, block in ready.groupby("panel", sort=False):
        values = block.pivot(index="image_id", columns=["model", "method"], values=measure).astype(float)
        usual = [n for n in METHODS if all((m, n) in values and values[m, n].notna().any() for m in models)]
        values = values[[(m, n) for m in models for n in usual]].dropna()
        if len(values) < 2 or len(usual) < 2:
            continue
        means = values.mean().unstack(0).loc[usual, list(models)]  # (methods, networks)
        turned = -means if BETTER[measure] == "higher" else means
        ranks = turned.apply(rankdata, axis=0)
        agreement = concordance(ranks.to_numpy())
        for name in usual:
            row = {"panel": panel, "method": name, "title": method_info(name).title, "images": len(values)}
            row |= {"mean": means.loc[name].mean(), "ranks": [float(r) for r in ranks.loc[name]], "W": agreement}
            found.append(row)
    return table_of(found, "panel", "method", "title", "images", "mean", "ranks", "W")


def concordance(ranks: np.ndarray) -> float:
    """Kendall's W of ranks (n things, m judges), 0 to 1, with the correction for ties."""
    n, m = ranks.shape
    sums = ranks.sum(1)
    ties = sum(float((counts**3 - counts).sum()) for counts in (np.unique(r, return_counts=True)[1] for r in ranks.T))
    worst = m**2 * (n**3 - n) - m * ties
    return 12 * float(((sums - sums.mean()) ** 2).sum()) / worst if worst else float("nan")


def sanity_table(rows: pd.DataFrame) -> pd.DataFrame:
    """How much of each method's maps stays when the network's parameters are drawn anew.

    A row for each network, panel, method and extent: mean `rho` of the maps' pixels, and mean `rise` of their entropy,
    in percent, over components with BCa intervals; `undefined` counts images without (a constant map).
    """
    found = []
    for model, panel, block in panels(prepared(rows)):
        units = unit_of(block)
        there = set(block["method"].unique())
        for name in (name for name in METHODS if name in there):
            for extent, mine in block[block["method"] == name].groupby("extent", sort=False):
                row = {"model": model, "panel": panel, "method": name, "title": method_info(name).title}
                row |= {"kind": method_info(name).kind, "extent": extent, "images": mine["image_id"].nunique()}
                by_image = mine.set_index("image_id")[["rho", "entropy_rise"]]
                row |= _interval("rho", _by_unit(by_image["rho"], units))
                row |= _interval("rise", 100 * _by_unit(by_image["entropy_rise"], units))
                row |= {"undefined": int(mine["rho"].isna().sum()), "reason": next(iter(mine["reason"]), "")}
                found.append(row)
    return table_of(
        found, "model", "panel", "method", "title", "kind", "extent", "images", "rho", "rise", "undefined", "reason"
    )


def _interval(heading: str, values: pd.Series) -> dict[str, float]:
    values = values.dropna().astype(float)
    if len(values) < 2:
        mean = float(values.mean()) if len(values) else float("nan")
        return {heading: mean, f"{heading} low": float("nan"), f"{heading} high": float("nan")}
    interval = bootstrap_interval(values, level=LEVEL)
    return {heading: interval.estimate, f"{heading} low": interval.low, f"{heading} high": interval.high}
