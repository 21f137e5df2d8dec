"""The study `boxes`: its maps are those of `faithfulness`, and only images with one box are explained."""

import pandas as pd
import pytest

from analysis.chapters.boxes.claims import evidence
from analysis.chapters.boxes.page import claims_page, means_page
from analysis.chapters.boxes.study import NOT_ONE, STUDY
from analysis.chapters.faithfulness.study import STUDY as FAITHFULNESS
from analysis.engine import read, run
from analysis.paper.claims import all_claims
from analysis.studies.rows import NOT_RUN, reference_rows
from cluscam_lite.errors import CluscamError

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


def test_the_reference_plan_has_the_pairs_of_the_claims():
    planned = {(b.model, b.layer, b.method): b for b in STUDY.planned("reference").blocks}
    theirs = {(b.model, b.layer, b.method): b for b in FAITHFULNESS.planned("reference").blocks if not b.variant}
    for claim in all_claims():
        if claim["id"] in ("C9a", "C9b"):
            for block in claim["population"]["blocks"]:
                for name in (claim["contrast"]["method"], claim["contrast"]["against"]):
                    mine = planned[block["model"], block["layer"], name]
                    assert mine.n_images >= 40
                    assert (mine.seed, mine.settings) == (0, theirs[block["model"], block["layer"], name].settings)


def by_hand(errors, boxes=("le", "le_all")):
    """Rows of a network: (method, image, le, le_all), without a box where the errors are None."""
    known = {"model": "mobileone_s0", "layer": "paper", "variant": "", "target": 1, "ep": 50.0, "reason": ""}
    return pd.DataFrame(
        known | {"method": method, "image_id": image, **dict(zip(boxes, pair, strict=True))}
        for method, image, *pair in errors
    )


CLAIM = {
    "contrast": {"measure": "le", "method": "cluscam", "against": "ones", "better": "lower"},
    "thresholds": {"rule": "effect", "sesoi": 0.2, "unit": "d_z", "alpha": 0.05},
    "population": {"blocks": [{"model": "mobileone_s0", "layer": "paper", "n": 3}]},
}


def test_either_box_by_hand():
    none = (None, None)
    rows = by_hand(
        [("cluscam", "a", 10, 50), ("cluscam", "b", *none), ("cluscam", "c", 30, 80), ("cluscam", "d", 0, 0)]
        + [("ones", "a", 60, 60), ("ones", "b", *none), ("ones", "c", 70, 70), ("ones", "d", 90, 90)]
    )
    assert evidence(rows, CLAIM)["mean"].tolist() == [45] and evidence(rows, CLAIM)["n"].tolist() == [2]
    other = CLAIM | {"contrast": CLAIM["contrast"] | {"box": "all"}}
    assert evidence(rows, other)["mean"].tolist() == [0]
    first = CLAIM | {"population": {"blocks": [CLAIM["population"]["blocks"][0] | {"n": 9}]}}
    assert evidence(rows, first)["n"].tolist() == [3]  # as many as there are
    assert evidence(rows[rows["image_id"] != "c"], CLAIM)["mean"].tolist() == [70]
    alone = rows[rows["method"] == "ones"]
    assert "mean" not in evidence(alone, other) and "mean" not in evidence(rows.iloc[:0], other)
    with pytest.raises(CluscamError, match="box"):
        evidence(rows, CLAIM | {"contrast": CLAIM["contrast"] | {"box": "al"}})


def test_the_pages():
    rows = by_hand([("cluscam", "a", 10, 60), ("cluscam", "b", 20, 40), ("ones", "a", 60, 60), ("ones", "b", 50, 50)])
    page = means_page(rows).set_index("method")
    assert page.loc["ClusCAM"].tolist()[1:] == [2, "15.0", "50.0", "50"]
    assert means_page(rows.iloc[:0]).iloc[0, 0] == NOT_RUN
    waiting = claims_page(rows.iloc[:0])
    assert waiting["claim"].value_counts().to_dict() == {"C9a": 4, "C9b": 10}
    assert (waiting["decision"] == NOT_RUN).all()


def test_the_reference_rows_have_the_errors_that_faithfulness_has():
    mine, theirs = reference_rows(STUDY), reference_rows(FAITHFULNESS)
    theirs = theirs[(theirs["form"] == "raw") & (theirs["fill"] == "mean") & (theirs["variant"] == "")]
    both = mine.merge(theirs, on=["model", "layer", "method", "image_id"], suffixes=("", " there"))
    assert len(both) == len(mine) > 1000 and (both["le"].isna() == both["le there"].isna()).all()
    both = both.dropna(subset="le")
    assert (both[["ep", "le"]].to_numpy() == both[["ep there", "le there"]].to_numpy()).all()
