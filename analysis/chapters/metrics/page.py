"""The tables of the chapter on the metrics: what changes when coverage, fill, gain, layer, seed or size does."""

import pandas as pd

from analysis.judging.compare import compare, comparison_table
from analysis.page.empty import or_not_run
from analysis.page.panels import (
    chosen,
    panel_title,
    panels,
    prepared,
    reached,
    seed_table,
    wide,
)
from analysis.page.tables import with_interval
from analysis.studies.rows import NOT_RUN
from cluscam_lite import get_spec
from cluscam_lite.algorithm.scoring import FILLS
from cluscam_lite.methods import METHODS
from cluscam_lite.metrics.masking import COVERAGE

FLAT = ("ones", "fakecam")  # maps of ones, or ones and a zero: no power changes them
NULLS = ("donor", "smooth", "inverted")
FAKE = "FakeCAM"
KINDS = {"rival": "rivals", "null": "null methods", "trivial": "trivial maps", "cluscam": "ClusCAM"}


def titled(rows: pd.DataFrame) -> pd.DataFrame:
    """The prepared rows with words to group and to plot by: `network` (and layer), `title` of the method, `kind`.

    FakeCAM is a kind of its own. Kinds are in an order: what is sorted by it has ClusCAM and FakeCAM last, and a plot
    draws them on top.
    """
    names = {pair: panel_title(*pair) for pair in rows[["model", "panel"]].drop_duplicates().itertuples(index=False)}
    kinds = {name: FAKE if name == "fakecam" else KINDS[info.kind] for name, info in METHODS.items()}
    return rows.assign(
        network=[names[pair] for pair in zip(rows["model"], rows["panel"], strict=True)],
        title=rows["method"].map({name: info.title for name, info in METHODS.items()}),
        kind=pd.Categorical(rows["method"].map(kinds), [*KINDS.values(), FAKE], ordered=True),
    )


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


def missed_text(rows: pd.DataFrame) -> dict[str, str]:
    """How many rows of maps that were to be brought to one half are not there, in all and of which methods."""
    mine = rows[rows["form"] == "matched"]
    missed = mine[~reached(mine)]
    flat = missed["method"].isin(FLAT)
    others = [METHODS[name].title for name in METHODS if name in {*missed.loc[~flat, "method"]}]
    return {
        "missed": f"{len(missed):,}",
        "matched": f"{len(mine):,}",
        "missed_flat": f"{int(flat.sum()):,}",
        "missed_others": f"{int((~flat).sum()):,}",
        "missed_methods": ", ".join(others) or "none",
    }


def missed_page(rows: pd.DataFrame) -> pd.DataFrame:
    """Where maps miss one half: how many, on which side, and ClusCAM's lead in IC with them and without.

    A row for each panel and method of which a map misses it; maps count once, not for each fill. "Without" compares on
    the images on which both maps are there.
    """
    found = []
    for model, panel, block in panels(rows):
        mine = chosen(block, "matched")
        there, values = mine.assign(there=reached(mine)), wide(block, "increase", "matched")
        if "cluscam" not in values:
            continue
        known = there.pivot(index="image_id", columns="method", values="there").reindex(values.index)
        for name in values.columns.drop("cluscam"):
            one = there[there["method"] == name]
            missed = one[~one["there"]]
            if not len(missed):
                continue
            low = int((missed["coverage"] < COVERAGE).sum())
            row = {"network": panel_title(model, panel), "method": METHODS[name].title}
            row |= {"maps": len(one), "below one half": low, "above": len(missed) - low}
            both = values[["cluscam", name]].dropna()
            kept = both[(known.loc[both.index, ["cluscam", name]] == True).all(axis=1)]  # noqa: E712
            for heading, pairs in (("ClusCAM ahead, IC [95 %]", both), ("without these", kept)):
                enough = len(pairs) >= 2
                pair = compare(pairs["cluscam"], pairs[name], "increase") if enough else {}
                row[heading] = f"{with_interval(pair, 'mean', 'low', 'high')}, {len(pairs)}" if enough else "–"
            found.append(row)
    return or_not_run(pd.DataFrame(found), "maps that miss one half")


def null_table(rows: pd.DataFrame) -> pd.DataFrame:
    """ClusCAM less each null method: IC and AD, differences turned so that above 0 ClusCAM is better."""
    found = []
    measures = {"increase": "IC", "drop": "AD"}
    some = rows[rows["method"].isin(("cluscam", *NULLS))]
    tables = {measure: comparison_table(some, measure) for measure in measures}
    for _, one in tables["increase"].iterrows():
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
    """The table of `analysis.chapters.faithfulness.evidence.fill_table` for a page."""
    titled = table.assign(network=[panel_title(*pair) for pair in zip(table["model"], table["panel"], strict=True)])
    columns = {fill: f"evaluated with {fill}" for fill in FILLS}
    return rounded(titled[["network", "scored with", "images", *FILLS]].rename(columns=columns))


def layers_page(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `analysis.chapters.faithfulness.evidence.layer_table` for a page."""
    titles = [get_spec(model).title for model in table["model"]]
    return rounded(table.drop(columns="model").assign(network=titles)[["network", *table.columns.drop("model")]])


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


CURVES = {
    "insertion": "insertion",
    "deletion": "deletion",
    "coherency": "coherency",
    "complexity": "complexity",
    "adcc": "ADCC",
}


def curve_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of the study `curves`, percent: areas under the insertion and deletion curves, ADCC with its parts."""
    ran = prepared(rows).dropna(subset=["adcc"])
    found = [
        {"network": panel_title(model, panel), "method": name, "images": len(part)}
        | {heading: float(part[measure].mean()) for measure, heading in CURVES.items()}
        for model, panel, block in panels(ran)
        for name, part in block.groupby("method", sort=False)
    ]
    return rounded(pd.DataFrame(found))
