"""The ways in which a claim on faithfulness or localisation can be analysed, on the rows as they are."""

from collections.abc import Iterator

import pandas as pd

from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice
from analysis.judging.ways.maps import map_choices
from analysis.page.panels import prepared


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """Fill, form, measure, OptiCAM's objective and images, in every combination."""
    return map_choices(prepared(rows), claim)
