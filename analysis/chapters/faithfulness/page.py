"""What the chapters on faithfulness, localisation and metrics put together: paper, reference run and this run."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.chapters.faithfulness.study import STUDY
from analysis.judging.compare import BETTER, compare
from analysis.judging.sources import Claim
from analysis.judging.text import DASH, claims_page
from analysis.page.empty import table_of
from analysis.page.panels import (
    LOCATION,
    MEASURES,
    method_table,
    panel_title,
    panels,
    prepared,
    reference_panels,
    wide,
)
from analysis.page.tables import contrast_cells
from analysis.paper.claims import claims_of
from analysis.paper.tables import PRINTED_AS, paper_means, paper_network, paper_table
from analysis.paths import CONFIRMATION
from analysis.studies.rows import reference_rows
from cluscam_lite.methods import METHODS

FAMILIES = {"cnn": "CNNs", "transformer": "transformers"}
PRINTED = tuple(paper_table(5)["model"].unique())
# a network that the paper prints -> the one here that is most like it, and where it is read; the others have none
RELATIVES = {title: (name, "paper") for name, title in PRINTED_AS.items()} | {
    "EfficientNet": ("efficientnet_lite0", "paper"),
    "ViT-B": ("vit_tiny_patch16_224", "paper"),
}


def reference() -> pd.DataFrame:
    """The prepared rows of the reference run of `faithfulness`, as far as it has run; empty if it has not."""
    return reference_panels(STUDY.name)


def claims(prefix: str | tuple[str, ...] = "") -> list[dict[str, Any]]:
    """The claims of the study `faithfulness` whose id starts with `prefix`, or one of several."""
    return claims_of(STUDY.name, prefix)


def leads(
    rows: pd.DataFrame, against: str, name: str = "cluscam", measures: Mapping[str, str] = MEASURES
) -> pd.DataFrame:
    """How far `name` is ahead of another method, on the images that both explained: a row for each panel and measure.

    `measures`: column of the rows -> heading. `mean`, `low`, `high` and `p` are those of
    `analysis.judging.compare.compare` (points; above 0 `name` is better), `n` the images; `network` and `measure` are
    titles. Panels with fewer than two such images are left out.
    """
    found = []
    for model, panel, block in panels(rows):
        for measure, heading in measures.items():
            both = wide(block, measure).reindex(columns=[name, against]).dropna()
            if len(both) > 1:
                about = {"model": model, "panel": panel, "network": panel_title(model, panel), "measure": heading}
                found.append(about | compare(both[name], both[against], measure))
    return table_of(found, "model", "panel", "network", "measure", "n", "mean", "low", "high", "p")


def paper_leads(against: str) -> pd.DataFrame:
    """The same of the paper's printed means over six networks of a family, without intervals (`low` = `high`)."""
    title, found = METHODS[against].title, []
    for family, words in FAMILIES.items():
        for measure, heading in MEASURES.items():
            printed = paper_means(heading, family)
            ahead = printed["ClusCAM"] - printed[title]
            mean = -ahead if BETTER[measure] == "lower" else ahead
            row = {"model": "", "panel": family, "network": f"paper, six {words}", "measure": heading}
            found.append(row | {"mean": mean, "low": mean, "high": mean})
    return pd.DataFrame(found)


def means_table(rows: pd.DataFrame, measures: Mapping[str, str]) -> pd.DataFrame:
    """Every method's means for a page, in percent: a row for each network, layer and method that explained an image."""
    table = method_table(rows, measures, intervals=False)
    table = table[table["images"] > 0]
    page = pd.DataFrame({"network": [panel_title(*row) for row in table[["model", "panel"]].itertuples(index=False)]})
    kept = table[["title", "images", *measures.values(), "coverage"]].reset_index(drop=True)
    kept["coverage"] *= 100
    return page.join(kept.rename(columns={"title": "method", "coverage": "mean of the map"}))


def beside_paper(metrics: Sequence[str], rows: pd.DataFrame) -> pd.DataFrame:
    """What the paper prints for each network and method, beside the nearest network here: one row for each pair.

    `rows` are prepared, of the reference run and of the fifth network. Percent; NaN and "–" where there is no relative.
    """
    measure_of = {heading: measure for measure, heading in (MEASURES | LOCATION).items()}
    table = method_table(rows, {measure_of[metric]: metric for metric in metrics}, intervals=False)
    ours = table.set_index(["model", "panel", "title"])
    found = []
    for model in PRINTED:
        printed = pd.DataFrame({metric: paper_network(metric, model) for metric in metrics})
        near = RELATIVES.get(model)
        for method, values in printed.iterrows():
            row = {"paper's network": model, "method": method} | {f"{m}, paper": values[m] for m in metrics}
            there = near is not None and (*near, method) in ours.index
            mine = ours.loc[(*near, method)] if there else {}
            row |= {"nearest here": panel_title(*near) if near else DASH}
            row |= {"images": f"{mine['images']}" if there else DASH}
            found.append(row | {f"{m}, here": mine[m] if there else float("nan") for m in metrics})
    return pd.DataFrame(found)


def with_fifth() -> pd.DataFrame:
    """The prepared rows of the reference run and of the fifth network together."""
    fifth = reference_rows(STUDY, CONFIRMATION / STUDY.name)
    return pd.concat([part for part in (reference(), prepared(fifth)) if len(part)], ignore_index=True)


def claim_rows(rows: pd.DataFrame, prefix: str | tuple[str, ...] = "") -> pd.DataFrame:
    """The claims on the rows of the reference run, a row for each block: estimates with intervals, the decision."""
    return claims_page(rows, claims(prefix), _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    about, outcome = contrast_cells(claim, row)
    images = int(row["n"]) if pd.notna(row.get("mean")) else row["planned"]
    return about | {"images": images} | outcome | {"tier": row["tier"]}
