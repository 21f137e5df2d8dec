"""What the chapter on localisation shows of both boxes: mean errors, and the claims C9a and C9b under either."""

from typing import Any

import pandas as pd

from analysis.chapters.boxes.answers import box_table
from analysis.chapters.boxes.claims import COLUMN_OF
from analysis.chapters.boxes.study import STUDY
from analysis.judging.ledger import judged
from analysis.judging.text import decision_text
from analysis.page.empty import or_not_run
from analysis.page.panels import MEASURES, panel_title, panels, prepared
from analysis.page.tables import with_interval
from analysis.paper.claims import claims_of
from analysis.studies.rows import NOT_RUN
from cluscam_lite.methods import METHODS

BOX = {"largest": "of the largest part", "all": "of all pixels above the mean"}
MAPS = {
    "box": "the box",
    "outside": "all but the box",
    "cluscam": "ClusCAM",
    "within": "ClusCAM within the box",
}
VARIANTS = {  # columns of the rows of `faithfulness`
    "ep": "EP",
    "le": "LE",
    "le_soft": "LE, soft overlap",
    "le_half": "LE, pixels of at least one half",
    "le_energy": "LE, energy of at least one half",
    "le_unscaled": "LE, box not rescaled",
}
OBJECTIVES = ("opticam", "opticam_norm")
WHOLE = "ones"  # its box is the whole image


def means_page(rows: pd.DataFrame) -> pd.DataFrame:
    """LE by either box, the mean over the images with one box, and how often the second is the whole image.

    A row for each panel and method; percent.
    """
    found: list[dict[str, Any]] = []
    for model, panel, block in panels(prepared(rows)) if len(rows) else ():
        measured = block.dropna(subset="le")
        errors = measured.pivot(index="image_id", columns="method", values="le_all")
        for name, mine in measured.groupby("method", sort=False):
            row = {"network": panel_title(model, panel), "method": METHODS[name].title, "images": len(mine)}
            row |= {f"LE, box {BOX[box]}": f"{mine[column].mean():.1f}" for box, column in COLUMN_OF.items()}
            if WHOLE in errors:
                both = errors[[name, WHOLE]].dropna() if name != WHOLE else errors[[name]].assign(same=errors[WHOLE])
                row["the latter is the whole image, %"] = f"{100 * (both.iloc[:, 0] == both.iloc[:, 1]).mean():.0f}"
            found.append(row)
    return or_not_run(pd.DataFrame(found))


def claims_page(rows: pd.DataFrame) -> pd.DataFrame:
    """C9a, against either objective of OptiCAM, and C9b, each with both boxes, judged by the claim's own rule."""
    found = []
    for claim in claims_of("faithfulness", "C9"):
        own = claim["contrast"]["against"]
        for against in OBJECTIVES if own in OBJECTIVES else (own,):
            for box, words in BOX.items():
                contrast = {**claim["contrast"], "against": against, "box": box}
                for _, row in judged(rows, {**claim, "study": STUDY.name, "contrast": contrast}).iterrows():
                    found.append(
                        {
                            "claim": claim["id"],
                            "network": panel_title(row["model"], row["panel"]),
                            "against": METHODS[against].title,
                            "box": words,
                            "images": int(row["n"]) if pd.notna(row.get("n")) else 0,
                            "ahead by [95 %]": with_interval(row, "mean", "low", "high")
                            if pd.notna(row.get("mean"))
                            else NOT_RUN,
                            "decision": decision_text(row),
                        }
                    )
    return pd.DataFrame(found)


def box_page(maps: pd.DataFrame) -> pd.DataFrame:
    """The box in the place of the map, from rows of `whatif`: a row for each network, layer and map; percent."""
    table = box_table(maps).stack("map", future_stack=True).reset_index()
    return pd.DataFrame(
        {
            "network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)],
            "map": table["map"].map(MAPS),
            "mean of the map": 100 * table["coverage"],
        }
        | {heading: table[measure] for measure, heading in MEASURES.items()}
    )
