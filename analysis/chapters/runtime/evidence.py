"""From the rows of the study `runtime` to its tables, all in passes of the network: medians over repeats and images."""

import numpy as np
import pandas as pd

from analysis.chapters.runtime.plan import BRUTE_FORCE, VARIED, title_of
from analysis.chapters.runtime.study import AGREEMENT, PASSES, WHOLE
from analysis.oracles.timing import PHASES
from analysis.page.empty import table_of
from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import METHODS

WHERE = ["model", "layer"]
KMEANS = ["normalise", "clustering"]  # Fig. 6's phase "K-Means", and what this project does to make it cheap
BRUTE = ("brute force", "brute force overhead", "grouping ratio", "whole ratio")
CHANGED = ("inertia", "rank correlation", "difference")
PASSES_OF = ("forward", "backward", "through")
FACTS = ("K", "d", "height", "images", "forward_passes", "backward_passes", "through", "threads", "device")


def ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Each piece of work in plain passes, the median over its repeats: `ratio`, a row for each image and item.

    Rows of agreement are left out; where a method cannot explain a network, `ratio` is NaN and `reason` says why.
    Raises CluscamError for a time that is not above zero.
    """
    mine = rows[rows["item"] != AGREEMENT]
    ran = mine["reason"] == ""
    if not (mine.loc[ran, ["seconds", "seconds_pass"]] > 0).all(axis=None):
        raise CluscamError("a time of the study of running time is not above zero; run the study again")
    mine = mine.assign(ratio=(mine["seconds"] / mine["seconds_pass"]).where(ran))
    keys = [*WHERE, "method", "variant", "image_id", "item"]
    found = mine.groupby(keys, sort=False).agg(
        ratio=("ratio", "median"), repeats=("repeat", "nunique"), reason=("reason", "first"),
        **{fact: (fact, "first") for fact in FACTS},
    )  # fmt: skip
    return found.reset_index()


def method_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What each method costs in each network: median over images in passes, `low` and `high` the range over images.

    `forward`, `backward`: passes of the whole network; `through`: images that went through it or through its head
    alone. A method that cannot explain a network is a row without a ratio, with the `reason`.
    """
    mine = ratios(rows)
    mine = mine[(mine["variant"] == "") & (mine["item"] == WHOLE)]
    order = {name: i for i, name in enumerate(("cluscam", BRUTE_FORCE, *(m for m in METHODS if m != "cluscam")))}
    found = []
    # a method that is read at another layer of a network ("last_input") counts with that network all the same
    for (model, name), block in mine.groupby(["model", "method"], sort=False):
        row = {"model": model, "method": name, "title": title_of(name), "images": block["image_id"].nunique()}
        row |= {"ratio": block["ratio"].median(), "low": block["ratio"].min(), "high": block["ratio"].max()}
        row |= {"K": int(block["K"].max()), "d": int(block["d"].max())}
        row |= {"forward": block["forward_passes"].max(), "backward": block["backward_passes"].max()}
        row |= {"through": block["through"].max(), "reason": block["reason"].iloc[0]}
        found.append(row)
    table = table_of(found, "model", "method", "title", "images", "ratio", "low", "high", *PASSES_OF, "reason")
    models = list(dict.fromkeys(mine["model"]))
    return table.sort_values(
        ["model", "method"], key=lambda c: c.map(order if c.name == "method" else models.index)
    ).reset_index(drop=True)


