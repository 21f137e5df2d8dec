"""The tables of the chapter on the metrics: what changes when coverage, fill, gain, layer, seed or size does."""

import pandas as pd

from analysis.comparisons import compare
from analysis.faithfulness_evidence import (
    chosen,
    comparison_table,
    method_table,
    panel_title,
    panels,
    seed_table,
    wide,
)
from analysis.logits_chapter import with_interval
from analysis.verdicts import NOT_RUN
from cluscam_lite.methods import METHODS
from cluscam_lite.scoring import FILLS

NULLS = ("donor", "smooth", "inverted")


def fake_text(table: pd.DataFrame) -> str:
    """FakeCAM's AD beside ClusCAM's in each panel of a `method_table`, in words."""
    parts = []
    for (model, panel), block in table.groupby(["model", "panel"], sort=False):
        ad = block.set_index("method")["AD"]
        parts.append(f"{ad['fakecam']:.2f} % against ClusCAM's {ad['cluscam']:.1f} % ({panel_title(model, panel)})")
    return ", ".join(parts)


def rounded(table: pd.DataFrame, digits: int = 1) -> pd.DataFrame:
    """The table with methods by their titles and numbers as text; one row that says so if it is empty."""
    if not len(table):
        return pd.DataFrame({"": [NOT_RUN]})
    shown = table.copy()
    if "method" in shown:
        shown["method"] = [METHODS[name].title for name in shown["method"]]
    for column in shown.select_dtypes("float"):
        shown[column] = [f"{value:.{digits}f}" if pd.notna(value) else "–" for value in shown[column]]
    return shown


def matched_table(rows: pd.DataFrame) -> pd.DataFrame:
    """IC as it is and at coverage one half, with ranks among the methods of the panel (1 is best)."""
    found = []
    for model, panel, block in panels(rows):
        means = {form: wide(block, "increase", form).mean() for form in ("raw", "matched")}
        ranks = {form: values.rank(ascending=False, method="min") for form, values in means.items()}
        for name in means["raw"].index:
            found.append(
                {
                    "network": panel_title(model, panel),
                    "method": METHODS[name].title,
                    "IC": f"{means['raw'][name]:.1f}",
                    "rank": _rank(ranks["raw"][name]),
                    "IC at one half": f"{means['matched'][name]:.1f}",
                    "rank at one half": _rank(ranks["matched"][name]),
                }
            )
    return pd.DataFrame(found)


def _rank(value: float) -> str:
    return str(int(value)) if pd.notna(value) else "–"


def null_table(rows: pd.DataFrame) -> pd.DataFrame:
    """ClusCAM less each null method: IC and AD, differences turned so that above 0 ClusCAM is better."""
    found = []
    measures = {"increase": "IC", "drop": "AD"}
    tables = {measure: comparison_table(rows, measure) for measure in measures}
    for _, one in tables["increase"].iterrows():
        if one["against"] not in NULLS:
            continue
        row = {"network": panel_title(one["model"], one["panel"]), "null method": METHODS[one["against"]].title}
        row["images"] = int(one["n"])
        for measure, heading in measures.items():
            table = tables[measure]
            same = (table["model"] == one["model"]) & (table["panel"] == one["panel"])
            match = table[same & (table["against"] == one["against"])].iloc[0]
            row[f"{heading}, ahead by [95 %]"] = with_interval(match, "mean", "low", "high")
        found.append(row)
    return pd.DataFrame(found)


def fill_text(table: pd.DataFrame) -> pd.DataFrame:
    """`faithfulness_evidence.fill_table` for a page."""
    if not len(table):
        return rounded(table)
    titled = table.assign(network=[panel_title(*pair) for pair in zip(table["model"], table["panel"], strict=True)])
    columns = {fill: f"evaluated with {fill}" for fill in FILLS}
    return rounded(titled[["network", "scored with", "images", *FILLS]].rename(columns=columns))


def evaluation_table(rows: pd.DataFrame) -> pd.DataFrame:
    """IC of every method under each evaluation fill."""
    tables = {fill: method_table(rows, {"increase": "IC"}, fill=fill) for fill in FILLS}
    first = tables["mean"]
    shown = first.assign(network=[panel_title(*pair) for pair in zip(first["model"], first["panel"], strict=True)])
    shown = shown.rename(columns={"IC": "mean colour"})[["network", "method", "images", "mean colour"]]
    for fill in ("black", "blur"):
        shown[fill] = tables[fill]["IC"]
    return rounded(shown.dropna(subset=["mean colour"]))


def gain_table(rows: pd.DataFrame) -> pd.DataFrame:
    """AG by Eq. 13 and as the public code has it, beside IC, which bounds the first."""
    measures = {"increase": "IC", "gain": "AG (Eq. 13)", "gain_over_p": "AG (public code)"}
    table = method_table(rows, measures)
    table["network"] = [panel_title(*pair) for pair in zip(table["model"], table["panel"], strict=True)]
    return rounded(table[["network", "method", "images", *measures.values()]].dropna(subset=["IC"]))


def sensitivity_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What another seed of K-Means does to ClusCAM, and squashing the photograph to every method that was run so."""
    found = [
        {
            "network": panel_title(row["model"], row["panel"]),
            "what": f"ClusCAM, {row['seeds']} seeds: {row['measure']}",
            "images": row["images"],
            "outcome": f"means {row['mean low']:.1f} to {row['mean high']:.1f}; standard deviation {row['image']:.1f} "
            f"between images, {row['seed']:.1f} between seeds of one",
        }
        for _, row in seed_table(rows).iterrows()
    ]
    for model, panel, block in panels(rows):
        squashed = chosen(block[block["variant"] == "squashed"], variants=True)
        for name, part in squashed.groupby("method", sort=False):
            usual = chosen(block[block["method"] == name]).set_index("image_id")["increase"].astype(float)
            other = part.set_index("image_id")["increase"].astype(float)
            common = usual.index.intersection(other.index)
            if len(common) < 2:
                continue
            pair = compare(other[common], usual[common], "increase")
            found.append(
                {
                    "network": panel_title(model, panel),
                    "what": f"{METHODS[name].title}, squashed less cropped: IC",
                    "images": len(common),
                    "outcome": with_interval(pair, "mean", "low", "high"),
                }
            )
    return rounded(pd.DataFrame(found))


def location_table(rows: pd.DataFrame) -> pd.DataFrame:
    """EP, LE and the variants of the public code, means over the images with one box, in percent."""
    measures = {
        "ep": "EP",
        "le": "LE",
        "le_soft": "LE, soft",
        "le_half": "LE, pixels",
        "le_energy": "LE, energy",
        "ep_unscaled": "EP, box not rescaled",
        "le_unscaled": "LE, box not rescaled",
    }
    measures = {measure: heading for measure, heading in measures.items() if measure in rows}
    table = method_table(rows, measures)
    table["network"] = [panel_title(*pair) for pair in zip(table["model"], table["panel"], strict=True)]
    boxes = rows.dropna(subset=["ep"]).groupby(["model", "panel", "method"])["image_id"].nunique()
    table["images"] = [boxes.get((row.model, row.panel, row.method), 0) for row in table.itertuples()]
    return rounded(table[["network", "method", "images", *measures.values()]].dropna(subset=["EP"]))
