"""From the rows of the study `faithfulness` to its tables: means, comparisons, what they decide, what changes them."""

import pandas as pd

from analysis.page.empty import table_of
from analysis.page.panels import MEASURES, chosen, panels
from cluscam_lite.algorithm.scoring import FILLS


def fill_table(rows: pd.DataFrame, measure: str = "increase") -> pd.DataFrame:
    """Circularity: ClusCAM scored with one fill (rows) and evaluated with each (columns), on the images all have."""
    found = []
    for model, panel, block in panels(rows):
        own = block[(block["method"] == "cluscam") & (block["form"] == "raw")]
        scored = {"mean": "", "black": "fill black", "blur": "fill blur"}
        of = {fill: own[own["variant"] == variant] for fill, variant in scored.items()}
        common = set.intersection(*(set(part["image_id"]) for part in of.values()))
        for fill, part in of.items():
            mine = part[part["image_id"].isin(common)]
            means = mine.groupby("fill")[measure].mean()
            if len(common):
                found.append({"model": model, "panel": panel, "scored with": fill, "images": len(common), **means})
    return table_of(found, "model", "panel", "scored with", "images", *FILLS)


def layer_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Every method at both layers of a network that has two, on the images of both: AD, IC and AG."""
    found = []
    for model in rows["model"].unique():
        mine = chosen(rows[rows["model"] == model])
        if mine["panel"].nunique() < 2:
            continue
        for name, part in mine.groupby("method", sort=False):
            by_panel = {panel: one.set_index("image_id") for panel, one in part.groupby("panel")}
            if len(by_panel) < 2:
                continue
            common = by_panel["paper"].index.intersection(by_panel["last"].index)
            row = {"model": model, "method": name, "images": len(common)}
            for measure, heading in MEASURES.items():
                row |= {
                    f"{heading}, {panel}": by_panel[panel].loc[common, measure].mean() for panel in ("paper", "last")
                }
            found.append(row)
    return table_of(found, "model", "method", "images")
