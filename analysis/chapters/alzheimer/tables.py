"""Tables and numbers of the `alzheimer` chapter: the reference run, its networks, leakage, and the paper's Table 6."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.chapters.alzheimer.evidence import means_table, tuned_table
from analysis.chapters.alzheimer.networks.cards import cards_table
from analysis.chapters.alzheimer.networks.trained import card
from analysis.chapters.alzheimer.networks.tuning import RULE_OF, TUNED
from analysis.chapters.alzheimer.plan import BY_COMPONENTS, BY_HEART, MAIN, OTHER_SEEDS, RESNET, VIT
from analysis.chapters.alzheimer.sanity import STUDY as SANITY
from analysis.chapters.alzheimer.study import STUDY
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page
from analysis.page.panels import MEASURES, panel_title
from analysis.page.tables import contrast_cells, with_interval
from analysis.paper.claims import claims_of
from analysis.paper.tables import paper_alzheimer, paper_table
from analysis.paths import REFERENCE
from analysis.studies.rows import NOT_RUN, reference_rows
from cluscam_lite import get_spec
from cluscam_lite.methods import METHODS
from cluscam_lite.models.weights import ASSETS
from cluscam_lite.tuning import read_tuned

RUNS = (RESNET, VIT, *OTHER_SEEDS, BY_HEART, BY_COMPONENTS)
EARLIER = "layer3"
STAGES = {"paper": "last stage", EARLIER: "layer3"}
TUNED_COLUMNS = ("K", "r", *MEASURES.values(), "IC, ahead of the lent by [95 %]")
# the paper's cell that each network of the reference run stands beside in Table 6
BESIDE = {RESNET: "ResNet-18", VIT: "ViT-B"}


@lru_cache(maxsize=2)
def reference(study: str = "alzheimer") -> pd.DataFrame:
    """The rows of the reference run of the study "alzheimer" or "sanity", as far as it has run."""
    return reference_rows({"alzheimer": STUDY, "sanity": SANITY}[study])


def leakage() -> dict[str, Any]:
    """The figures of `analysis.chapters.alzheimer.leakage` on the slices, as committed."""
    return json.loads((REFERENCE / "alzheimer" / "leakage.json").read_text(encoding="utf-8"))


def leakage_facts(figures: Mapping[str, Any]) -> dict[str, str]:
    """What the text says of the leakage, by the names under which it is glued."""
    public, kept = figures["splits"]["paper, public_test"], figures["splits"]["components, test"]
    curve = pd.DataFrame(figures["curve"]).set_index("threshold").loc[figures["threshold"]]
    smallest, largest = int(curve["smallest"]), int(curve["largest"])
    heads = figures["components of a class"]
    return {
        "copied": f"{public['accuracy']:.1f} %",
        "kept": f"{kept['accuracy']:.1f} %",
        "kept_balanced": f"{kept['balanced']:.1f} %",
        "largest_class": f"{kept['chance']:.1f} %",
        "components": f"{figures['plateau']['components']}",
        "each": f"{smallest}" if smallest == largest else f"{smallest} to {largest}",
        "slices": f"{public['train'] + public['test']:,}",
        "plateau": f"{figures['plateau']['low']:.3f} to {figures['plateau']['high']:.3f}",
        "heads": ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in heads.items()),
    }


def leakage_table(figures: Mapping[str, Any], now: pd.DataFrame) -> pd.DataFrame:
    """Copying the label of the nearest training slice: the Alzheimer slices under two splits, and phantoms (`now`)."""
    rows = [("Alzheimer slices, public split", figures["splits"]["paper, public_test"])]
    rows += [("Alzheimer slices, components kept together", figures["splits"]["components, test"])]
    rows += [(f"phantoms, split by {row['split by']}", row) for row in now.to_dict("records")]
    return pd.DataFrame(
        {
            "split": words,
            "test slices": row["test"],
            "of a head seen in training, %": f"{row['shared']:.0f}",
            "similarity, median": f"{row['median']:.3f}",
            "copied label right, % [95 %]": f"{row['accuracy']:.1f} [{row['low']:.1f}, {row['high']:.1f}]",
            "balanced, %": f"{row['balanced']:.1f}",
            "largest class, %": f"{row['chance']:.1f}",
        }
        for words, row in rows
    )


def networks_table(names: Sequence[str]) -> pd.DataFrame:
    """The networks' cards in words, a row for each run; "not run" where there is no card."""
    found = []
    for row in cards_table(list(names)).to_dict("records"):
        page = {"network": row["network"], "start": NOT_RUN, "epochs": NOT_RUN}
        page |= dict.fromkeys(("accuracy, % [95 %]", "balanced, % [95 %]", "ECE, %"), NOT_RUN)
        if row["here"]:
            page |= {"start": row["start"], "epochs": f"{row['epochs']:.0f}", "ECE, %": f"{row['ece']:.1f}"}
            page |= {"accuracy, % [95 %]": _percent(row, "accuracy")}
            page |= {"balanced, % [95 %]": _percent(row, "balanced_accuracy")}
        found.append(page)
    return pd.DataFrame(found)


