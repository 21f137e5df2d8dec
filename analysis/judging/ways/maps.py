"""The ways to analyse a claim that compares two methods' maps: evaluation, ties, measure, objective, images."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice, Pair

FILLS = ("mean", "black", "blur")
FORMS = {"raw": "as it is", "matched": "coverage 0.5"}
MEASURES = {
    "increase": {"increase": "any rise", "increase_strict": "a rise beyond rounding"},
    "drop": {"drop": "any fall", "drop_strict": "a fall beyond rounding"},
    "gain": {"gain": "over 1 - p (Eq. 13)", "gain_over_p": "over p (public code)", "gain_strict": "over 1 - p, strict"},
    "le": {
        "le": "box of the largest part",
        "le_soft": "soft (public code)",
        "le_half": "above 0.5 (public code)",
        "le_energy": "energy above 0.5 (public code)",
        "le_unscaled": "box not rescaled (public code)",
    },
}
OBJECTIVES = {"opticam": "plain", "opticam_norm": "norm"}
SUBSETS = {
    "all": lambda rows: np.ones(len(rows), bool),
    "classified correctly": lambda rows: (rows["target"] == rows["label"]).to_numpy(bool, na_value=False),
    "p at most 0.99": lambda rows: (rows["probability"] <= 0.99).to_numpy(bool, na_value=False),
}


def map_choices(rows: pd.DataFrame, claim: Claim, groups: Mapping[str, Any] | None = None) -> Iterator[Choice]:
    """Every combination of fill, form, measure, objective of OptiCAM and images; with `groups`, means over these.

    `rows` are prepared rows of a study of maps. Localisation has a value of the map as it is alone.
    """
    contrast, blocks = claim["contrast"], claim["population"]["blocks"]
    measures = MEASURES[contrast["measure"]]
    placed = contrast["measure"] == "le"
    rivals = [*OBJECTIVES] if contrast["against"] in OBJECTIVES else [contrast["against"]]
    tables = [_block(rows, block, [contrast["method"], *rivals], [*measures]) for block in blocks]
    ways = product(("mean",) if placed else FILLS, ("raw",) if placed else FORMS, measures, rivals, SUBSETS)
    for fill, form, measure, rival, subset in ways:
        chosen = {} if placed else {"fill": fill, "form": FORMS[form]}
        chosen |= {"measure": measures[measure], "images": subset}
        if rival in OBJECTIVES:
            chosen["objective"] = OBJECTIVES[rival]
        pairs = [_pair(table, contrast["method"], rival, fill, form, measure, subset) for table in tables]
        yield Choice(chosen, [_grouped(pair, groups) for pair in pairs], measure)


def _block(rows: pd.DataFrame, block: Mapping[str, Any], methods: list[str], measures: list[str]) -> dict[Any, Any]:
    """The rows of a block's first n images, by method, fill and form, indexed by image."""
    there = (rows["model"] == block["model"]) & (rows["panel"] == block["layer"]) & (rows["variant"] == "")
    columns, keys = ["image_id", "target", "label", "probability", *measures], ["method", "fill", "form"]
    mine = rows.loc[there, [*columns, *keys]]  # filtering all columns would take most of the time
    ids = mine["image_id"].unique()[: block["n"]]
    mine = mine[mine["method"].isin(methods) & mine["image_id"].isin(ids)]
    by = {key: part[columns].set_index("image_id") for key, part in mine.groupby(keys)}
    return {key: part.loc[ids] for key, part in by.items() if len(part) == block["n"]}


def _pair(
    table: Mapping[Any, pd.DataFrame], own: str, rival: str, fill: str, form: str, measure: str, subset: str
) -> Pair | None:
    """Both sides on the images of a subset that have a value; None where a side has not run, or on fewer than two."""
    sides = [table.get((method, fill, form)) for method in (own, rival)]
    if sides[0] is None or sides[1] is None:
        return None
    first, second = sides[0][measure], sides[1][measure]  # of the same images
    both = first.notna().to_numpy() & second.notna().to_numpy()
    both[~SUBSETS[subset](sides[0])] = False
    index = first.index[both]
    return tuple(pd.Series(side.to_numpy()[both], index) for side in (first, second)) if len(index) >= 2 else None


def _grouped(pair: Pair | None, groups: Mapping[str, Any] | None) -> Pair | None:
    if pair is None or groups is None:
        return pair
    first, second = (side.groupby(side.index.map(groups)).mean() for side in pair)
    return (first, second) if len(first) >= 2 else None
