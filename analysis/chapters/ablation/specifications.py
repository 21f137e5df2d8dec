"""The ways in which a claim of Section 4.4 can be analysed, on the rows as they are."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from analysis.chapters.ablation.claims import USED, mean_of_seeds, sides_by_seed
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice, Pair
from analysis.judging.ways.maps import FORMS, MEASURES

BLOCK = ["model", "layer"]
SUBSETS = ("all", "p at most 0.99")


def choices(rows: pd.DataFrame, claim: Claim) -> Iterator[Choice]:
    """Seeds (their mean, or one alone), form, ties and images, in every combination."""
    contrast, blocks = claim["contrast"], claim["population"]["blocks"]
    seeds = {"mean of all": contrast["seeds"], **{f"seed {seed}": [seed] for seed in contrast["seeds"]}}
    measures = MEASURES[contrast["measure"]]
    sources = {source for source, _ in (contrast["first"], contrast["second"])}
    used = [*BLOCK, *USED, "probability", *measures]
    rows = rows.loc[rows["method"].isin(sources), used]
    of_block = [rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"])] for block in blocks]
    sure = rows.loc[rows["probability"] > 0.99, "image_id"].groupby(rows["model"]).unique().to_dict()
    sides = {
        (form, measure): [
            sides_by_seed(mine, block["n"], {**contrast, "measure": measure, "form": form})
            for mine, block in zip(of_block, blocks, strict=True)
        ]
        for form, measure in product(FORMS, measures)
    }
    for (seed, some), form, measure in product(seeds.items(), FORMS, measures):
        pairs = [mean_of_seeds(by_seed, {**contrast, "seeds": some}) for by_seed in sides[form, measure]]
        for subset in SUBSETS:
            chosen = {"seeds": seed, "form": FORMS[form], "measure": measures[measure], "images": subset}
            kept = [
                pair if subset == "all" else without(pair, sure.get(block["model"], ()))
                for pair, block in zip(pairs, blocks, strict=True)
            ]
            yield Choice(chosen, kept, measure)


def without(pair: Pair | None, images: object) -> Pair | None:
    """Both sides without some images; None where fewer than two are left."""
    if pair is None:
        return None
    left = ~pair[0].index.isin(images)
    return (pair[0][left], pair[1][left]) if left.sum() >= 2 else None
