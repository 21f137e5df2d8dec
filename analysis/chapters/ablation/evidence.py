"""From the rows of the study `ablation` to its tables: means, paired differences, and why they differ."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from analysis.judging.compare import compare
from analysis.page.empty import table_of
from analysis.page.panels import MEASURES, blocks, mean_of, values
from analysis.statistics import bootstrap_interval
from analysis.studies.mask_sources import KMEANS, SOURCES, TITLES
from analysis.studies.weightings import FIGURE_5, FULL, RATIOS, TEMPERATURES, UNIFORM

BLOCK = ["model", "layer"]
SPREAD = [f"{source} {part}" for source in (KMEANS, "random") for part in ("image", "seed")]  # of a `seed_table`

# the bars of Fig. 5 in its order: name -> (source, setting)
BARS = {
    "ClusCAM": (KMEANS, FULL),
    "no clustering": ("none", FULL),
    "spectral": ("spectral", FULL),
    "HDBSCAN": ("hdbscan", FULL),
    "agglomerative": ("agglomerative", FULL),
    "random partition": ("random", FULL),
    **{name: (KMEANS, setting) for name, setting in FIGURE_5.items() if name != "full"},
    "scores above the lowest": (KMEANS, "logit_shifted"),
    "uniform weights": (KMEANS, UNIFORM),
    "best group alone": (KMEANS, "best"),
}


def bars_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The paper's Fig. 5 and what it leaves out: AD, IC and AG with intervals, and how far ClusCAM's IC is ahead."""
    found = []
    for model, layer, block in blocks(rows):
        full = values(block, KMEANS, FULL, "increase")
        for bar, (source, setting) in BARS.items():
            row = {"model": model, "layer": layer, "bar": bar}
            for measure, heading in MEASURES.items():
                row |= mean_of(heading, values(block, source, setting, measure))
            own = values(block, source, setting, "increase")
            row["images"] = len(own)
            both = full.index.intersection(own.index)
            if bar != "ClusCAM" and len(both) >= 2:
                row |= _renamed(compare(full[both], own[both], "increase"), "ahead")
            found.append(row)
    return table_of(found, *BLOCK, "bar", "images", *MEASURES.values(), "ahead", "ahead low", "ahead high")


def _renamed(comparison: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: comparison["mean"], f"{name} low": comparison["low"], f"{name} high": comparison["high"]} | {
        "p": comparison["p"]
    }


def factorial_table(rows: pd.DataFrame, measure: str = "increase") -> pd.DataFrame:
    """Means of a measure for every clustering (rows) and every r and tau (columns), a block for each network."""
    found = []
    for model, layer, block in blocks(rows):
        there = set(block["method"].unique())
        for source in (name for name in SOURCES if name in there):
            row = {"model": model, "layer": layer, "source": source}
            for r in RATIOS:
                for tau in TEMPERATURES:
                    row[f"r {r}, tau {tau}"] = values(block, source, f"r {r}, tau {tau}", measure).mean()
            found.append(row)
    return table_of(found, *BLOCK, "source")


def spread(table: pd.DataFrame) -> pd.DataFrame:
    """How far each factor moves a `factorial_table`: the range of the means over its levels, in points."""
    found = []
    for (model, layer), mine in table.groupby(BLOCK, sort=False):
        grid = mine.set_index("source").drop(columns=BLOCK)
        by_r = pd.Series({r: grid[[f"r {r}, tau {t}" for t in TEMPERATURES]].to_numpy().mean() for r in RATIOS})
        by_tau = pd.Series({t: grid[[f"r {r}, tau {t}" for r in RATIOS]].to_numpy().mean() for t in TEMPERATURES})
        ranges = {"source of the masks": grid.mean(axis=1), "r": by_r, "tau": by_tau}
        found += [
            {"model": model, "layer": layer, "factor": name, "range": float(np.ptp(means)), "best": means.idxmax()}
            for name, means in ranges.items()
        ]
    return table_of(found, *BLOCK, "factor", "range", "best")


