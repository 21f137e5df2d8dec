"""The two sides of a way to analyse a claim, against a literal join by image."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from analysis.judging.ways.maps import FILLS, FORMS, MEASURES, SUBSETS, map_choices

IMAGES = [f"i{k}" for k in (3, 1, 2, 0, 5, 4)]
BLOCK = {"model": "m", "layer": "last", "n": 5}  # the first five of six


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    found = []
    for image, method, fill, form in product(IMAGES, ("cluscam", "scorecam"), FILLS, FORMS):
        row = {"image_id": image, "method": method, "fill": fill, "form": form}
        row |= {name: rng.normal() if rng.random() > 0.2 else np.nan for name in MEASURES["gain"]}
        found.append(row | {"target": int(image[1]) % 2, "label": 1, "probability": 0.98 + 0.005 * int(image[1])})
    table = pd.DataFrame(found).assign(model="m", panel="last", variant="")
    other = table.assign(model="n", probability=0.0)
    return pd.concat([other, table, table.assign(variant="seed 1")], ignore_index=True)


def literal(rows, fill, form, measure, subset):
    """image -> both values, by loops."""
    kept = {"all": lambda r: True, "classified correctly": lambda r: r["target"] == r["label"]}
    kept["p at most 0.99"] = lambda r: r["probability"] <= 0.99
    sides = {"cluscam": {}, "scorecam": {}}
    for row in rows.to_dict("records"):
        same = (row["model"], row["variant"], row["fill"], row["form"]) == ("m", "", fill, form)
        of_subset = row["method"] == "scorecam" or kept[subset](row)
        if same and of_subset and row["image_id"] in IMAGES[:5] and not np.isnan(row[measure]):
            sides[row["method"]][row["image_id"]] = row[measure]
    both = [image for image in IMAGES if all(image in side for side in sides.values())]
    return {image: (sides["cluscam"][image], sides["scorecam"][image]) for image in both}


def test_as_a_literal_join(rows):
    claim = {"contrast": {"method": "cluscam", "against": "scorecam", "measure": "gain"}}
    claim["population"] = {"blocks": [BLOCK]}
    names = {words: name for name, words in MEASURES["gain"].items()} | {words: form for form, words in FORMS.items()}
    ways = [*map_choices(rows, claim)]
    assert len(ways) == len(FILLS) * len(FORMS) * len(MEASURES["gain"]) * len(SUBSETS)
    none = 0
    for way in ways:
        at = way.chosen
        wanted = literal(rows, at["fill"], names[at["form"]], names[at["measure"]], at["images"])
        if len(wanted) < 2:
            none += 1
            assert way.pairs == [None]
            continue
        first, second = way.pairs[0]
        assert [*first.index] == [*second.index] == [*wanted]
        assert [*zip(first, second, strict=True)] == [*wanted.values()]
    assert none < len(ways) / 2
