"""What the rows of the study `boxes` say of C9a and C9b: other readings of claims whose own rows are of `faithfulness`.

They are readings, no verdicts, and stand on the first of a claim's images, as many as ran: `n` counts those with a box.
The contrast of a claim names two methods; here it may also name a `box`, that of the map's "largest" part (the claims'
own) or that of "all" pixels above its mean.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.compare import paired_evidence
from analysis.judging.sources import Claim
from analysis.page.panels import prepared
from cluscam_lite.errors import unknown
from cluscam_lite.metrics.localisation import PARTS

COLUMN_OF = dict(zip(PARTS, ("le", "le_all"), strict=True))


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The comparison of the claim's two methods in each block, by the error with the contrast's box."""
    return paired_evidence(prepared(rows) if len(rows) else rows, claim, pair_of=errors_of)


def errors_of(
    rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]
) -> tuple[pd.Series, pd.Series] | None:
    """The two methods' errors on the block's images that both ran on, with one box in view; None of fewer than two.

    Raises UnknownName for another box.
    """
    box = contrast.get("box", "largest")
    if box not in COLUMN_OF:
        raise unknown("box", box, COLUMN_OF)
    if not len(rows):
        return None
    mine = rows[(rows["model"] == block["model"]) & (rows["panel"] == block["layer"]) & (rows["variant"] == "")]
    mine = mine[mine["image_id"].isin(mine["image_id"].unique()[: block["n"]])]
    errors = {name: side.set_index("image_id")[COLUMN_OF[box]] for name, side in mine.groupby("method")}
    pair = [errors.get(contrast[side]) for side in ("method", "against")]
    if any(side is None for side in pair):
        return None
    both = pd.concat(pair, axis=1, keys=("first", "second"), join="inner").astype(float).dropna()
    return (both["first"], both["second"]) if len(both) >= 2 else None