def sources_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Every source of masks, scored or with uniform weights, as it is or at a coverage of one half: IC with intervals.

    Beside: how many different masks there are (effective rank), within-cluster inertia, and the maps' coverage.
    """
    found = []
    for model, layer, block in blocks(rows):
        there = set(block["method"].unique())
        for source in (name for name in SOURCES if name in there):
            row = {"model": model, "layer": layer, "source": source, "masks": TITLES[source]}
            for name, setting in (("scored", FULL), ("uniform", UNIFORM)):
                for form in ("raw", "matched"):
                    row |= mean_of(f"{name}, {form}", values(block, source, setting, "increase", form))
            for fact in ("n_masks", "effective_rank", "inertia", "noise", "coverage"):
                row[fact] = values(block, source, FULL, fact).mean() if fact in block else np.nan
            mine = block[(block["method"] == source) & (block["variant"] == "")]
            row["without masks"] = int((mine["reason"] != "").sum())
            found.append(row)
    return table_of(
        found, *BLOCK, "source", "masks", "n_masks", "effective_rank", "inertia", "noise", "coverage", "without masks"
    )


def against_sources(rows: pd.DataFrame, form: str = "raw") -> pd.DataFrame:
    """The full method with K-Means' masks against the same with every other source's, in IC, image by image.

    Exploratory where no claim names the source. Above 0 K-Means is ahead.
    """
    found = []
    for model, layer, block in blocks(rows):
        own = values(block, KMEANS, FULL, "increase", form)
        there = set(block["method"].unique())
        for source in (name for name in SOURCES if name != KMEANS and name in there):
            other = values(block, source, FULL, "increase", form)
            both = own.index.intersection(other.index)
            if len(both) >= 2:
                row = {"model": model, "layer": layer, "source": source, "form": form}
                found.append(row | compare(own[both], other[both], "increase"))
    return table_of(found, *BLOCK, "source", "n", "mean", "low", "high")


def seed_table(rows: pd.DataFrame, measure: str = "increase") -> pd.DataFrame:
    """K-Means and random partitions over their seeds, a row for each network.

    `kmeans image`, `kmeans seed` (and so on): standard deviations between images and between seeds of one image
    (variance components of a one-way layout), percent. `ahead`: K-Means less random, the mean over the seeds of each
    image, with its interval over images.
    """
    found = []
    for model, layer, block in blocks(rows):
        row, by_image = {"model": model, "layer": layer, "measure": measure}, {}
        for source in (KMEANS, "random"):
            mine = block[(block["method"] == source) & (block["setting"] == FULL) & (block["form"] == "raw")]
            table = mine.pivot(index="image_id", columns="seed", values=measure).astype(float).dropna()
            if table.shape[1] < 2 or len(table) < 2:
                break
            within = table.var(axis=1, ddof=1).mean()
            between = max(0.0, table.mean(axis=1).var(ddof=1) - within / table.shape[1])
            row |= {"images": len(table), "seeds": table.shape[1]}
            row |= {f"{source} image": between**0.5, f"{source} seed": within**0.5}
            by_image[source] = table.mean(axis=1)
        else:
            ahead = by_image[KMEANS] - by_image["random"]
            turned = -ahead if measure == "drop" else ahead
            found.append(row | mean_of("ahead", turned.dropna()))
    return table_of(found, *BLOCK, "images", "seeds", *SPREAD, "ahead", "ahead low", "ahead high")


def why_table(rows: pd.DataFrame, measure: str = "gain") -> pd.DataFrame:
    """Is K-Means further ahead of a random partition where its clusters are tighter, or its masks more different?

    Spearman's correlation over images of Delta, the difference in `measure`, with the share of the variance within
    clusters and with the effective rank of the masks; intervals by bootstrap over images.
    """
    found = []
    for model, layer, block in blocks(rows):
        own, other = (values(block, source, FULL, measure) for source in (KMEANS, "random"))
        both = own.index.intersection(other.index)
        if len(both) < 10:
            continue
        delta = own[both] - other[both]
        for fact, words in (("inertia", "within-cluster inertia"), ("effective_rank", "effective rank of the masks")):
            beside = values(block, KMEANS, FULL, fact)[both]
            interval = bootstrap_interval(delta, beside, statistic=_spearman, draws=1999)
            row = {"model": model, "layer": layer, "images": len(both), "Delta against": words}
            found.append(row | {"rho": interval.estimate, "low": interval.low, "high": interval.high})
    return table_of(found, *BLOCK, "images", "Delta against", "rho", "low", "high")


def _spearman(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Spearman's correlation along an axis, of many resamples at once; 0 where one sample is constant."""
    a, b = (ranks - ranks.mean(axis, keepdims=True) for ranks in (rankdata(x, axis=axis), rankdata(y, axis=axis)))
    scale = np.sqrt((a**2).sum(axis) * (b**2).sum(axis))
    return np.divide((a * b).sum(axis), scale, out=np.zeros_like(scale), where=scale > 0)
