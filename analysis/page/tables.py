"""Tables for a page: numbers with their intervals as text, and the look of a table."""

import base64
import html
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from IPython.display import HTML
from pandas.io.formats.style import Styler

from analysis.page.panels import panel_title
from analysis.studies.rows import NOT_RUN
from cluscam_lite.methods import METHODS


def with_interval(row: pd.Series, value: str, low: str, high: str) -> str:
    """An estimate and its interval as text: ``+0.12 [+0.06, +0.19]``; a dash where it has no value."""
    if pd.isna(row[value]):
        return "–"
    return f"{row[value]:+.2f} {limits_text(row[low], row[high])}"


def limits_text(low: float, high: float) -> str:
    """An interval as text, ``[+0.06, +0.19]``; in words where too few images differ to bound it."""
    if math.isinf(low) or math.isinf(high):
        return "[no limits: too few images differ]"
    return f"[{low:+.2f}, {high:+.2f}]"


def styled(table: pd.DataFrame) -> Styler:
    """A table for a page: three significant digits of what is not whole, no row numbers, the book's own look."""
    numbers = {name: "{:.3g}" for name in table.select_dtypes("float")}
    return table.style.hide(axis="index").format(numbers).set_table_attributes('class="dataframe"')


def contrast_cells(claim: Mapping[str, Any], row: pd.Series) -> tuple[dict[str, Any], dict[str, Any]]:
    """One block of a claim about two methods as text: what is compared; the estimate and effect size, or "not run"."""
    contrast, ran = claim["contrast"], pd.notna(row.get("mean"))
    about = {"claim": claim["id"], "network": panel_title(row["model"], row["panel"])}
    about |= {"against": METHODS[contrast["against"]].title, "measure": contrast["measure"]}
    return about, {
        "ahead by [95 %]": with_interval(row, "mean", "low", "high") if ran else NOT_RUN,
        "d_z [95 %]": with_interval(row, "d_z", "d_z low", "d_z high") if ran else NOT_RUN,
    }


def folded(table: pd.DataFrame | Styler, title: str, name: str) -> HTML:
    """A long table behind a line to click, `title`, with the numbers as a file to save: `name`.csv.

    The file holds the numbers as they are, not as they are shown.
    """
    look = table if isinstance(table, Styler) else styled(table)
    numbers = base64.b64encode(look.data.to_csv(index=False).encode()).decode()
    rows = f"{len(look.data)} row{'s' * (len(look.data) != 1)}"
    return HTML(
        f'<details class="cluscam-folded"><summary>{html.escape(title)} ({rows})</summary>\n'
        f'<p><a download="{name}.csv" href="data:text/csv;base64,{numbers}">Download as CSV</a></p>\n'
        f"{look.to_html()}</details>"
    )
