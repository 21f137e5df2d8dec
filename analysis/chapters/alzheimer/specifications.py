"""The ways in which a claim on the Alzheimer slices can be analysed, on the rows as they are."""

from collections.abc import Iterator

import pandas as pd

from analysis.chapters.alzheimer.evidence import unit_of
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice
from analysis.judging.ways.maps import map_choices
from analysis.page.panels import prepared


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """Fill, form, measure, OptiCAM's objective and slices, in every combination; always by component."""
    ready = prepared(rows)
    return map_choices(ready, claim, unit_of(ready))
