"""What the chapter on localisation says in words, on numbers whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.boxes.answers import EIGHT, OTHERS, box_words, energy_words, rank_words
from analysis.chapters.boxes.page import box_page


def errors(cluscam, others, ones, images=3):
    return pd.DataFrame([{"cluscam": cluscam} | dict.fromkeys(EIGHT[1:], others) | {"ones": ones}] * images)


def test_places_are_of_the_images_that_both_have():
    tables = {("cnn", "paper"): errors(50.0, 40.0, 30.0), ("vit", "paper"): errors(20.0, 40.0, 30.0)}
    tables[("half", "paper")] = errors(20.0, 40.0, 30.0).assign(opticam=np.nan)  # not all eight ran
    le = pd.concat(tables, names=["model", "panel", "image_id"])
    words = rank_words(le, ["cnn", "half"])
    assert words == {
        "last": "1 of 1", "first": "1 of 1", "blank": "1 of 2", "blank_cnn": "1 of 1", "below_blank": "1 of 2"
    }  # fmt: skip
    # a method that ran on one hard image only is not punished for it
    hard = pd.concat({("cnn", "paper"): errors(50.0, 40.0, 30.0)}, names=["model", "panel", "image_id"])
    hard.iloc[0] = 99.0
    hard.loc[hard.index[0], "opticam"] = 90.0
    hard.loc[hard.index[1:], "opticam"] = np.nan
    assert rank_words(hard, ["cnn"])["last"] == "1 of 1"


def maps(model="mobileone_s0"):
    drops = {"cluscam": 30.0, "within": 40.0, "box": 20.0, "outside": 90.0}
    return pd.DataFrame(
        {"model": model, "layer": "paper", "map": name, "form": "raw", "fill": fill, "image_id": i, "reason": "",
         "coverage": 0.5, "drop": drops.get(name, 0.0) + (fill == "black"), "increase": 5.0 + (name == "cluscam"),
         "gain": 1.0}
        for name in (*OTHERS, "best") for fill in ("mean", "black") for i in range(2)
    )  # fmt: skip


def test_the_box_as_a_map():
    words = box_words(maps())
    assert words["box_below_outside"] == "0 of 1" and words["within_below_whole"] == "1 of 1"
    assert words["box_ic_below_cluscam"] == "1 of 1" and words["box_ad"] == "20 to 20" and words["box_share"] == "50"
    assert words["images"] == "2 to 2"
    page = box_page(maps()).set_index("map")
    assert set(page.index) == {"the box", "all but the box", "ClusCAM", "ClusCAM within the box"}
    assert page.loc["the box", "AD"] == pytest.approx(20) and set(page["network"]) == {"MobileOne-S0"}


def test_the_energy_in_the_box():
    rows = pd.DataFrame({"method": ["ones", "ones", "centre"], "ep": [40.0, 41.2, 77.0]})
    assert energy_words(rows, ["ones"]) == {"ones": "41"}
