"""Explorable: fill, coverage and metric put the methods in another order. From the rows of the reference run."""

import html
from typing import Any

import pandas as pd
from IPython.display import HTML

from analysis.page.panels import MEASURES, panel_title, panels
from analysis.page.widget import choice, select, widget
from cluscam_lite.methods import METHODS

FORMS = {"raw": "as the maps are", "matched": "every map brought to one half"}
FILLS = {"mean": "mean colour", "black": "black", "blur": "blurred"}
IN_WORDS = {"mean": "in the mean colour", "black": "black", "blur": "blurred"}  # "hidden pixels black"


def rank_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over images of drop, increase and gain, percent: a row for each panel, form, fill and method.

    `rows` are prepared rows of `faithfulness`; each method counts with its own settings alone.
    """
    mine = rows[(rows["variant"] == "") & rows["form"].isin(FORMS) & rows["fill"].isin(FILLS)]
    found = mine.groupby(["model", "panel", "form", "fill", "method"], observed=True, sort=False)
    return found[[*MEASURES]].mean().dropna().reset_index()


def rank_data(rows: pd.DataFrame) -> dict[str, Any]:
    """The means by network, form and fill, as the page needs them."""
    tables: dict[str, dict[str, list[float]]] = {}
    for row in rank_table(rows).itertuples(index=False):
        block = tables.setdefault(f"{row.model} {row.panel}|{row.form}|{row.fill}", {})
        block[METHODS[row.method].title] = [round(float(getattr(row, key)), 2) for key in MEASURES]
    return {
        "measures": list(MEASURES.values()),
        "tables": tables,
        "fills": IN_WORDS,
        "kinds": {info.title: info.kind for info in METHODS.values()},
        "images": {f"{model} {panel}": int(mine["image_id"].nunique()) for model, panel, mine in panels(rows)},
    }


def rerank_widget(rows: pd.DataFrame) -> HTML:
    """The methods in order, by a network, a metric, a coverage and a fill that the reader chooses.

    `rows` are prepared rows of `faithfulness`, `analysis.page.panels.reference_panels("faithfulness")` for instance.
    """
    data = rank_data(rows)
    networks = {f"{model} {panel}": panel_title(model, panel) for model, panel, _ in panels(rows)}
    measures = {
        "IC": "IC: how often the probability rises",
        "AD": "AD: how far it falls, low is good",
        "AG": "AG: how far it rises",
    }
    body = f"""<div class="cw-controls">{select("network", "Network", networks)}
{choice("measure", "Metric", measures)}
{choice("form", "Coverage", FORMS)}
{choice("fill", "Hidden pixels", FILLS)}</div>
<ol class="cw-ranks"></ol>"""
    return widget(
        "ranks",
        "The order of the methods",
        _still(data, next(iter(networks))),
        body,
        data,
        "Change metric, coverage and fill",
    )


def _still(data: dict[str, Any], network: str) -> str:
    """The five best by IC, of the maps as they are, with hidden pixels in the mean colour."""
    column = data["measures"].index("IC")
    block = data["tables"][f"{network}|raw|mean"]
    best = sorted(block.items(), key=lambda item: (-item[1][column], item[0]))
    items = "".join(
        f'<li class="cw-kind-{data["kinds"][name]}"><div class="cw-row">'
        f'<span class="cw-name">{html.escape(name)}</span>'
        f'<span class="cw-track" aria-hidden="true"><span class="cw-length" style="width: '
        f'{100 * values[column] / best[0][1][column]:.0f}%"></span></span>'
        f'<span class="cw-number">{values[column]:.1f}</span><span class="cw-move"></span></div></li>'
        for name, values in best[:5]
    )
    return f'<p>The five best by IC:</p><ol class="cw-ranks">{items}</ol>'
