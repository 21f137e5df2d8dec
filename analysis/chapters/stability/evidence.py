"""From the rows of the study `stability` to its tables: how alike maps are, and what a change does to AD and IC."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from analysis.chapters.stability.perturbations import BASE, PERTURBATIONS
from analysis.judging.compare import compare, few_images, turned
from analysis.page.empty import table_of
from analysis.page.panels import mean_of, panels
from cluscam_lite.methods import METHODS

TITLES = {"soft": "ClusCAM, softer weights", "mean5": "ClusCAM, mean of five seeds"}
ORDER = ("cluscam", "soft", "mean5", *(name for name in METHODS if name != "cluscam"))
SEEDS = tuple(one.name for one in PERTURBATIONS.values() if one.needs == "seed")
MEASURES = ("correlation", "rank", "overlap")


def title_of(explainer: str) -> str:
    """The name of an explainer in tables and figures."""
    return TITLES.get(explainer) or METHODS[explainer].title


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `panel`, the layer at which methods are compared: "last_input" counts as "last"."""
    return rows.assign(panel=rows["layer"].replace("last_input", "last"))


def values(rows: pd.DataFrame, explainer: str, perturbations: Sequence[str], measure: str) -> pd.DataFrame:
    """One measure of one explainer in one panel: a row for each image that ran under all of the perturbations.

    A map without contrast has no correlation, and its value is NaN.
    """
    mine = rows[(rows["explainer"] == explainer) & rows["perturbation"].isin(perturbations)]
    ran = mine.groupby("image_id", sort=False)["perturbation"].nunique()
    whole = ran.index[ran == len(set(perturbations))]
    table = mine.pivot(index="image_id", columns="perturbation", values=measure).astype(float)
    return table.reindex(index=whole, columns=list(perturbations))


def cells(rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str, pd.DataFrame]]:
    """The prepared rows of each panel, explainer and perturbation but none, in the order of `ORDER`."""
    for model, panel, block in panels(rows):
        found = {key: mine for key, mine in block.groupby(["explainer", "perturbation"], sort=False)}
        for explainer in ORDER:
            for name in PERTURBATIONS:
                if (explainer, name) in found:
                    yield model, panel, explainer, name, found[explainer, name]


def agreement_table(rows: pd.DataFrame) -> pd.DataFrame:
    """How alike the maps are, a row for each panel, explainer and perturbation.

    Medians over images of `MEASURES`, the tenth percentile of the correlation (`worst`), on how many images there was
    none (`undefined`), and the share of images whose top class the change turns, in percent (`turned`).
    """
    found = []
    for model, panel, explainer, name, mine in cells(rows):
        row = {"model": model, "panel": panel, "explainer": explainer, "perturbation": name, "images": len(mine)}
        row |= {measure: mine[measure].astype(float).median() for measure in MEASURES}
        row |= {"worst": mine["correlation"].astype(float).quantile(0.1)}
        row |= {"undefined": int(mine["correlation"].isna().sum())}
        found.append(row | {"turned": 100 * float((mine["top1"] != mine["target"]).mean())})
    return table_of(found, "model", "panel", "explainer", "perturbation", "images", *MEASURES, "undefined", "turned")


def change_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What a change does to AD, IC and AG, image by image, in points; above 0 the measure is larger than before."""
    found = []
    for model, panel, explainer, name, mine in cells(rows):
        before = rows[(rows.model == model) & (rows.panel == panel) & (rows.explainer == explainer)]
        before = before[before.perturbation == BASE].set_index("image_id")
        row: dict[str, Any] = {"model": model, "panel": panel, "explainer": explainer, "perturbation": name}
        for measure, heading in (("drop", "AD"), ("increase", "IC"), ("gain", "AG")):
            after = mine.set_index("image_id")[measure].astype(float)
            row |= {"images": len(after)} | mean_of(heading, after - before.loc[after.index, measure].astype(float))
        found.append(row)
    return table_of(found, "model", "panel", "explainer", "perturbation", "images", "AD", "IC", "AG")


def use_table(rows: pd.DataFrame, explainers: Sequence[str] = ("cluscam", "soft", "mean5")) -> pd.DataFrame:
    """What stability costs: for ways to weigh ClusCAM's masks, the agreement of two seeds beside AD and IC.

    A row for each panel and explainer, on the images that it ran on; `IC gain` and `AD gain` are against "cluscam" on
    the same images, above 0 where the other is better.
    """
    found = []
    for model, panel, block in panels(rows):
        usual = {measure: values(block, "cluscam", [BASE], measure)[BASE] for measure in ("increase", "drop")}
        for explainer in explainers:
            again = values(block, explainer, ["seed 1"], "correlation")["seed 1"].dropna()
            if len(again) < 2:
                continue
            row = {"model": model, "panel": panel, "explainer": explainer, "images": len(again)}
            row |= mean_of("correlation", again)
            row |= {"overlap": values(block, explainer, ["seed 1"], "overlap")["seed 1"].mean()}
            for measure, heading in (("increase", "IC"), ("drop", "AD")):
                own = values(block, explainer, [BASE], measure)[BASE].loc[again.index]
                row |= mean_of(heading, own)
                if explainer != "cluscam":
                    other = usual[measure].loc[own.index]
                    better = compare(own, other, measure)
                    better |= few_images(turned(own.to_numpy(float), other.to_numpy(float), measure), measure)
                    row |= {f"{heading} gain{end}": better[key] for end, key in ENDS.items()}
            found.append(row)
    return table_of(found, "model", "panel", "explainer", "images", "correlation", "overlap", "IC", "AD")


ENDS = {"": "mean", " low": "low", " high": "high"}
