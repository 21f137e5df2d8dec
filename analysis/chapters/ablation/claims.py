"""What the rows of the study `ablation` say of the claims of Section 4.4 (`analysis/paper/claims.yaml`)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.compare import paired_evidence
from analysis.judging.sources import Claim
from analysis.page.panels import values
from analysis.studies.mask_sources import SEEDED
from analysis.studies.mask_study import variant_of

USED = ["image_id", "method", "variant", "setting", "form"]  # of the rows, beside the measure


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The comparison of a claim's two sides in each block, none where a side has not run on all images.

    `n` counts the pairs: an image on which HDBSCAN finds no cluster has none.
    """
    return paired_evidence(rows, claim, pair_of=pair_of)


def pair_of(
    rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]
) -> tuple[pd.Series, pd.Series] | None:
    """Both sides of a contrast on the block's images; None unless both sources have run on all of them.

    Each image's value is the mean over the contrast's seeds, for a source that has seeds; all of them must have run.
    """
    if not len(rows):
        return None
    measure, form = contrast["measure"], contrast.get("form", "raw")
    there = (rows["model"] == block["model"]) & (rows["layer"] == block["layer"])
    mine = rows.loc[there, [*USED, measure]]  # filtering all columns would take most of the time
    sides = []
    for source, setting in (contrast["first"], contrast["second"]):
        own = mine[mine["method"] == source]
        seeds = contrast.get("seeds", [0]) if source in SEEDED else [0]
        ran = own[own["variant"].isin([variant_of(seed) for seed in seeds])].groupby("variant")["image_id"].nunique()
        if len(ran) < len(seeds) or (ran < block["n"]).any():
            return None
        by_seed = [values(own, source, setting, measure, form, variant_of(seed)) for seed in seeds]
        images = own["image_id"].unique()[: block["n"]]
        sides.append(pd.concat(by_seed, axis=1).reindex(images).mean(axis=1, skipna=False))
    both = sides[0].dropna().index.intersection(sides[1].dropna().index, sort=False)
    return (sides[0][both], sides[1][both]) if len(both) >= 2 else None
