"""One of the ways in which a claim can be analysed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

Pair = tuple[pd.Series, pd.Series]


@dataclass(frozen=True)
class Choice:
    """One way to analyse a claim.

    Attributes:
        chosen: dimension -> what was chosen of it, in words.
        pairs: the two sides of each block, by image or by group of images, None where they have not run.
        measure: of both sides, one of `analysis.judging.compare.BETTER`.
        student: Student's t in place of the rank test.
        numbers: instead of all this, what the claim's rule reads of each block.
    """

    chosen: Mapping[str, str]
    pairs: Sequence[Pair | None] = ()
    measure: str = ""
    student: bool = False
    numbers: Sequence[Mapping[str, float]] = ()
