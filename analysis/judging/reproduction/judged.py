"""A claim on the paper's own networks: judged on the largest of its sizes to which all of them have run."""

from collections.abc import Callable

import pandas as pd

from analysis.judging.rules import NOT_RUN
from analysis.judging.sources import Claim
from analysis.paper.reproduction import networks_of, reproduction_claims

Judge = Callable[[pd.DataFrame, Claim], pd.DataFrame]


def reproduced(rows: pd.DataFrame, claim: Claim, judge: Judge) -> tuple[Claim, pd.DataFrame] | None:
    """The claim as it is judged, and its table (`judge(rows, claim)`); None if none of the paper's networks has run.

    Networks with random weights bear other names and never count.
    """
    if not len(rows) or not rows["model"].isin(networks_of(claim)).any():
        return None
    found = None
    for one in reproduction_claims(claim):
        found = one, judge(rows, one)
        if not found[1]["verdict"].isin([NOT_RUN]).any():
            break
    return found
