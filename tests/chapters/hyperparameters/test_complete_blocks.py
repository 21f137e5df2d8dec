"""Which blocks are complete, against the literal list of all that there should be."""

from itertools import product

import numpy as np
import pandas as pd

from analysis.chapters.hyperparameters.claims import complete

SEEDS, GRID = [0, 1], [2, 4, 8]
BLOCK = {"model": "m", "layer": "last", "n": 3}


def rows_of(images, seeds=SEEDS, grid=GRID):
    groups = [(image, seed, k, j) for image, seed, k in product(images, seeds, grid) for j in range(2)]
    table = pd.DataFrame(groups, columns=["image_id", "seed", "n_clusters", "group"])
    return table.assign(model="m", layer="last", score=0.0)


def literal(rows, block, grid, seeds):
    mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"])]
    images = set(mine["image_id"])
    groups = set(zip(mine["image_id"], mine["seed"], mine["n_clusters"], strict=True))
    return len(images) == block["n"] and groups == set(product(images, seeds, grid))


def test_as_the_literal_list():
    whole = rows_of("abc")
    cases = [
        whole,
        rows_of("ab"),
        rows_of("abcd"),
        rows_of("abc", [0]),
        rows_of("abc", [0, 1, 2]),
        whole.assign(model="x"),
    ]
    cases += [rows_of("abc", grid=[2, 4]), rows_of("abc", grid=[2, 4, 8, 9]), rows_of("abc", grid=[2, 4, 9])]
    rng = np.random.default_rng(0)
    cases += [whole[rng.random(len(whole)) > share] for share in (0.02, 0.1, 0.5) for _ in range(5)]
    found = [complete(rows, BLOCK, GRID, SEEDS) is not None for rows in cases]
    assert found == [literal(rows, BLOCK, GRID, SEEDS) for rows in cases]
    assert found[0] and not all(found)
    assert complete(whole.iloc[:0], BLOCK, GRID, SEEDS) is None
    doubled = complete(whole, BLOCK, [*GRID, GRID[0]], SEEDS)  # a size that a claim names twice is one size
    assert doubled is not None and len(doubled) == len(whole)
