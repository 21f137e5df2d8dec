"""The study `boxes`: its maps are those of `faithfulness`, and only images with one box are explained."""

import pytest

from analysis.chapters.boxes.study import NOT_ONE, STUDY
from analysis.chapters.faithfulness.study import STUDY as FAITHFULNESS
from analysis.engine import read, run
from analysis.paper.claims import all_claims

PROFILE = {"profile": "smoke", "seed": 0}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("boxes")
    run(STUDY, PROFILE, folder, quiet=True)
    return read(STUDY, folder)


def test_one_box_or_a_reason(rows):
    single = rows["image_id"].str.contains("single")
    assert single.any() and not single.all()
    assert rows.loc[single, ["ep", "le", "le_all"]].notna().all(axis=None) and (rows.loc[single, "reason"] == "").all()
    assert rows.loc[~single, ["ep", "le", "le_all"]].isna().all(axis=None)
    assert (rows.loc[~single, "reason"] == NOT_ONE).all()


def test_the_maps_are_those_of_faithfulness(rows, tmp_path):
    run(FAITHFULNESS, PROFILE, tmp_path, quiet=True)
    theirs = read(FAITHFULNESS, tmp_path)
    theirs = theirs[(theirs["form"] == "raw") & (theirs["fill"] == "mean")]
    both = rows.merge(theirs, on=["model", "layer", "method", "image_id"], suffixes=("", " there")).dropna(subset="le")
    assert len(both) >= 1
    for name in ("ep", "le", "target"):
        assert (both[name] == both[f"{name} there"]).all(), name


def test_the_reference_plan_has_the_images_of_the_claims():
    planned = {(b.model, b.layer, b.method): b for b in STUDY.planned("reference").blocks}
    theirs = {(b.model, b.layer, b.method): b for b in FAITHFULNESS.planned("reference").blocks if not b.variant}
    for claim in all_claims():
        if claim["id"] in ("C9a", "C9b"):
            for block in claim["population"]["blocks"]:
                for name in (claim["contrast"]["method"], claim["contrast"]["against"]):
                    mine = planned[block["model"], block["layer"], name]
                    assert mine.n_images >= block["n"]
                    assert (mine.seed, mine.settings) == (0, theirs[block["model"], block["layer"], name].settings)
