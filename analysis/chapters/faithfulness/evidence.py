"""From the rows of the study `faithfulness` to its tables: means, comparisons, what they decide, what changes them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.judging.compare import against_all, compare, judged
from analysis.statistics import bootstrap_interval
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import METHODS, method_info

MEASURES = {"drop": "AD", "increase": "IC", "gain": "AG"}
LOCATION = {"ep": "EP", "le": "LE"}
BLOCK = ["model", "panel"]
KEYS = ["image_id", "method", "variant", "form", "fill"]  # of a panel's rows


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `panel`, the layer at which methods are compared: what is read at "last_input" counts as "last".

    Raises CluscamError for a row of a method that is not registered.
    """
    unknown_names = set(rows["method"].unique()) - set(METHODS)
    if unknown_names:
        raise CluscamError(
            f"the rows name the method {sorted(unknown_names)[0]!r}, which is not registered; they come from another "
            "version of this project: run the study again"
        )
    return rows.assign(panel=rows["layer"].replace("last_input", "last"))


def panels(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The prepared rows of each network and panel, in the order in which they come: model, panel, rows."""
    for model, panel in rows[BLOCK].drop_duplicates().itertuples(index=False):
        yield model, panel, rows[(rows.model == model) & (rows.panel == panel)]


def panel_title(model: str, panel: str) -> str:
    """A network and panel in words; the layer is said where there are two."""
    spec = get_spec(model)
    where = {"paper": "patch embedding", "last": "last block"}.get(panel, panel)
    usual = spec.family == "cnn" and panel in ("paper", "last")
    return spec.title if usual else f"{spec.title}, {where}"


def chosen(rows: pd.DataFrame, form: str = "raw", fill: str = "mean", variants: bool = False) -> pd.DataFrame:
    """The rows of one form and fill; without `variants` only each method's own settings and seed."""
    mine = rows[(rows["form"] == form) & (rows["fill"] == fill)]
    return mine if variants else mine[mine["variant"] == ""]


def wide(rows: pd.DataFrame, measure: str, form: str = "raw", fill: str = "mean") -> pd.DataFrame:
    """One measure of one panel, percent: a row for each image, a column for each method; NaN where it did not run."""
    found = chosen(rows[[*KEYS, measure]], form, fill).pivot(index="image_id", columns="method", values=measure)
    found = found.astype(float)
    order = [name for name in METHODS if name in found.columns]
    return found[order].reindex(rows["image_id"].unique())


def method_table(
    rows: pd.DataFrame, measures: Mapping[str, str], form: str = "raw", fill: str = "mean", intervals: bool = True
) -> pd.DataFrame:
    """Means over images with BCa intervals, a row for each panel and method: `<name>`, `<name> low`, `<name> high`.

    Without `intervals` the limits are left out; on hundreds of images they take most of the time.
    Methods that cannot explain a network are rows without numbers, with the `reason`.
    """
    found = []
    used = {*BLOCK, *KEYS, *measures, "coverage", "forward_passes", "backward_passes", "uniform", "reason"}
    for model, panel, block in panels(rows[[column for column in rows if column in used]]):
        of_method = dict(iter(block.groupby("method")))
        for name in (name for name in METHODS if name in of_method):
            every = of_method[name][of_method[name]["variant"] == ""]
            mine = chosen(every, form, fill)
            row = {"model": model, "panel": panel, "method": name, "title": method_info(name).title}
            row |= {"kind": method_info(name).kind, "images": mine["image_id"].nunique()}
            for measure, heading in measures.items():
                values = mine[measure].dropna().astype(float) if measure in mine else []
                row |= _mean(heading, values, intervals)
            if len(mine):
                row |= {"coverage": mine["coverage"].mean(), "passes": mine["forward_passes"].mean()}
                row |= {"backward": mine["backward_passes"].mean(), "flat": mine["uniform"].astype(bool).mean()}
            reasons = every["reason"][every["reason"] != ""] if "reason" in every else []
            found.append(row | {"reason": next(iter(reasons), "")})
    return pd.DataFrame(found)


def _mean(heading: str, values: Sequence[float], intervals: bool) -> dict[str, float]:
    if len(values) < 2 or not intervals:
        return {heading: float(np.mean(values)) if len(values) else np.nan}
    interval = bootstrap_interval(values)
    return {heading: interval.estimate, f"{heading} low": interval.low, f"{heading} high": interval.high}


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


def claim_evidence(
    rows: pd.DataFrame, claim: Mapping[str, Any], groups: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """What each block of a claim's population says, on exactly its images; `decision` "not run" where one is missing.

    The images are the first n that the study ran in the panel; with `groups` (image id -> group), the means over those
    of a group are compared. p is Holm's over the blocks, so a decision waits for
    all of them.
    """
    contrast, found = claim["contrast"], []
    for block in claim["population"]["blocks"]:
        row = {"claim": claim["id"], "model": block["model"], "panel": block["layer"], "planned": block["n"]}
        row["tier"] = claim["tier"][block["model"]]
        pair = pair_of(rows, block, contrast)
        if pair is not None and groups is not None:
            pair = tuple(values.groupby(values.index.map(groups)).mean() for values in pair)
        found.append(row | (compare(pair[0], pair[1], contrast["measure"]) if pair is not None else {}))
    return judged(pd.DataFrame(found), contrast)


def pair_of(
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


def fill_table(rows: pd.DataFrame, measure: str = "increase") -> pd.DataFrame:
    """Circularity: ClusCAM scored with one fill (rows) and evaluated with each (columns), on the images all have."""
    found = []
    for model, panel, block in panels(rows):
        own = block[(block["method"] == "cluscam") & (block["form"] == "raw")]
        scored = {"mean": "", "black": "fill black", "blur": "fill blur"}
        of = {fill: own[own["variant"] == variant] for fill, variant in scored.items()}
        common = set.intersection(*(set(part["image_id"]) for part in of.values()))
        for fill, part in of.items():
            mine = part[part["image_id"].isin(common)]
            means = mine.groupby("fill")[measure].mean()
            if len(common):
                found.append({"model": model, "panel": panel, "scored with": fill, "images": len(common), **means})
    return pd.DataFrame(found)


def layer_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Every method at both layers of a network that has two, on the images of both: AD, IC and AG."""
    found = []
    for model in rows["model"].unique():
        mine = chosen(rows[rows["model"] == model])
        if mine["panel"].nunique() < 2:
            continue
        for name, part in mine.groupby("method", sort=False):
            by_panel = {panel: one.set_index("image_id") for panel, one in part.groupby("panel")}
            if len(by_panel) < 2:
                continue
            common = by_panel["paper"].index.intersection(by_panel["last"].index)
            row = {"model": model, "method": name, "images": len(common)}
            for measure, heading in MEASURES.items():
                row |= {
                    f"{heading}, {panel}": by_panel[panel].loc[common, measure].mean() for panel in ("paper", "last")
                }
            found.append(row)
    return pd.DataFrame(found)


def seed_table(rows: pd.DataFrame, measures: Sequence[str] = ("drop", "increase", "gain")) -> pd.DataFrame:
    """ClusCAM's K-Means seeds: how much of a measure's variance lies between images, and how much between seeds of one.

    `image` and `seed` are standard deviations (variance components of a one-way layout), in percent; `mean low` and
    `mean high` are the smallest and largest mean over the images of any seed.
    """
    found = []
    for model, panel, block in panels(rows):
        own = block[(block["method"] == "cluscam") & (block["form"] == "raw") & (block["fill"] == "mean")]
        own = own[(own["variant"] == "") | own["variant"].str.startswith("seed ")]
        for measure in measures:
            table = own.pivot(index="image_id", columns="seed", values=measure).astype(float).dropna()
            if table.shape[1] < 2 or len(table) < 2:
                continue
            within = table.var(axis=1, ddof=1).mean()
            between = max(0.0, table.mean(axis=1).var(ddof=1) - within / table.shape[1])
            means = table.mean()
            row = {"model": model, "panel": panel, "measure": measure, "images": len(table), "seeds": table.shape[1]}
            row |= {"image": between**0.5, "seed": within**0.5, "mean low": means.min(), "mean high": means.max()}
            found.append(row)
    return pd.DataFrame(found)


def strata(rows: pd.DataFrame, measure: str = "increase") -> pd.DataFrame:
    """A measure by whether the network is right and how sure it is: there is little to gain above p = 0.99."""
    mine = chosen(rows)
    right = np.where(mine["label"] < 0, "label unknown", np.where(mine["label"] == mine["target"], "right", "wrong"))
    sure = np.where(mine["probability"] > 0.99, "p > 0.99", "p <= 0.99")
    found = mine.assign(network=right, confidence=sure).groupby([*BLOCK, "method", "network", "confidence"], sort=False)
    return found[measure].agg(["mean", "size"]).rename(columns={"size": "images"}).reset_index()
