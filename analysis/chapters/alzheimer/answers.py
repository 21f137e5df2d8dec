"""The scores of the Alzheimer slices by the answer that the network gives: do they hang on it, or on the map?

Looked at after the claims had been judged, because of what their rows show; no claim rests on it.
"""

from collections.abc import Sequence

import pandas as pd

from analysis.chapters.alzheimer.evidence import by_component
from analysis.page.empty import or_not_run, table_of
from analysis.page.panels import chosen, panel_title, panels, prepared
from analysis.studies.rows import NOT_RUN
from cluscam_lite import get_spec
from cluscam_lite.methods import method_info

BESIDE = ("cluscam", "gradcam", "donor")
FEWEST = 30  # slices of an answer, for it to be named in a sentence


def answers_table(rows: pd.DataFrame, names: Sequence[str] = BESIDE) -> pd.DataFrame:
    """A row for each panel, method and class that the network answers.

    `IC`, percent, and `masked`, the class's mean probability under the mask, are means over components; `slices` counts
    images. Only the maps as they are, with the fill "mean".
    """
    found = []
    for model, panel, block in panels(prepared(rows)):
        ran = chosen(block[block["reason"] == ""])
        for name in (name for name in names if name in set(ran["method"])):
            for target, mine in ran[ran["method"] == name].groupby("target"):
                means = by_component(mine)
                row = {"model": model, "panel": panel, "method": name, "answer": int(target), "slices": len(mine)}
                found.append(row | {"IC": means["increase"].mean(), "masked": means["probability_masked"].mean()})
    return table_of(found, "model", "panel", "method", "answer", "slices", "IC", "masked")


def answers_page(table: pd.DataFrame) -> pd.DataFrame:
    """The table in words: a row for each panel and method, a column for each class: "100.0 (393)"."""
    found = []
    for (model, panel, name), mine in table.groupby(["model", "panel", "method"], sort=False):
        row = {"network": panel_title(model, panel), "method": method_info(name).title}
        cells = {r["answer"]: f"{r['IC']:.1f} ({r['slices']})" for r in mine.to_dict("records")}
        titles = _titles(model)
        found.append(row | {title: cells.get(k, "–") for k, title in enumerate(titles)})
    return or_not_run(pd.DataFrame(found), "network")


def answers_text(table: pd.DataFrame, name: str = "cluscam") -> str:
    """How far a method's IC runs between answers that `FEWEST` slices have, under each network and layer."""
    found = []
    mine = table[(table["slices"] >= FEWEST) & (table["method"] == name)]
    for (model, panel), block in mine.groupby(["model", "panel"], sort=False):
        found.append(f"{block['IC'].min():.1f} to {block['IC'].max():.1f} % under {panel_title(model, panel)}")
    return "; ".join(found) or NOT_RUN


def _titles(model: str) -> list[str]:
    return [name.replace("_", " ") for name in get_spec(model).classes]
