"""What the rows of the study `faithfulness` say of the claims C1 to C4c, C7n and C9 (`analysis/paper/claims.yaml`)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.compare import paired_evidence
from analysis.judging.sources import Claim
from analysis.page.panels import prepared, wide
from cluscam_lite.methods import METHODS


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The comparison of a claim's two methods in each block, and as `reason` which of them lacks images."""
    if not len(rows):
        return paired_evidence(rows, claim)
    ready, blocks = prepared(rows), claim["population"]["blocks"]
    table = paired_evidence(ready, claim)
    ran = table["p"].notna() if "p" in table else [False] * len(blocks)
    reasons = ["" if done else shortage(ready, b, claim["contrast"]) for done, b in zip(ran, blocks, strict=True)]
    return table.assign(reason=reasons)


def shortage(rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]) -> str:
    """What a block of a comparison lacks, as text: which method, images done of those planned; "" if nothing."""
    mine = rows[(rows["model"] == block["model"]) & (rows["panel"] == block["layer"])]
    table = wide(mine, "drop").iloc[: block["n"]] if len(mine) else pd.DataFrame()
    names = contrast["method"], contrast["against"]
    done = {name: int(table[name].notna().sum()) if name in table else 0 for name in names}
    short = [f"{METHODS[name].title} {n} of {block['n']} images" for name, n in done.items() if n < block["n"]]
    return ", ".join(short)
