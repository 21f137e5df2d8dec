"""What the rows of the study `ablation` say of the claims of Section 4.4 (`analysis/paper/claims.yaml`)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.judging.compare import paired_evidence
from analysis.judging.sources import Claim
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
    there = (rows["model"] == block["model"]) & (rows["layer"] == block["layer"])
    mine = rows.loc[there, [*USED, contrast["measure"]]]  # filtering all columns would take most of the time
    return mean_of_seeds(sides_by_seed(mine, block["n"], contrast), contrast)


def sides_by_seed(mine: pd.DataFrame, n: int, contrast: Mapping[str, Any]) -> list[pd.DataFrame]:
    """The contrast's measure on both sides, from a block's rows: a row for each of the first n images, a column for
    each of the contrast's seeds that has run on all of them; of a source without seeds only the seed 0.
    """
    form, found = contrast.get("form", "raw"), []
    for source, setting in (contrast["first"], contrast["second"]):
        own = mine[mine["method"] == source]
        ran = own.groupby("variant")["image_id"].nunique()
        whole = [seed for seed in seeds_of(source, contrast) if ran.get(variant_of(seed), 0) >= n]
        some = own[(own["setting"] == setting) & (own["form"] == form)]
        table = some.pivot(index="image_id", columns="variant", values=contrast["measure"]).astype(float)
        table = table.reindex(index=own["image_id"].unique()[:n], columns=[variant_of(seed) for seed in whole])
        found.append(table.set_axis(whole, axis=1))
    return found


def seeds_of(source: str, contrast: Mapping[str, Any]) -> list[int]:
    """The contrast's seeds, for a source that has seeds."""
    return list(contrast.get("seeds", [0])) if source in SEEDED else [0]


def mean_of_seeds(by_seed: Sequence[pd.DataFrame], contrast: Mapping[str, Any]) -> tuple[pd.Series, pd.Series] | None:
    """Both sides as the mean over the contrast's seeds, on the images that have a value on both; None where one of the
    seeds has not run, or of fewer than two images.
    """
    sides = []
    for (source, _), table in zip((contrast["first"], contrast["second"]), by_seed, strict=True):
        seeds = seeds_of(source, contrast)
        if not {*seeds} <= {*table.columns}:
            return None
        sides.append(table[seeds].mean(axis=1, skipna=False))
    both = sides[0].dropna().index.intersection(sides[1].dropna().index, sort=False)
    return (sides[0][both], sides[1][both]) if len(both) >= 2 else None