def phase_table(rows: pd.DataFrame) -> pd.DataFrame:
    """ClusCAM's phases in each network, in passes; beside them the whole, K + 1 plain passes, and brute force.

    `overhead`: the whole over the K + 1 passes in it; `kmeans share`: percent of the phases' sum that is spent on
    normalising and clustering; `brute force overhead` the same as `overhead`, of the brute-force path. `grouping ratio`
    and `whole ratio`: how many times longer the brute-force path takes, for the grouping alone and for the whole map.
    """
    mine = ratios(rows)
    mine = mine[mine["variant"] == ""]
    found = []
    for (model, layer), block in mine.groupby(WHERE, sort=False):
        own, brute = (block[block["method"] == name] for name in ("cluscam", BRUTE_FORCE))
        if not len(own):
            continue
        row = {"model": model, "layer": layer, "images": own["image_id"].nunique()}
        row |= {"K": int(own["K"].iloc[0]), "d": int(own["d"].iloc[0])}
        row |= medians(own)
        row["overhead"] = _over(own).median()
        row["kmeans share"] = 100 * sum(row[p] for p in KMEANS) / sum(row[p] for p in PHASES)
        row["brute force"] = medians(brute).get(WHOLE, np.nan)
        row["grouping ratio"] = medians(brute).get("clustering", np.nan) / sum(row[p] for p in KMEANS)
        row["whole ratio"] = row["brute force"] / row["whole"]
        row["brute force overhead"] = _over(brute).median()
        found.append(row)
    return table_of(found, *WHERE, "images", "K", "d", "overhead", "kmeans share", *BRUTE)


def medians(block: pd.DataFrame) -> dict[str, float]:
    """The median over images of each item of one method in one network."""
    return block.groupby("item", sort=False)["ratio"].median().to_dict()


def _over(block: pd.DataFrame) -> pd.Series:
    """The whole over the K + 1 plain passes, image by image."""
    wide = block.pivot(index="image_id", columns="item", values="ratio")
    return wide[WHOLE] / wide[PASSES] if {WHOLE, PASSES} <= set(wide) else pd.Series(dtype=float)


def growth_table(rows: pd.DataFrame) -> pd.DataFrame:
    """How the cost grows: a row for each network, thing varied (K, d, size) and value, in passes *at that size*.

    `K-Means`: normalising and clustering; `scoring`; `brute force K-Means`: the same groups found in H x W dimensions.
    """
    mine = ratios(rows)
    mine = mine[mine["variant"].str.split(" ").str[0].isin([*VARIED])]
    found = []
    for (model, variant), block in mine.groupby(["model", "variant"], sort=False):
        varied, value = variant.split(" ")
        own = medians(block[block["method"] == "cluscam"])
        row = {"model": model, "varied": varied, "value": int(value)}
        row |= {"K-Means": sum(own[p] for p in KMEANS), "scoring": own["scoring"]}
        row["brute force K-Means"] = medians(block[block["method"] == BRUTE_FORCE]).get("clustering", np.nan)
        found.append(row)
    return pd.DataFrame(found, columns=["model", "varied", "value", "K-Means", "scoring", "brute force K-Means"])


def batch_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Images in batches: phases in passes of the batch, the share of K-Means (percent), and what changes.

    `inertia`: mean over images of this back end's inertia over scikit-learn's; `rank correlation` (smallest) and
    `difference` (largest) of the maps against those of scikit-learn (float32) or of float32 passes (bfloat16).
    """
    found = []
    timed = ratios(rows)
    for (model, variant), block in rows[rows["variant"].str.startswith("batch")].groupby(
        ["model", "variant"], sort=False
    ):
        phases = medians(timed[(timed["model"] == model) & (timed["variant"] == variant)])
        changed = block[block["item"] == AGREEMENT]
        _, backend, precision = variant.split(", ")
        whole = sum(phases[p] for p in PHASES)
        row = {"model": model, "backend": backend, "precision": precision, "images": int(block["images"].iloc[0])}
        row |= {"device": block["device"].iloc[0], "whole": whole, "scoring": phases["scoring"]}
        row |= {"kmeans share": 100 * sum(phases[p] for p in KMEANS) / whole}
        row |= {"inertia": changed["inertia_ratio"].mean(), "rank correlation": changed["rank_correlation"].min()}
        found.append(row | {"difference": changed["max_difference"].max()})
    return table_of(
        found, "model", "backend", "precision", "images", "device", "whole", "scoring", "kmeans share", *CHANGED
    )
