"""What the rows of the study `alzheimer` say of the claims C5a to C5n (`analysis/paper/claims.yaml`)."""

import pandas as pd

from analysis.chapters.alzheimer.evidence import unit_of
from analysis.judging.compare import paired_evidence
from analysis.judging.sources import Claim
from analysis.page.panels import prepared


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The comparison of a claim's two methods in each block, by component of near-duplicates."""
    if not len(rows):
        return paired_evidence(rows, claim)
    ready = prepared(rows)
    return paired_evidence(ready, claim, unit_of(ready))
