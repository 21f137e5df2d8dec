"""Rows by panel (a network and a layer): their titles, their rows, and means of every method with intervals."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.page.empty import table_of
from analysis.statistics import bootstrap_interval
from analysis.studies.registry import find_study
from analysis.studies.rows import reference_rows
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import METHODS, method_info
from cluscam_lite.metrics.masking import COVERAGE

MEASURES = {"drop": "AD", "increase": "IC", "gain": "AG"}


LOCATION = {"ep": "EP", "le": "LE"}


BLOCK = ["model", "panel"]


KEYS = ["image_id", "method", "variant", "form", "fill"]  # of a panel's rows


REACHED = 0.02  # how far a map's coverage may be from the one that it was to be brought to


def reached(rows: pd.DataFrame) -> pd.Series:
    """Whether each row's map has the coverage that its form asks for: "matched" one half, other forms none.

    No power brings every map there (`cluscam_lite.metrics.matched`): zeros stay zeros and ones stay ones.
    """
    return (rows["form"] != "matched") | ((rows["coverage"] - COVERAGE).abs() <= REACHED)


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
    return table_of(
        found, *BLOCK, "method", "title", "kind", "images", *measures.values(), "coverage", "passes", "reason"
    )


def _mean(heading: str, values: Sequence[float], intervals: bool) -> dict[str, float]:
    if len(values) < 2 or not intervals:
        return {heading: float(np.mean(values)) if len(values) else np.nan}
    interval = bootstrap_interval(values)
    return {heading: interval.estimate, f"{heading} low": interval.low, f"{heading} high": interval.high}


def blocks(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The rows of each network and layer, in the order in which they come: model, layer, rows."""
    for model, layer in rows[["model", "layer"]].drop_duplicates().itertuples(index=False):
        yield model, layer, rows[(rows.model == model) & (rows.layer == layer)]


def values(
    rows: pd.DataFrame, source: str, setting: str, measure: str, form: str = "raw", variant: str = ""
) -> pd.Series:
    """One measure of one source and setting by image, in the study's order, by default of the first seed: empty where
    it did not run.
    """
    first = (rows["method"] == source) & (rows["variant"] == variant)
    mine = rows.loc[first, ["image_id", "setting", "form", measure]]
    mine = mine[(mine["setting"] == setting) & (mine["form"] == form)]
    return mine.set_index("image_id")[measure].astype(float)


def mean_of(heading: str, found: Sequence[float]) -> dict[str, float]:
    """A mean with its BCa interval as `<heading>`, `<heading> low`, `<heading> high`; needs two images."""
    if len(found) < 2:
        return {heading: float(np.mean(found)) if len(found) else np.nan}
    interval = bootstrap_interval(found)
    return {heading: interval.estimate, f"{heading} low": interval.low, f"{heading} high": interval.high}


@lru_cache(maxsize=1)
def reference_panels(study: str) -> pd.DataFrame:
    """The prepared rows of the reference run of a study of maps, as far as it has run."""
    return prepared(reference_rows(find_study(study)))


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