def _percent(row: Mapping[str, Any], key: str) -> str:
    value = f"{row[key]:.1f}"
    limits = (row.get(f"{key} low"), row.get(f"{key} high"))
    return value if pd.isna(limits[0]) else f"{value} [{limits[0]:.1f},\N{NO-BREAK SPACE}{limits[1]:.1f}]"


def phantom_networks() -> pd.DataFrame:
    """The two shipped networks' cards in words."""
    found = []
    for name in ("phantom_cnn", "phantom_vit"):
        facts = shipped_card(name)
        test = facts["test"]
        row = {"network": get_spec(name).title, "training phantoms": sum(facts["split"]["images"]["train"])}
        row |= {
            "epochs": facts["epochs"]["run"],
            "accuracy, %": f"{test['accuracy']:.1f}",
            "ECE, %": f"{test['ece']:.1f}",
        }
        found.append(row)
    return pd.DataFrame(found)


def shipped_card(name: str) -> dict[str, Any]:
    """The card of a shipped network."""
    return json.loads((ASSETS / f"{name}.json").read_text(encoding="utf-8"))


def means_beside(rows: pd.DataFrame) -> pd.DataFrame:
    """The `means_table` of the networks and layers that stand beside Table 6; empty where none has run."""
    rows = main_rows(rows)
    return means_table(rows[rows["layer"] != EARLIER])


def layers_page(rows: pd.DataFrame, model: str = RESNET) -> pd.DataFrame:
    """AD, IC and AG in words at a CNN's last stage and at the one before, on the slices of both; "not run" without."""
    mine = rows[(rows["model"] == model) & (rows["variant"] == "")]
    there = set(mine.loc[mine["layer"] == EARLIER, "image_id"])
    if not there:
        return pd.DataFrame({"method": [NOT_RUN]})
    table = means_table(mine[mine["image_id"].isin(there)]).set_index(["panel", "method"])
    found = []
    for name in table.loc[EARLIER].index.intersection(table.loc["paper"].index, sort=False):
        row = {"method": METHODS[name].title}
        for metric in MEASURES.values():
            row |= {f"{metric}, {words}": f"{table.loc[(panel, name), metric]:.1f}" for panel, words in STAGES.items()}
        found.append(row)
    return pd.DataFrame(found)


