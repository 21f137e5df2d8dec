"""The ways in which a claim of Section 4.1 can be analysed, on the rows as they are."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from analysis.chapters.logits.evidence import CONTRASTS, random_columns, whole_scores
from analysis.chapters.logits.study import WHOLE
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice, Pair

# what the paper's baseline may be: the members' own logits, with their area or their group's, or one mask of all maps
BASELINES = ("members", "members, area matched", "mean of all")
SUBSETS = ("all", "p at most 0.99")
TESTS = {"Student's t": True, "Wilcoxon's ranks": False}
AVERAGES = ("over maps", "over groups")  # what counts once: a map, so that large groups weigh more, or a group


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """Baseline (of C6a), average, test and images, in every combination that the rows have."""
    against = claim["contrast"]["against"]
    baselines = BASELINES if against in BASELINES else [name for name in CONTRASTS if name == against]
    tables = []
    for block in claim["population"]["blocks"]:
        mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"])]
        tables.append(mine if mine["image_id"].nunique() == block["n"] else None)
    sides = {average: [None if t is None else sides_of(t, average) for t in tables] for average in AVERAGES}
    for baseline, average, subset, (test, student) in product(baselines, AVERAGES, SUBSETS, TESTS.items()):
        if (baseline, average) == ("mean of all", "over groups"):
            continue  # one mask has no groups
        chosen = {"baseline": baseline, "average": average, "images": subset, "p from": test}
        pairs = [None if side is None else _pair(*side, baseline, subset) for side in sides[average]]
        yield Choice(chosen, pairs, "score", student)


def sides_of(rows: pd.DataFrame, average: str = "over maps") -> tuple[pd.DataFrame, pd.Series]:
    """The mean scores by kind of mask and the probability, of each image.

    `random` is the mean over all random partitions; over groups it is the one whose groups have rows.
    """
    if average == "over maps":
        scores = whole_scores(rows)
        scores = scores.assign(random=random_columns(scores).mean(1))
    else:
        of_groups = rows[rows["group"] != WHOLE]
        scores = of_groups.pivot_table(index="image_id", columns="masks", values="score", sort=False)
        scores = scores.rename(columns={"random 000": "random"})
    return scores, rows.groupby("image_id", sort=False)["probability"].first().reindex(scores.index)


def _pair(scores: pd.DataFrame, probability: pd.Series, baseline: str, subset: str) -> Pair | None:
    chosen = scores if subset == "all" else scores[probability <= 0.99]
    return (chosen["kmeans"], chosen[baseline]) if len(chosen) >= 2 else None
