"""Tables of methods and networks under their names, made into tables under their titles."""

from collections.abc import Mapping
from textwrap import fill

import pandas as pd

from analysis.page.panels import LOCATION, MEASURES, panel_title
from cluscam_lite import get_spec
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


def in_words(table: pd.DataFrame, words: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The same table with words for the names of the rows' columns, in its index and above its columns.

    A level `model`, with the `panel` or `layer` beside it if there is one, becomes `network`; a level `method` has the
    methods' titles; measures are AD, IC, AG, EP and LE. `words` says what other names become; the rest stay.
    """
    known = MEASURES | LOCATION | dict(words or {})
    return table.set_axis(_axis_in_words(table.index, known)).set_axis(_axis_in_words(table.columns, known), axis=1)


def _axis_in_words(axis: pd.Index, words: Mapping[str, str]) -> pd.Index:
    names, levels = list(axis.names), []
    layer = next((name for name in ("panel", "layer") if name in names), None) if "model" in names else None
    for i, name in enumerate(names):
        values = axis.get_level_values(i)
        if name == "model":
            pairs = zip(values, axis.get_level_values(layer), strict=True) if layer else None
            titles = [panel_title(*pair) for pair in pairs] if pairs else [get_spec(one).title for one in values]
            levels.append(("network", titles))
        elif name == "method":
            levels.append((name, [METHODS[one].title if one in METHODS else one for one in values]))
        elif name is None or name != layer:
            levels.append((words.get(name, name), [words.get(one, one) for one in values]))
    if len(levels) == 1:
        [(name, values)] = levels
        return pd.Index(values, name=name)
    return pd.MultiIndex.from_arrays([values for _, values in levels], names=[name for name, _ in levels])
