"""What the chapters on the ablation and the temperature put together: claims, answers in words, tables for a page."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.chapters.ablation.evidence import against_sources
from analysis.chapters.ablation.study import STUDY
from analysis.judging.ledger import judged
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page, decision_text
from analysis.page.empty import or_not_run, table_of
from analysis.page.panels import blocks, panel_title
from analysis.page.tables import with_interval
from analysis.paper.claims import claims_of
from analysis.statistics import p_text
from analysis.studies.mask_sources import KMEANS, TITLES
from analysis.studies.rows import NOT_RUN, reference_rows
from analysis.studies.weightings import FULL

SIDES = {"r table 3, tau table 3": "", "r 0, tau table 3": "without dropout", "r table 3, tau 1": "with τ = 1"}


@lru_cache(maxsize=1)
def reference() -> pd.DataFrame:
    """The rows of the reference run of `ablation`, as far as it has run; empty if it has not."""
    return reference_rows(STUDY)


def claims(prefix: str | tuple[str, ...] = "") -> list[dict[str, Any]]:
    """The claims of the study `ablation` whose id starts with `prefix`, or one of several."""
    return claims_of(STUDY.name, prefix)


def side_text(side: list[str]) -> str:
    """One side of a contrast in words: the source of the masks and, where it is not the full method, the weighting."""
    source, setting = side
    how = SIDES.get(setting, f"with {setting} weights")
    return f"{TITLES[source]} {how}".strip()


def claim_rows(rows: pd.DataFrame, prefix: str | tuple[str, ...] = "") -> pd.DataFrame:
    """The claims on the rows of the reference run, a row for each network: estimate, p and decision."""
    return claims_page(rows, claims(prefix), _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    ran = pd.notna(row.get("mean"))
    return {
        "network": panel_title(row["model"], row["panel"]),
        "K-Means++ against": side_text(claim["contrast"]["second"]).replace("K-Means++ ", "itself "),
        "images": int(row["n"]) if ran else row["planned"],
        "IC ahead by [95 %]": with_interval(row, "mean", "low", "high") if ran else NOT_RUN,
        "p": p_text(row["log10 p"]) if ran else NOT_RUN,
    }


def leads(rows: pd.DataFrame) -> pd.DataFrame:
    """The claims for one figure: how far the full method is ahead of each variant, in points of IC, in each network.

    Columns: claim, variant, network, model, mean, low, high, decision; networks that have not run are left out.
    """
    found = [
        {
            "claim": claim["id"],
            "variant": side_text(claim["contrast"]["second"]).replace("K-Means++ ", ""),
            "network": panel_title(row["model"], row["panel"]),
            **{name: row[name] for name in ("model", "mean", "low", "high")},
            "decision": decision_text(row),
        }
        for claim in claims()
        for _, row in judged(rows, claim).iterrows()
        if pd.notna(row.get("mean"))
    ]
    return table_of(found, "claim", "variant", "network", "model", "mean", "low", "high", "decision")


def unchanged(rows: pd.DataFrame, without: str = "r 0, tau table 3") -> pd.DataFrame:
    """On how many explanations leaving a part out changes nothing that IC counts, a row for each network.

    `explanations` are images under all seeds of K-Means; `same` those with the same increase in confidence under the
    full method and under the setting `without`; `moved` the mean change of the masked probability, percentage points.
    """
    own = rows[(rows["method"] == KMEANS) & (rows["form"] == "raw") & rows["setting"].isin([FULL, without])]
    found = []
    for model, layer, block in blocks(own):
        wide = block.pivot(index=["seed", "image_id"], columns="setting", values=["increase", "probability_masked"])
        wide = wide.dropna()
        same = wide["increase", FULL] == wide["increase", without]
        moved = (wide["probability_masked", FULL] - wide["probability_masked", without]).abs().mean()
        row = {"network": panel_title(model, layer), "explanations": len(wide), "same": int(same.sum())}
        found.append(row | {"moved": 100 * float(moved)})
    return table_of(found, "network", "explanations", "same", "moved")


def progress(rows: pd.DataFrame) -> pd.DataFrame:
    """How far the reference run is: sources complete, begun and not run, for each network and seed."""
    found = {}
    for block in STUDY.planned("reference").blocks:
        key = (panel_title(block.model, block.layer), block.seed)
        entry = found.setdefault(key, {"complete": [], "begun": [], NOT_RUN: []})
        mine = (rows["model"] == block.model) & (rows["method"] == block.source) & (rows["seed"] == block.seed)
        done = rows.loc[mine, "image_id"].nunique()
        state = "complete" if done == block.n_images else "begun" if done else NOT_RUN
        entry[state].append(TITLES[block.source])
    return pd.DataFrame(
        [
            {"network": network, "seed": seed, **{state: _listed(names) for state, names in entry.items()}}
            for (network, seed), entry in found.items()
        ]
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "–"


def bars_page(table: pd.DataFrame) -> pd.DataFrame:
    """`bars_table` as text."""
    page = pd.DataFrame({"network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)]})
    page["variant"] = table["bar"].to_numpy()
    page["images"] = [NOT_RUN if not n else str(n) for n in table["images"]]
    for heading in ("AD", "IC", "AG"):
        page[heading] = [f"{value:.1f}" if pd.notna(value) else "–" for value in table[heading]]
    shown = [with_interval(row, "ahead", "ahead low", "ahead high") for _, row in table.iterrows()]
    page["ClusCAM ahead in IC by [95 %]"] = [text if "nan" not in text else "–" for text in shown]
    return or_not_run(page)


def spread_page(table: pd.DataFrame) -> pd.DataFrame:
    """`spread` as text: by how many points of IC each factor moves the mean, and its best level."""
    best = [TITLES.get(name, name) for name in table["best"]]
    page = pd.DataFrame(
        {
            "network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)],
            "factor": table["factor"],
            "moves mean IC by, points": [f"{value:.1f}" for value in table["range"]],
            "best level": best,
        }
    )
    return or_not_run(page)


def against_page(rows: pd.DataFrame) -> pd.DataFrame:
    """`against_sources` as text, as the maps are and at a coverage of one half."""
    raw, matched = (against_sources(rows, form) for form in ("raw", "matched"))
    page = pd.DataFrame({"network": [panel_title(*row) for row in raw[["model", "layer"]].itertuples(index=False)]})
    page["K-Means++ against"] = [TITLES[name] for name in raw["source"]]
    page["images"] = raw["n"].to_numpy()
    for heading, table in (("IC ahead by [95 %]", raw), ("at equal coverage [95 %]", matched)):
        page[heading] = [with_interval(row, "mean", "low", "high") for _, row in table.iterrows()]
    return or_not_run(page)


def seeds_page(table: pd.DataFrame) -> pd.DataFrame:
    """`seed_table` as text."""
    page = pd.DataFrame({"network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)]})
    page["images"], page["seeds"] = table["images"].to_numpy(), table["seeds"].to_numpy()
    for source in ("kmeans", "random"):
        for part in ("image", "seed"):
            page[f"{TITLES[source]}, between {part}s"] = [f"{v:.1f}" for v in table[f"{source} {part}"]]
    page["K-Means++ ahead by [95 %]"] = [
        with_interval(row, "ahead", "ahead low", "ahead high") for _, row in table.iterrows()
    ]
    return or_not_run(page, "several seeds")


def why_page(table: pd.DataFrame) -> pd.DataFrame:
    """`why_table` as text."""
    page = pd.DataFrame({"network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)]})
    page["images"], page["Δ against"] = table["images"].to_numpy(), table["Delta against"].to_numpy()
    page["Spearman's ρ [95 %]"] = [with_interval(row, "rho", "low", "high") for _, row in table.iterrows()]
    return or_not_run(page, "correlation")


def sources_page(table: pd.DataFrame) -> pd.DataFrame:
    """The facts of `sources_table` that its figure does not show: how many masks, how different, how tight."""
    page = pd.DataFrame({"network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)]})
    page["masks"] = table["masks"].to_numpy()
    forms = {"n_masks": ("how many", "{:.1f}"), "effective_rank": ("effective rank", "{:.1f}")}
    forms |= {"inertia": ("variance within, %", "{:.0%}"), "noise": ("noise, %", "{:.0%}")}
    forms |= {"coverage": ("coverage of the map, %", "{:.0%}")}
    for fact, (heading, form) in forms.items():
        page[heading] = [form.format(v).removesuffix("%") if pd.notna(v) else "–" for v in table[fact]]
    page["images without masks"] = table["without masks"].to_numpy()
    return or_not_run(page)
