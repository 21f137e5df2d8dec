"""What the rows of the study `logits` say of the claims C6a and C6b (`analysis/paper/claims.yaml`)."""

import pandas as pd

from analysis.chapters.logits.evidence import contrast_table
from analysis.judging.sources import Claim
from analysis.studies.rows import complete_blocks, progress_table


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The claim's contrast in each block of its population; a block that is not complete has no numbers."""
    progress = progress_table(claim["population"]["blocks"], rows)
    table = progress[["model", "layer"]].rename(columns={"layer": "panel"})
    ready = complete_blocks(progress, rows)
    if not len(ready):
        return table
    found = contrast_table(ready, [claim["contrast"]["against"]], claim["thresholds"]).drop(columns="tier")
    return table.merge(found.rename(columns={"layer": "panel"}), on=["model", "panel"], how="left")
