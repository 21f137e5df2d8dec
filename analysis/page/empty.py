"""Tables without rows: of a run that has not begun, or of a method that nothing was measured of."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.studies.rows import NOT_RUN


def table_of(found: Sequence[Mapping[str, Any]], *columns: str) -> pd.DataFrame:
    """The rows as a table; without any, an empty one that has the columns which others ask it for."""
    return pd.DataFrame(found) if found else pd.DataFrame(columns=list(columns))


def or_not_run(page: pd.DataFrame, heading: str = "reference run") -> pd.DataFrame:
    """The table of a page; in the place of one without rows, one that says "not run" under `heading`."""
    return page if len(page) else pd.DataFrame({heading: [NOT_RUN]})
