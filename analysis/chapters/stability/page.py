"""What the chapter on stability puts together: the reference run, claims, tables, and answers in words."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.chapters.stability.claims import AD_MARGIN
from analysis.chapters.stability.evidence import (
    agreement_table,
    change_table,
    prepared,
    title_of,
    use_table,
    values,
)
from analysis.chapters.stability.perturbations import BASE
from analysis.chapters.stability.study import STUDY
from analysis.judging.ledger import judged
from analysis.judging.rules import SUPPORTED
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page, decision_text, estimate_text
from analysis.page.empty import or_not_run
from analysis.page.panels import panel_title, panels
from analysis.page.tables import with_interval
from analysis.paper.claims import claims_of
from analysis.studies.rows import NOT_RUN, reference_rows

MEANING = {
    "C12a": "one seed against others",
    "C12b": "ClusCAM less GradCAM, moved by four pixels",
    "C12c": "softer weights less Table 3's, over seeds",
    "C12d": "softer weights: what they cost",
    "C12e": "the mean of five seeds against five others",
}


@lru_cache(maxsize=1)
def reference() -> pd.DataFrame:
    """The prepared rows of the reference run of `stability`, as far as it has run."""
    return prepared(reference_rows(STUDY))


def claim_rows(rows: pd.DataFrame, claims: Iterable[Claim] | None = None) -> pd.DataFrame:
    """C12a to C12e on the rows of the reference run, a row for each block."""
    return claims_page(rows, claims_of(STUDY.name) if claims is None else claims, _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    return {
        "question": MEANING[claim["id"]],
        "network": panel_title(row["model"], row["panel"]),
        "images": int(row["n"]) if pd.notna(row.get("n")) else row["planned"],
        "estimate [95 %]": _estimate(row),
    }


def _estimate(row: pd.Series) -> str:
    if pd.isna(row.get("n")):
        return NOT_RUN
    return estimate_text(row.reindex([*row.index, *({"text", "unit"} - {*row.index})]).fillna({"unit": ""}))


def answer(rows: pd.DataFrame, claim_id: str) -> str:
    """What a claim's blocks say, in words: the decision and the estimate of each."""
    (claim,) = claims_of(STUDY.name, claim_id)
    parts = []
    for _, row in judged(rows, claim).iterrows():
        estimate = _estimate(row)
        said = NOT_RUN if estimate == NOT_RUN else f"{decision_text(row)}, {estimate}"
        parts.append(f"{panel_title(row['model'], row['panel'])}: {said}")
    return "; ".join(parts)


def medians(rows: pd.DataFrame, explainer: str, perturbation: str, measure: str = "correlation") -> str:
    """The median of a measure in each network and layer, in words; "not run" if there is none."""
    table = agreement_table(rows)
    mine = table[(table["explainer"] == explainer) & (table["perturbation"] == perturbation)]
    said = [f"{row[measure]:.2f} ({panel_title(row['model'], row['panel'])})" for _, row in mine.iterrows()]
    return ", ".join(said) or NOT_RUN


def changes(rows: pd.DataFrame, explainer: str, perturbation: str, measure: str) -> str:
    """By how many points a change moves a measure, in each network and layer, with its interval; "not run" if none."""
    table = change_table(rows[(rows["explainer"] == explainer) & rows["perturbation"].isin([BASE, perturbation])])
    low, high = f"{measure} low", f"{measure} high"
    table = table.reindex(columns=[*table.columns, *(end for end in (low, high) if end not in table)])
    said = [
        f"{with_interval(row, measure, low, high)} ({panel_title(row['model'], row['panel'])})"
        for _, row in table.iterrows()
    ]
    return ", ".join(said) or NOT_RUN


