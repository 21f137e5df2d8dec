"""What the rows of the study `ablation` say of the claims of Section 4.4 (`analysis/paper/claims.yaml`)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.compare import paired_evidence
from analysis.judging.sources import Claim
from analysis.page.panels import values


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The comparison of a claim's two sides in each block, none where a side has not run on all images.

    `n` counts the pairs: an image on which HDBSCAN finds no cluster has none.
    """
    return paired_evidence(rows, claim, pair_of=pair_of)


def pair_of(
    rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]
) -> tuple[pd.Series, pd.Series] | None:
    """Both sides of a contrast on the block's images; None unless both sources have run on all of them."""
    if not len(rows):
        return None
    mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"]) & (rows["variant"] == "")]
    sides = []
    for source, setting in (contrast["first"], contrast["second"]):
        own = mine[mine["method"] == source]
        if own["image_id"].nunique() < block["n"]:
            return None
        sides.append(values(own, source, setting, contrast["measure"]))
    both = sides[0].index.intersection(sides[1].index)
    return (sides[0][both], sides[1][both]) if len(both) >= 2 else None
