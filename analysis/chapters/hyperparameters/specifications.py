"""The ways in which a claim on K can be analysed, on the rows as they are. Those on r are fitted too slowly for it."""

from collections.abc import Iterator

import pandas as pd

from analysis.chapters.hyperparameters.claims import evidence
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice

ON_K = ("stable K", "near K", "saturation")
USED = ["model", "layer", "image_id", "seed", "n_clusters", "score"]  # by the claims on K


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """All seeds of K-Means, or one alone; all candidate sizes, or all but one: one change at a time."""
    if claim["criterion"]["of"] not in ON_K:
        return
    population = claim["population"]
    if len(rows):  # numbers are filtered faster than names
        rows = rows[USED].astype({"model": "category", "layer": "category"})
        rows = rows.assign(image_id=pd.factorize(rows["image_id"])[0])
    grid, seeds = population["grid"], population["seeds"]
    changes = [("all", seeds, "none", grid)]
    changes += [(str(seed), [seed], "none", grid) for seed in seeds]
    if claim["criterion"]["of"] != "saturation":  # which is of the ends and the middle of the curve alone
        changes += [("all", seeds, str(size), [other for other in grid if other != size]) for size in grid[1:-1]]
    for seed, some, left_out, sizes in changes:
        mine = rows[rows["seed"].isin(some) & rows["n_clusters"].isin(sizes)]
        changed = {**claim, "population": {**population, "seeds": some, "grid": sizes}}
        numbers = evidence(mine, changed).drop(columns=["model", "panel", "text"], errors="ignore").to_dict("records")
        yield Choice({"seed": seed, "size left out": left_out}, numbers=numbers)
