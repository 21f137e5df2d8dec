"""Tables of methods and networks under their names, made into tables under their titles."""

from textwrap import fill

import pandas as pd

from analysis.page.panels import panel_title
from cluscam_lite.methods import METHODS

WIDE = 12  # characters of a line above a column


def titled(table: pd.DataFrame) -> pd.DataFrame:
    """A table with a row for each method and a column for each (network, layer), under their titles.

    Rows stand in the order of the registry of methods; names that are not in it (a `pandas` total, say) come last, as
    they are. The columns' titles are broken into short lines. Other columns than pairs stay as they are.
    """
    known = [name for name in METHODS if name in table.index]
    others = [name for name in table.index if name not in METHODS]
    found = table.loc[[*known, *others]]
    found.index = pd.Index([METHODS[name].title if name in METHODS else name for name in found.index], name=None)
    if isinstance(found.columns, pd.MultiIndex) and found.columns.nlevels == 2:
        found.columns = pd.Index([fill(panel_title(*pair), WIDE) for pair in found.columns], name=None)
    return found
