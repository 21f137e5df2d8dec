"""What the rows of the study `runtime` say of the claims C11a to C11d (`analysis/paper/claims.yaml`)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.chapters.runtime.evidence import ratios
from analysis.chapters.runtime.study import PASSES, WHOLE
from analysis.judging.sources import Claim


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The ratio `of` over `to` of a claim's contrast in each block: `ratio`, its median over images, and its range.

    `to` is a method, or "passes": the K + 1 plain passes timed beside the method itself. Only times on a CPU count, as
    the claims say. A block that lacks an image has no numbers.
    """
    found = []
    for block in claim["population"]["blocks"]:
        row = {"model": block["model"], "panel": block["layer"]}
        values = quotients(rows, block, claim["contrast"])
        if values is not None:
            ratio, low, high = values.median(), values.min(), values.max()
            row |= {"ratio": ratio, "low": low, "high": high, "least": low, "most": high}
            row["text"] = f"{ratio:.2f} times [{low:.2f}, {high:.2f}]"
        found.append(row)
    return pd.DataFrame(found)


def quotients(rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]) -> pd.Series | None:
    """The ratio of a contrast on each of the block's first n images; None unless both sides ran on all of them."""
    if not len(rows):
        return None
    mine = ratios(rows)
    mine = mine[(mine["model"] == block["model"]) & (mine["layer"] == block["layer"]) & (mine["device"] == "cpu")]
    mine = mine[mine["variant"] == ""]

    def of(name: str, item: str) -> pd.Series:
        return mine[(mine["method"] == name) & (mine["item"] == item)].set_index("image_id")["ratio"]

    first = of(contrast["of"], WHOLE)
    second = of(contrast["of"], PASSES) if contrast["to"] == PASSES else of(contrast["to"], WHOLE)
    values = (first / second).reindex(mine["image_id"].unique()[: block["n"]])
    return None if len(values) < block["n"] or values.isna().any() else values