def tails(rows: pd.DataFrame, explainer: str, perturbation: str) -> str:
    """The lowest correlation of any image, and the share of images below one half, for each network and layer."""
    parts = []
    for model, panel, block in panels(rows):
        found = values(block, explainer, [perturbation], "correlation")[perturbation].dropna()
        if len(found):
            low = 100 * float((found < 0.5).mean())
            said = f"{found.min():.2f} at the least, {low:.0f} % of {len(found)} images below one half"
            parts.append(f"{said} ({panel_title(model, panel)})")
    return "; ".join(parts) or NOT_RUN


def advice(rows: pd.DataFrame) -> str:
    """What the rows say to a reader of one map: whether the mean over five seeds is steady, and what it costs in AD."""
    decisions = claim_rows(rows).groupby("claim")["decision"].agg(set)
    table = use_table(rows)
    mean = table[table["explainer"] == "mean5"]
    if not len(mean) or NOT_RUN in decisions["C12e"] | decisions["C12a"]:
        return f"{NOT_RUN} as far as it takes to say"
    cost = ", ".join(f"{with_interval(row, 'AD gain', 'AD gain low', 'AD gain high')}" for _, row in mean.iterrows())
    said = f"the mean map of five seeds has a lead in AD of {cost} points, on the {len(mean)} networks where it ran"
    steady = decisions["C12e"] == {SUPPORTED} and (mean["AD gain low"] > -AD_MARGIN).all()
    if not steady:
        return f"{said}; that does not show that it is both steadier and as good, so look at the spread first"
    alone = "as one seed does" if decisions["C12a"] == {SUPPORTED} else "which one seed does not everywhere"
    return f"{said}; it keeps the claims' limit in each, {alone}: where the map itself is to be read, take the mean"


def use_page(rows: pd.DataFrame) -> pd.DataFrame:
    """`use_table` for a page: how far two seeds agree, and what the map is worth by IC and AD."""
    table = use_table(rows)
    gains = [f"{heading} gain" for heading in ("IC", "AD")]
    table = table.reindex(columns=[*table.columns, *(g for g in gains if g not in table)])
    page = pd.DataFrame(
        {
            "network": [panel_title(*row) for row in table[["model", "panel"]].itertuples(index=False)],
            "weights": [title_of(name) for name in table["explainer"]],
            "images": table["images"],
            "two seeds correlate at [95 %]": [
                with_interval(row, "correlation", "correlation low", "correlation high") for _, row in table.iterrows()
            ],
            "top tenths overlap": table["overlap"].astype(float),
            "IC, %": table["IC"].astype(float),
            "AD, %": table["AD"].astype(float),
            **{
                f"{g.split()[0]} better by [95 %]": [
                    with_interval(r, g, f"{g} low", f"{g} high") for _, r in table.iterrows()
                ]
                for g in gains
            },
        }
    )
    return or_not_run(page)


def agreement_page(rows: pd.DataFrame, explainers: Iterable[str]) -> pd.DataFrame:
    """`agreement_table` and `change_table` of some explainers for a page."""
    chosen = rows[rows["explainer"].isin([*explainers])]
    table = agreement_table(chosen).merge(
        change_table(chosen).drop(columns="images"), on=["model", "panel", "explainer", "perturbation"], how="left"
    )
    table = table.reindex(columns=[*table.columns, *({"worst", "AD low", "IC low", "AG low"} - {*table.columns})])
    page = pd.DataFrame(
        {
            "network": [panel_title(*row) for row in table[["model", "panel"]].itertuples(index=False)],
            "method": [title_of(name) for name in table["explainer"]],
            "changed": table["perturbation"],
            "images": table["images"],
            "correlation": table["correlation"].astype(float),
            "worst tenth": table["worst"].astype(float),
            "ranks": table["rank"].astype(float),
            "top tenths overlap": table["overlap"].astype(float),
            "without contrast": table["undefined"],
            "other class, %": table["turned"].astype(float),
            "AD changes by": table["AD"].astype(float),
            "IC changes by": table["IC"].astype(float),
            "AG changes by": table["AG"].astype(float),
        }
    )
    return or_not_run(page)
