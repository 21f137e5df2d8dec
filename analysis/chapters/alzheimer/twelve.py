"""The paper's twelve backbones on the Alzheimer slices: is the IC a matter of the method, or of the network?

Claims C5d and C5e judge ClusCAM against OptiCAM there. What is here was looked at beside them: no claim rests on it.
"""

from typing import Any

import pandas as pd

from analysis.chapters.alzheimer.evidence import unit_of
from analysis.chapters.alzheimer.networks.cards import cards_table
from analysis.chapters.alzheimer.networks.trained import backbone
from analysis.chapters.alzheimer.plan import BACKBONES, RESNET
from analysis.page.empty import table_of
from analysis.page.panels import prepared, wide
from analysis.paper.tables import paper_alzheimer, paper_table
from analysis.studies.rows import NOT_RUN
from cluscam_lite.datasets.alzheimer.source import CLASSES
from cluscam_lite.methods import METHODS, method_info

TWELVE = (RESNET, *BACKBONES)
# Table 6's names where they are not the registry's
PRINTED_AS = {"EfficientNet-B0": "EfficientNet", "ViT-B/16": "ViT-B", "PVTv2-B2": "PVTv2"}
BESIDE = ("donor", "edges")  # what knows nothing of the image, and what knows nothing of the network
OF_CARD = {f"balanced_accuracy{end}": short for end, short in (("", "balanced"), (" low", "low"), (" high", "high"))}
CHANCE = 100 / len(CLASSES)  # percent, of balanced accuracy
ALIKE = 5.0  # points of IC, the smallest difference of interest of the claims


def printed_methods() -> list[str]:
    """The methods of Table 6 by the registry's names, in its order."""
    titles = set(paper_table(6)["method"])
    return [name for name, info in METHODS.items() if info.title in titles]


def printed_as(model: str) -> str:
    """What Table 6 calls a network."""
    title = backbone(model).title
    return PRINTED_AS.get(title, title)


def twelve_table(rows: pd.DataFrame, measure: str = "increase") -> pd.DataFrame:
    """One measure, percent, a row for each of the twelve networks that has run, a column for each method.

    Means over components, on the slices that all methods of Table 6 have; a method that cannot explain the network is
    NaN. `slices` counts them; `balanced`, `low` and `high` are from the cards: the mean recall of the classes on the
    test slices, percent, with its interval over components; NaN where a card has none.
    """
    ready = prepared(rows)
    cards = cards_table(list(TWELVE)).set_index("name").reindex(columns=list(OF_CARD)).rename(columns=OF_CARD)
    found, names = [], [*printed_methods(), *BESIDE]
    for model in TWELVE:
        block = ready[(ready["model"] == model) & (ready["panel"] == "paper")]
        if not set(names) <= set(block["method"]):
            continue
        table = wide(block[block["reason"] == ""], measure).reindex(columns=names)
        able = [name for name in names if table[name].notna().any()]
        both = table[able].dropna()
        means = both.groupby(both.index.map(unit_of(block))).mean()
        found.append({"model": model, "slices": len(both), **cards.loc[model], **means.mean().reindex(names).to_dict()})
    return table_of(found, "model", "slices", *OF_CARD.values(), *names)


def paper_twelve(metric: str = "IC") -> pd.DataFrame:
    """Table 6: a metric of the twelve networks (rows, in the order of `TWELVE`) by method (the registry's names)."""
    columns = {model: paper_alzheimer(metric, printed_as(model)) for model in TWELVE}
    titles = {METHODS[name].title: name for name in printed_methods()}
    return pd.DataFrame(columns).T.rename(columns=titles)[printed_methods()]


def shares(table: pd.DataFrame) -> dict[str, float]:
    """How the variance of a table (networks, methods) divides: percent between networks, between methods, and the rest.

    Two-way, each cell once; NaN for a table without variance. Rows with a NaN are left out.
    """
    values = table.dropna().to_numpy(float)
    total = ((values - values.mean()) ** 2).sum() if values.size else 0.0
    if total == 0:
        return dict.fromkeys(("networks", "methods", "rest"), float("nan"))
    networks = values.shape[1] * ((values.mean(1) - values.mean()) ** 2).sum()
    methods = values.shape[0] * ((values.mean(0) - values.mean()) ** 2).sum()
    parts = {"networks": networks, "methods": methods, "rest": total - networks - methods}
    return {name: float(100 * part / total) for name, part in parts.items()}


def twelve_page(table: pd.DataFrame) -> pd.DataFrame:
    """The IC in words, a row for each of the twelve: ClusCAM and the best of Table 6's others, here and there.

    In brackets after a network the slices.
    """
    paper, found = paper_twelve(), []
    ran = {row["model"]: row for row in table.to_dict("records")}
    for model in TWELVE:
        row: dict[str, Any] = {"network": backbone(model).title}
        mine, theirs = ran.get(model), paper.loc[model]
        others = [name for name in paper if name != "cluscam"]
        row |= {"paper: ClusCAM": f"{theirs['cluscam']:.1f}", "paper: best other": _best(theirs[others])}
        row |= dict.fromkeys(("recall", "ClusCAM", "best other", *map(_title, BESIDE)), NOT_RUN)
        if mine is not None:
            row |= {"network": f"{row['network']} ({mine['slices']})", "recall": f"{mine['balanced']:.1f}"}
            row |= {"ClusCAM": f"{mine['cluscam']:.1f}", "best other": _best(pd.Series(mine)[others].astype(float))}
            row |= {_title(name): f"{mine[name]:.1f}" for name in BESIDE}
        found.append(row)
    return pd.DataFrame(found)


def _title(name: str) -> str:
    return method_info(name).title


def _best(values: pd.Series) -> str:
    """The largest value with its method, or how many share it: "57.9 (OptiCAM)", "40.0 (3 methods)"."""
    top = values[values >= values.max() - 1e-6]
    who = _title(top.index[0]) if len(top) == 1 else f"{len(top)} methods"
    return f"{values.max():.1f} ({who})"


def twelve_facts(table: pd.DataFrame) -> dict[str, str]:
    """What the text says of the twelve networks, by the names under which it is glued."""
    printed = paper_twelve()
    facts = {"twelve_paper_networks": f"{shares(printed)['networks']:.0f} %"}
    facts |= {"twelve_paper_methods": f"{shares(printed)['methods']:.0f} %"}
    if not len(table):
        words = ("ran", "networks", "methods", "edges", "donor", "first", "learned", "balanced")
        return facts | {f"twelve_{word}": NOT_RUN for word in words}
    mine, others = table[[*printed]], [name for name in printed if name != "cluscam"]
    first = table["cluscam"] > table[others].max(axis=1) + 1e-6
    learned = table["low"] > CHANCE
    facts |= {f"twelve_{part}": f"{shares(mine)[part]:.0f} %" for part in ("networks", "methods")}
    for name in BESIDE:
        facts[f"twelve_{name}"] = f"{((table[name] - table['cluscam']).abs() < ALIKE).sum()} of {len(table)}"
    return facts | {
        "twelve_ran": f"{len(table)} of {len(TWELVE)}",
        "twelve_first": f"{first.sum()} of {len(table)}",
        "twelve_learned": f"{learned.sum()} of {len(table)}",
        "twelve_balanced": f"{table['balanced'].min():.1f} to {table['balanced'].max():.1f} %",
    }
