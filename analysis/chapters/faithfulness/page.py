"""What the chapters on faithfulness, localisation and metrics put together: paper, reference run and this run."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.chapters.faithfulness.study import STUDY
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page
from analysis.page.panels import method_table, panel_title, reference_panels
from analysis.page.tables import contrast_cells
from analysis.paper.claims import claims_of
from analysis.paper.tables import PRINTED_AS, paper_means, paper_network
from analysis.studies.rows import NOT_RUN
from cluscam_lite import get_spec
from cluscam_lite.methods import METHODS


def reference() -> pd.DataFrame:
    """The prepared rows of the reference run of `faithfulness`, as far as it has run; empty if it has not."""
    return reference_panels(STUDY.name)


def claims(prefix: str | tuple[str, ...] = "") -> list[dict[str, Any]]:
    """The claims of the study `faithfulness` whose id starts with `prefix`, or one of several."""
    return claims_of(STUDY.name, prefix)


def means(runs: Mapping[str, pd.DataFrame], measures: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Each run's means without intervals: name of the run -> prepared rows."""
    return {name: method_table(rows, measures, intervals=False) for name, rows in runs.items()}


def side_by_side(heading: str, family: str, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One metric of one family, a row for each method: the paper's mean, its own network's cell, each run's panels.

    `tables` are those of `means`. Values are means in percent as text, with the number of images where it is smaller
    than the panel's largest; "not run" where nothing ran, "n/a" where a method cannot explain the network.
    """
    titles = [info.title for info in METHODS.values()]
    columns = {
        f"paper, mean of six {'CNNs' if family == 'cnn' else 'transformers'}": _printed(paper_means(heading, family))
    }
    for name, table in tables.items():
        of_family = [model for model in table["model"].unique() if get_spec(model).family == family]
        if not of_family:
            columns[name] = {}
            continue
        mine = table[table["model"].isin(of_family)]
        for (model, panel), block in mine.groupby(["model", "panel"], sort=False):
            if model in PRINTED_AS:
                columns[f"paper, {PRINTED_AS[model]}"] = _printed(paper_network(heading, PRINTED_AS[model]))
            columns[f"{name}, {panel_title(model, panel)}"] = _cells(block, heading)
    found = pd.DataFrame({column: [cells.get(t, "") for t in titles] for column, cells in columns.items()})
    found = found.where(found != "", NOT_RUN)
    for column in found.columns:
        if column.startswith("paper"):
            found[column] = found[column].replace(NOT_RUN, "–")
    return found.assign(method=titles)[["method", *found.columns]]


def _printed(values: pd.Series) -> dict[str, str]:
    return {method: f"{value:.1f}" for method, value in values.items()}


def _cells(block: pd.DataFrame, heading: str) -> dict[str, str]:
    most = block["images"].max()
    found = {}
    for row in block.itertuples():
        value = block.loc[row.Index, heading]
        if row.images == 0:
            found[row.title] = "n/a" if row.reason else NOT_RUN
        elif pd.notna(value):
            found[row.title] = f"{value:.1f}" + (f" ({row.images})" if row.images < most else "")
    return found


def planned() -> pd.DataFrame:
    """What the reference run is to hold: a row for each network and panel, with the images of each group of methods."""
    asked = {"most methods": "cluscam", "ScoreCAM": "scorecam", "OptiCAM": "opticam", "ReciproCAM": "reciprocam"}
    asked |= {"PolyCAM": "polycam"}
    return pd.DataFrame(
        {"network": panel_title(*panel)} | {heading: wanted.get(name, "–") for heading, name in asked.items()}
        for panel, wanted in _planned_images().items()
    )


def progress(rows: pd.DataFrame) -> pd.DataFrame:
    """How far the reference run is: methods that ran on all, some and none of their images, for each panel."""
    found = []
    for (model, panel), wanted in _planned_images().items():
        mine = rows[(rows["model"] == model) & (rows["panel"] == panel)]
        done = mine[mine["variant"] == ""].groupby("method")["image_id"].nunique()
        have = {name: int(done.get(name, 0)) for name in wanted}
        complete = [name for name, n in wanted.items() if have[name] == n]
        begun = [name for name, n in wanted.items() if 0 < have[name] < n]
        found.append(
            {
                "network": panel_title(model, panel),
                "methods complete": f"{len(complete)} of {len(wanted)}",
                "begun": _titles(begun),
                NOT_RUN: _titles(name for name in wanted if not have[name]) if any(have.values()) else "all",
            }
        )
    return pd.DataFrame(found)


def _titles(names: Iterable[str]) -> str:
    return ", ".join(METHODS[name].title for name in names) or "–"


def _planned_images() -> dict[tuple[str, str], dict[str, int]]:
    """Network and panel -> method -> images, without the variants."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for block in STUDY.planned("reference").blocks:
        if not block.variant:
            panel = "last" if block.layer == "last_input" else block.layer
            found.setdefault((block.model, panel), {})[block.method] = block.n_images
    return found


def claim_rows(rows: pd.DataFrame, prefix: str | tuple[str, ...] = "") -> pd.DataFrame:
    """The claims on the rows of the reference run, a row for each block: estimates with intervals, the decision."""
    return claims_page(rows, claims(prefix), _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    about, outcome = contrast_cells(claim, row)
    images = int(row["n"]) if pd.notna(row.get("mean")) else row["planned"]
    return about | {"images": images} | outcome | {"tier": row["tier"]}
