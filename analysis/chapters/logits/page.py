"""What the `logits` chapter puts together: the paper's table, leads for its figure, and what they say in words."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.chapters.logits.evidence import advantages, top_scores, whole_scores
from analysis.chapters.logits.specifications import sides_of
from analysis.chapters.logits.study import STUDY
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page
from analysis.page.leads import span_text
from analysis.page.panels import blocks, panel_title
from analysis.page.tables import with_interval
from analysis.paper.claims import claims_of
from analysis.paths import ROOT
from analysis.statistics import Spread, p_bound, p_text
from analysis.studies.rows import NOT_RUN

PAPER_TABLE_1 = ROOT / "analysis" / "paper" / "table1.csv"
PAPER_IMAGES = 2000  # Section 4.1; the table does not print it


def planned_blocks() -> list[dict[str, Any]]:
    """The blocks that the claims of Section 4.1 name: model, layer and n."""
    return claims_of(STUDY.name, "C6a")[0]["population"]["blocks"]


def paper_row() -> dict[str, Any]:
    """The row of the paper's Table 1, with the headings that `Table1.row` gives ours."""
    table = pd.read_csv(PAPER_TABLE_1).set_index("metric")
    mean, d = (Spread(*table.loc[m, ["value", "std", "min", "max"]]) for m in ("mean_difference_logit", "cohens_d"))
    t, w = (p_bound(math.log10(table.loc[f"p_{m}_one_sided_upper_bound", "value"]) - 1) for m in ("ttest", "wilcoxon"))
    return {
        "network": f"paper ({table.loc['cohens_d', 'model']})",
        "images": PAPER_IMAGES,
        "Mean Difference (range)": str(mean),
        "Cohen's d (range)": str(d),
        "p (t-test)": t,
        "p (Wilcoxon)": w,
    }


def side_by_side(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The paper's Table 1 above that of each block of each run (its name -> its `tables_1`); "not run" if empty."""
    paper = paper_row()
    found = [{"run": "paper", **paper}]
    for run_name, tables in runs.items():
        if not len(tables):
            found.append({"run": run_name, **dict.fromkeys(paper, NOT_RUN)})
            continue
        titles = [panel_title(*block) for block in zip(tables["model"], tables["layer"], strict=True)]
        ours = tables.assign(network=titles).rename(columns={"n": "images"})
        found += [{"run": run_name, **row} for row in ours[list(paper)].to_dict("records")]
    return pd.DataFrame(found)


def contrast_text(contrasts: pd.DataFrame) -> pd.DataFrame:
    """The table of contrasts for a page: intervals and p-values as text."""
    return pd.DataFrame(
        {
            "network": [panel_title(*block) for block in contrasts[["model", "layer"]].itertuples(index=False)],
            "K-Means against": contrasts["against"],
            "images": contrasts["n"],
            "mean [95 %]": [with_interval(row, "mean", "low", "high") for _, row in contrasts.iterrows()],
            "d_z [95 %]": [with_interval(row, "d_z", "d_z low", "d_z high") for _, row in contrasts.iterrows()],
            "p": [p_text(value) for value in contrasts["log10 p"]],
            "ahead in, %": contrasts["share ahead, %"].round().astype(int),
        }
    )


def leads(contrasts: pd.DataFrame, against: Mapping[str, str]) -> pd.DataFrame:
    """Some contrasts for `leads_figure`: `against` says in words what each is held against. `mean`, `low` and `high`
    are logits.
    """
    mine = contrasts[contrasts["against"].isin(against)]
    titles = [panel_title(*block) for block in mine[["model", "layer"]].itertuples(index=False)]
    return mine.assign(network=titles, against=mine["against"].map(against))


def standing(contrasts: pd.DataFrame, against: str) -> dict[str, str]:
    """In how many networks and layers K-Means' masks are ahead of a contrast and behind it, by the interval, and by how
    much, least to most: "5 of 5", "0.2 to 2.1"; "not run" without rows.
    """
    mine = contrasts[contrasts["against"] == against]
    if not len(mine):
        return dict.fromkeys(("ahead", "behind", "size"), NOT_RUN)
    ahead, behind, n = int((mine["low"] > 0).sum()), int((mine["high"] < 0).sum()), len(mine)
    return {"ahead": f"{ahead} of {n}", "behind": f"{behind} of {n}", "size": span_text(mine["mean"])}


def ladder_text(contrasts: pd.DataFrame) -> str:
    """In how many networks and layers the mean score rises with how many maps a mask averages: single maps, K-Means'
    groups, random groups, all maps; "5 of 5".
    """
    if not len(contrasts):
        return NOT_RUN
    wide = contrasts.pivot(index=["model", "layer"], columns="against", values="mean")
    rises = (wide["members"] > 0) & (wide["random"] < 0) & (wide["mean of all"] < wide["random"])
    return f"{int(rises.sum())} of {len(wide)}"


def claim_rows(rows: pd.DataFrame, claims: Iterable[Claim] | None = None) -> pd.DataFrame:
    """C6a and C6b on the rows of the reference run, a row for each planned block; "not run" where it lacks images."""
    return claims_page(rows, claims_of(STUDY.name) if claims is None else claims, _claim_cells)


def read_otherwise(claim_id: str) -> Claim:
    """A claim of this study with its other reading in the place of its contrast."""
    (claim,) = claims_of(STUDY.name, claim_id)
    (reading,) = claim["readings"]
    return claim | {"contrast": claim["contrast"] | reading["contrast"]}


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    ran = pd.notna(row.get("mean"))
    return {
        "network": panel_title(row["model"], row["panel"]),
        "images": row["planned"],
        "mean [95 %]": with_interval(row, "mean", "low", "high") if ran else NOT_RUN,
        "d_z [95 %]": with_interval(row, "d_z", "d_z low", "d_z high") if ran else NOT_RUN,
    }


def gains_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Eq. y of K-Means' groups and of random ones over the members, in logits, and the ten best groups of either."""
    best = top_scores(rows).set_index(["model", "layer", "masks"]).iloc[:, 0]
    found = []
    for model, layer, block in blocks(rows):
        ahead = advantages(whole_scores(block)).mean()
        found.append(
            {
                "network": panel_title(model, layer),
                "K-Means over its members": ahead["members"],
                "random groups over the same": ahead["members"] - ahead["random"],
                "ten best of K-Means": best[model, layer, "kmeans"],
                "ten best of a random partition": best[model, layer, "random 000"],
            }
        )
    return pd.DataFrame(found).round(2)


def best_text(gains: pd.DataFrame) -> str:
    """In how many networks and layers the ten best groups of K-Means are above the ten best random ones."""
    if not len(gains):
        return NOT_RUN
    ahead = int((gains["ten best of K-Means"] > gains["ten best of a random partition"]).sum())
    return f"{ahead} of {len(gains)}"


def group_leads(rows: pd.DataFrame) -> pd.Series:
    """The mean lead of K-Means' groups over one random partition's, in logits, each group counted once, by network."""
    scores = {panel_title(model, layer): sides_of(mine, "over groups")[0] for model, layer, mine in blocks(rows)}
    return pd.Series({title: float((one["kmeans"] - one["random"]).mean()) for title, one in scores.items()})
