"""The ways in which a claim on running time can be analysed, on the rows as they are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.chapters.runtime.claims import quotients
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice

OVER = {"every image": (np.min, np.max), "the median image": (np.median, np.median), "the mean": (np.mean, np.mean)}


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """Whether every image has to keep the limit, or their median, or their mean."""
    found = [quotients(rows, block, claim["contrast"]) for block in claim["population"]["blocks"]]
    for name, (least, most) in OVER.items():
        numbers: list[dict[str, Any]] = [
            {} if values is None else {"least": float(least(values)), "most": float(most(values))} for values in found
        ]
        yield Choice({"over": name}, numbers=numbers)