def main_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the two networks that all methods explain."""
    return rows[rows["model"].isin(list(BESIDE))]


def table_6(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric: Table 6's mean over twelve networks and its cells beside ours, a row for each method.

    Methods that are neither printed there nor planned here are left out. Ours are of `means_beside`, over components
    with their intervals; the number of slices follows where it is not the panel's largest.
    """
    planned = {block.method for block in STUDY.planned("reference").blocks if block.model in BESIDE}
    printed = set(paper_alzheimer(metric).index)
    titles = [info.title for name, info in METHODS.items() if name in planned or info.title in printed]
    columns = {"paper, mean of twelve": _cells_of_paper(paper_alzheimer(metric))}
    columns |= {f"paper, {cell}": _cells_of_paper(paper_alzheimer(metric, cell)) for cell in BESIDE.values()}
    for (model, panel), block in table.groupby(["model", "panel"], sort=False):
        most = block["slices"].max()
        columns[f"reference run, {panel_title(model, panel)}"] = {
            row["title"]: _cell_of_run(row, metric, most) for row in block.to_dict("records")
        }
    if not len(table):
        columns["reference run"] = {}
    found = pd.DataFrame({name: [cells.get(title, "") for title in titles] for name, cells in columns.items()})
    for name in found:
        found[name] = found[name].replace("", "–" if name.startswith("paper") else NOT_RUN)
    return found.assign(method=titles)[["method", *found.columns]]


def _cell_of_run(row: Mapping[str, Any], metric: str, most: int) -> str:
    """A mean with its interval in words, and of how many slices if of fewer than `most`."""
    if row["reason"]:
        return "n/a"
    fewer = f" ({row['slices']})" if row["slices"] < most else ""
    return _percent(row, metric) + fewer


def tuned_page() -> pd.DataFrame:
    """Lent and tuned K and r on the slices of the reference run."""
    return tuned_rows(reference(), MAIN)


def tuned_rows(rows: pd.DataFrame, planned: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """ClusCAM with lent and with tuned K and r in words, for networks and layers in their order; "not run" without."""
    table, found = tuned_table(rows), []
    for model, panel in planned:
        title = panel_title(model, panel)
        mine = table[(table["model"] == model) & (table["panel"] == panel)]
        if not len(mine):
            found.append({"network": title} | dict.fromkeys(("K and r", *TUNED_COLUMNS), NOT_RUN))
        for row in mine.to_dict("records"):
            spec, variant = get_spec(model), row["variant"]
            tuned = read_tuned(TUNED / f"{model}-{panel}.json", RULE_OF[variant]) if variant else spec
            ahead = with_interval(row, "mean", "low", "high") if variant else "–"
            words = {
                "network": title,
                "K and r": variant or "lent",
                "K": tuned.n_clusters,
                "r": f"{tuned.drop_ratio:.2f}",
            }
            words |= {name: f"{row[name]:.1f}" for name in MEASURES.values()}
            found.append(words | {TUNED_COLUMNS[-1]: ahead})
    return pd.DataFrame(found)


def _cells_of_paper(values: pd.Series) -> dict[str, str]:
    return {method: f"{value:.1f}" for method, value in values.items()}


def cells_fitting(n: int) -> str:
    """How many IC of Table 6 (percent, two decimals) are a whole number of n images, in words: "94 of 96"."""
    printed = paper_table(6).query("metric == 'IC'")["value"]
    nearest = (100 * (printed * n / 100).round() / n).round(2)
    return f"{int(((nearest - printed).abs() < 0.005).sum())} of {len(printed)}"


def claims() -> list[dict[str, Any]]:
    """The claims of the study `alzheimer`."""
    return claims_of(STUDY.name)


def claim_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The claims on the rows of the reference run: estimates with intervals over components, the decision."""
    return claims_page(rows, claims(), _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    about, outcome = contrast_cells(claim, row)
    heads = f" ({row['n']:.0f})" if pd.notna(row.get("mean")) else ""
    return about | {"measure": MEASURES[about["measure"]], "slices (heads)": f"{row['planned']}{heads}"} | outcome


def saturated(name: str = VIT) -> str:
    """Percent of the test slices whose probability is exactly 1 in float32, in words."""
    facts = card(name)
    return NOT_RUN if facts is None else f"{facts['test']['saturated']:.1f} %"
