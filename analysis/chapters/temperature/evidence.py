"""From the rows of the study `temperature` to its curve, and what they say of Figs. 7 and 8."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.chapters.temperature.study import GRID, TABLE_3
from analysis.judging.compare import compare
from analysis.page.empty import table_of
from analysis.page.panels import blocks, mean_of, values
from analysis.statistics import tost
from analysis.studies.mask_sources import KMEANS
from cluscam_lite import get_spec, temperature
from cluscam_lite.errors import CluscamError

MEASURES = {"drop": "AD", "increase": "IC", "gain": "AG", "coverage": "coverage, %", "entropy": "groups in use"}
PAIR = ("IC mean", "IC low", "IC high", "IC log10 p", "AD mean", "AD low", "AD high", "p equivalent")
MARGIN = 0.2  # d_z: the equivalence that two hundred images can carry


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with coverage in percent, and entropy as the number of groups that carry the map: exp(entropy)."""
    return rows.assign(coverage=100 * rows["coverage"], entropy=np.exp(rows["entropy"].astype(float)))


def curve(rows: pd.DataFrame) -> pd.DataFrame:
    """Means with intervals for every tau, a row each; `kind`: "grid", "table 3" (Eq. 10's), "uniform", "best"."""
    found = []
    for model, layer, block in blocks(rows):
        spec = get_spec(model)
        own = temperature(spec.n_clusters, spec.drop_ratio)
        steps = [("grid", f"tau {tau:g}", tau) for tau in GRID]
        for kind, setting, tau in [
            *steps,
            ("table 3", TABLE_3, own),
            ("uniform", "uniform", None),
            ("best", "best", None),
        ]:
            row = {"model": model, "layer": layer, "kind": kind, "tau": tau}
            for measure in MEASURES:
                row |= mean_of(measure, values(block, KMEANS, setting, measure))
            found.append(row)
    return table_of(found, "model", "layer", "kind", "tau", *MEASURES)


def against(rows: pd.DataFrame, pairs: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Pairs of settings on the same images: IC, and the drop with an equivalence test at 0.2 standard deviations.

    `pairs`: name -> (first, second). `p equivalent` is that of two one-sided tests; NaN where no image differs.
    """
    found = []
    for model, layer, block in blocks(rows):
        for name, (first, second) in pairs.items():
            row = {"model": model, "layer": layer, "pair": name}
            for measure, heading in (("increase", "IC"), ("drop", "AD")):
                a, b = (values(block, KMEANS, setting, measure) for setting in (first, second))
                both = a.index.intersection(b.index)
                if len(both) < 2:
                    continue
                row |= {"images": len(both)} | {
                    f"{heading} {k}": v for k, v in compare(a[both], b[both], measure).items()
                }
                if measure == "drop":
                    row["p equivalent"] = _equivalent(a[both] - b[both])
            found.append(row)
    return table_of(found, "model", "layer", "pair", "images", *PAIR)


def _equivalent(difference: pd.Series) -> float:
    try:
        return tost(difference, margin=MARGIN, units="d_z").p
    except CluscamError:  # the same on every image
        return float("nan")
