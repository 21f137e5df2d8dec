"""What the paper prints of a claim, as short text."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.page.panels import LOCATION, MEASURES
from analysis.paper.tables import FAMILY, chosen, paper_means, paper_table
from cluscam_lite import get_spec
from cluscam_lite.methods import METHODS

NOT_PRINTED = "not in the paper"
DATASET = {"ilsvrc": "ILSVRC", "alzheimer_mri": "Alzheimer"}  # as Table 2 names them


def printed(claim: Mapping[str, Any]) -> str:
    """What a claim says of it itself, or the paper's table on what the claim compares; else that nothing is printed."""
    contrast = claim.get("contrast", {})
    if "paper" in claim:
        return claim["paper"]
    if contrast.get("against") == "members":  # the paper's own baseline of Section 4.1
        table = paper_table(1).set_index("metric")["value"]
        return f"{table['mean_difference_logit']:+.2f} logits, d = {table['cohens_d']:.2f}"
    return _means(claim) if "method" in contrast else NOT_PRINTED


def paper_effect(claim: Mapping[str, Any]) -> float | None:
    """The effect that the paper prints of a claim, in points, or as its `paper_effect` says; None if it has none."""
    if "paper_effect" in claim:
        return float(claim["paper_effect"])
    found = _ahead(claim) if "method" in claim.get("contrast", {}) else None
    return found[0] if found else None


def _means(claim: Mapping[str, Any]) -> str:
    """The difference of two methods' means over six networks, in words."""
    found = _ahead(claim)
    if found is None:
        return NOT_PRINTED
    ahead, ours, theirs, metric, other = found
    return f"{ahead:+.2f} points ({metric} {ours:.2f}, {other} {theirs:.2f})"


def _ahead(claim: Mapping[str, Any]) -> tuple[float, float, float, str, str] | None:
    """What the paper prints of two methods, turned so that above 0 the first is better: the difference of their means
    over six networks (Table 2's, or of Table 4's cells for localisation), either mean, the metric, the other's title.
    """
    contrast, blocks = claim["contrast"], claim["population"]["blocks"]
    families = {get_spec(block["model"]).family for block in blocks}
    metric = (MEASURES | LOCATION).get(contrast["measure"])
    titles = [METHODS[contrast[side]].title for side in ("method", "against")]
    # the paper reads transformers at the patch embedding, and prints no mean over both families
    if metric is None or len(families) > 1 or (families == {"transformer"} and blocks[0]["layer"] != "paper"):
        return None
    dataset = claim["population"]["dataset"]
    means = paper_means(metric, *families) if metric in LOCATION.values() else _table2(metric, *families, dataset)
    if not set(titles) <= set(means.index):
        return None
    ours, theirs = means[titles]
    ahead = ours - theirs if contrast["better"] == "higher" else theirs - ours
    return float(ahead), float(ours), float(theirs), metric, titles[1]


def _table2(metric: str, family: str, dataset: str) -> pd.Series:
    """A row of Table 2 by method, for a data set of the registry."""
    mine = chosen(paper_table(2), dataset=DATASET[dataset], family=FAMILY[family], metric=metric)
    return mine.set_index("method")["value"]
