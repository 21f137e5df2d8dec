"""What the chapter on stability puts together: the reference run, claims, tables, and answers in words."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.chapters.stability.claims import AD_MARGIN
from analysis.chapters.stability.evidence import (
    SEEDS,
    agreement_table,
    change_table,
    prepared,
    title_of,
    use_table,
    values,
)
from analysis.chapters.stability.perturbations import BASE
from analysis.chapters.stability.study import STUDY
from analysis.judging.rules import SUPPORTED
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page, estimate_text
from analysis.page.empty import or_not_run
from analysis.page.panels import panel_title, panels
from analysis.page.tables import with_interval
from analysis.paper.claims import claims_of
from analysis.studies.rows import NOT_RUN, reference_rows

SAID = ("seed 1", "back end", "shift 4", "jpeg 75", "K + 1")  # the changes that the text speaks of
WHOLE_SCALE = 100.0  # points, of IC and AD

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


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """The prepared rows with `network` and `map`, names of network, layer and map for a reader."""
    titles = {key: panel_title(*key) for key in set(zip(rows["model"], rows["panel"], strict=True))}
    network = [titles[key] for key in zip(rows["model"], rows["panel"], strict=True)]
    return rows.assign(network=network, map=[title_of(name) for name in rows["explainer"]])


def span(rows: pd.DataFrame, explainer: str, perturbation: str, measure: str = "correlation") -> str:
    """The least and greatest median of a measure over networks and layers, "0.88 to 0.91", or "not run"."""
    table = agreement_table(rows)
    mine = table[(table["explainer"] == explainer) & (table["perturbation"] == perturbation)]
    return _range([f"{value:.2f}" for value in sorted(mine[measure])])


def change_span(rows: pd.DataFrame, explainer: str, perturbations: Iterable[str], measure: str) -> str:
    """By how many points changes move the mean of a measure, over networks, layers and changes: "-1.4 to +0.7"."""
    table = _changes(rows, explainer, perturbations)
    return _range([f"{value:+.1f}" for value in sorted(table[measure])])


def clear_changes(rows: pd.DataFrame, explainer: str, perturbations: Iterable[str], measure: str) -> str:
    """Of how many of those moves the interval leaves out zero, "1 of 8", or "not run"."""
    table = _changes(rows, explainer, perturbations)
    if not len(table):
        return NOT_RUN
    table = table.reindex(columns=[*table.columns, *({f"{measure} low", f"{measure} high"} - {*table.columns})])
    clear = (table[f"{measure} low"] > 0) | (table[f"{measure} high"] < 0)
    return f"{int(clear.sum())} of {len(table)}"


def _changes(rows: pd.DataFrame, explainer: str, perturbations: Iterable[str]) -> pd.DataFrame:
    return change_table(rows[(rows["explainer"] == explainer) & rows["perturbation"].isin([BASE, *perturbations])])


def tail_span(rows: pd.DataFrame, explainer: str, perturbation: str) -> str:
    """The share of images whose two maps correlate below one half, over networks and layers: "2 to 17 %"."""
    blocks = (values(block, explainer, [perturbation], "correlation") for *_, block in panels(rows))
    found = (block[perturbation].dropna() for block in blocks)
    said = _range([f"{low:.0f}" for low in sorted(100 * float((one < 0.5).mean()) for one in found if len(one))])
    return said if said == NOT_RUN else f"{said} %"


def _range(ordered: list[str]) -> str:
    return NOT_RUN if not ordered else " to ".join(dict.fromkeys((ordered[0], ordered[-1])))


def advice(rows: pd.DataFrame) -> str:
    """What the rows say to a reader of one map: whether the mean over five seeds is steady, and as good in AD."""
    decisions = claim_rows(rows).groupby("claim")["decision"].agg(set)
    mean = use_table(rows).query("explainer == 'mean5'")
    if not len(mean) or NOT_RUN in decisions["C12e"]:
        return f"{NOT_RUN} as far as it takes to say"
    if decisions["C12e"] != {SUPPORTED}:
        return "the mean map of five seeds does not reach the limit everywhere, so look at the spread first"
    said = f"the mean map of five seeds reaches the limit on all {len(mean)} networks where it ran"
    if (mean["AD gain low"] > -AD_MARGIN).all():
        return f"{said}, and is no worse in AD: where the map itself is to be read, take the mean"
    return f"{said}; these few images do not show that it is as good in AD on each of them"


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
            **{f"{g.split()[0]} better by [95 %]": [_gain(r, g) for _, r in table.iterrows()] for g in gains},
        }
    )
    return or_not_run(page)


def _gain(row: pd.Series, gain: str) -> str:
    """A gain and its interval; only the gain where the interval is wider than the whole scale of the measure."""
    if row[f"{gain} high"] - row[f"{gain} low"] > WHOLE_SCALE:
        return f"{row[gain]:+.2f} (too few images)"
    return with_interval(row, gain, f"{gain} low", f"{gain} high")


def words(rows: pd.DataFrame) -> dict[str, str]:
    """What the chapter says of the reference run in words: medians, tails, and what seeds do to AD and IC."""
    changes = {change.replace(" + 1", "-more").replace(" ", "-"): change for change in SAID}
    said = {f"median-{key}": span(rows, "cluscam", change) for key, change in changes.items()}
    for name, change in (("gradcam", "shift 4"), ("smooth", "seed 1"), ("mean5", "seed 1")):
        said[f"{name}-{change.split()[0]}"] = span(rows, name, change)
    said |= {f"{name}-beside": span(rows, name, "beside") for name in ("cluscam", "opticam")}
    said |= {"tails-seed": tail_span(rows, "cluscam", "seed 1")}
    said |= {"overlap-seed": span(rows, "cluscam", "seed 1", "overlap")}
    for measure in ("AD", "IC"):
        said[f"{measure}-seeds"] = change_span(rows, "cluscam", SEEDS, measure)
        said[f"{measure}-seeds-clear"] = clear_changes(rows, "cluscam", SEEDS, measure)
    return said | {"advice": advice(rows)}


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
