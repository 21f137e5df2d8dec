"""The order of the methods: its numbers are means of the rows, and the page sorts them as it says."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.metrics.ranks import FILLS, FORMS, rank_data, rank_table, rerank_widget
from cluscam_lite.methods import METHODS


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    found = []
    for name in ("cluscam", "gradcam", "fakecam"):
        for image in range(4):
            for form in (*FORMS, "complement"):
                for fill in FILLS if form in FORMS else ("mean",):
                    drop, increase = rng.uniform(0, 50), 100 * rng.integers(2)
                    found.append(
                        {
                            "model": "resnet18",
                            "panel": "paper",
                            "method": name,
                            "variant": "",
                            "form": form,
                            "fill": fill,
                        }
                        | {"image_id": str(image), "drop": drop, "increase": increase, "gain": increase / 4}
                    )
    other = {**found[0], "variant": "seed 1", "drop": 1e6}
    return pd.DataFrame([*found, other])


def test_means_are_of_the_methods_own_settings(rows):
    table = rank_table(rows)
    assert set(table["form"]) == set(FORMS) and len(table) == 3 * len(FORMS) * len(FILLS)
    chosen = rows.query("method == 'gradcam' and form == 'matched' and fill == 'blur'")
    row = table.query("method == 'gradcam' and form == 'matched' and fill == 'blur'").iloc[0]
    assert row["drop"] == pytest.approx(chosen["drop"].mean()) and table["drop"].max() < 100


def test_the_page_has_every_number_and_a_place_for_every_kind(rows):
    data = rank_data(rows)
    block = data["tables"]["resnet18 paper|raw|black"]
    assert set(block) == {METHODS[name].title for name in ("cluscam", "gradcam", "fakecam")}
    table = rank_table(rows).query("method == 'fakecam' and form == 'raw' and fill == 'black'").iloc[0]
    assert block["FakeCAM"] == pytest.approx([table["drop"], table["increase"], table["gain"]], abs=0.006)
    assert data["measures"] == ["AD", "IC", "AG"] and data["images"] == {"resnet18 paper": 4}
    assert data["kinds"]["FakeCAM"] == "trivial"


def test_the_picture_before_it_is_touched_is_sorted_by_ic(rows):
    text = rerank_widget(rows).data
    numbers = [float(n) for n in re.findall(r'cw-number">([\d.]+)<', text)]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) == 3
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.S)
    assert set(json.loads(found)["fills"]) == set(FILLS) == set(re.findall(r'name="cw-fill" value="(\w+)"', text))
