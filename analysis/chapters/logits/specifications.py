"""The ways in which a claim of Section 4.1 can be analysed, on the rows as they are."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from analysis.chapters.logits.evidence import CONTRASTS, random_columns, whole_scores
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice, Pair

# what the paper's baseline may be: the members' own logits, with their area or their group's, or one mask of all maps
BASELINES = ("members", "members, area matched", "mean of all")
SUBSETS = ("all", "p at most 0.99")
TESTS = {"Student's t": True, "Wilcoxon's ranks": False}


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """Baseline (of C6a), test and images, in every combination."""
    against = claim["contrast"]["against"]
    baselines = BASELINES if against in BASELINES else [name for name in CONTRASTS if name == against]
    tables = []
    for block in claim["population"]["blocks"]:
        mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"])]
        tables.append(mine if mine["image_id"].nunique() == block["n"] else None)
    sides = [None if table is None else sides_of(table) for table in tables]
    for baseline, subset, (test, student) in product(baselines, SUBSETS, TESTS.items()):
        chosen = {"baseline": baseline, "images": subset, "p from": test}
        pairs = [None if side is None else _pair(*side, baseline, subset) for side in sides]
        yield Choice(chosen, pairs, "score", student)


def sides_of(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The mean scores by kind of mask, `random` over all random partitions, and the probability, of each image."""
    scores = whole_scores(rows)
    scores = scores.assign(random=random_columns(scores).mean(1))
    return scores, rows.groupby("image_id", sort=False)["probability"].first().reindex(scores.index)


def _pair(scores: pd.DataFrame, probability: pd.Series, baseline: str, subset: str) -> Pair | None:
    chosen = scores if subset == "all" else scores[probability <= 0.99]
    return (chosen["kmeans"], chosen[baseline]) if len(chosen) >= 2 else None
