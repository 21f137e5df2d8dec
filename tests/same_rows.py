"""Whether two runs of a study gave the same rows."""

import pandas as pd


def same_rows(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether two frames have the same rows in the same order, to the bit; columns named "seconds..." are ignored."""
    a, b = (rows[[c for c in rows.columns if not c.startswith("seconds")]].reset_index(drop=True) for rows in (a, b))
    return a.equals(b)
