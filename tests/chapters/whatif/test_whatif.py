"""The study `whatif`: other maps in the place of ClusCAM's, on images with one box."""

import pytest
import torch

from analysis.chapters.faithfulness.study import STUDY as FAITHFULNESS
from analysis.chapters.whatif.study import NOT_ONE, STUDY, maps_of, single_box
from analysis.engine import read, run
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model

PROFILE = {"profile": "smoke", "seed": 0}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whatif")
    run(STUDY, PROFILE, folder, quiet=True)
    return read(STUDY, folder)


def test_one_box_or_a_reason(rows):
    single = rows["image_id"].str.contains("single")
    assert single.any() and not single.all()
    assert set(rows.loc[single, "map"]) == {"cluscam", "best", "alike", "box", "outside", "within"}
    assert rows.loc[single, ["drop", "increase", "coverage", "logit"]].notna().all(axis=None)
    assert (rows.loc[~single, "reason"] == NOT_ONE).all() and rows.loc[~single, "drop"].isna().all()


def test_its_cluscam_is_that_of_faithfulness(rows, tmp_path):
    run(FAITHFULNESS, PROFILE, tmp_path, quiet=True)
    theirs = read(FAITHFULNESS, tmp_path)
    keys = ["model", "layer", "image_id", "form", "fill"]
    both = rows[rows["map"] == "cluscam"].merge(theirs[theirs["method"] == "cluscam"], on=keys, suffixes=("", " there"))
    assert len(both) == 6  # two forms and three fills of one image
    assert (both["target"] == both["target there"]).all()
    for name in ("coverage", "drop", "increase", "gain"):
        assert both[name].to_numpy() == pytest.approx(both[f"{name} there"].to_numpy(), abs=1e-3), name


def test_box_outside_and_the_spread_of_the_weights(rows):
    raw = rows[(rows["form"] == "raw") & (rows["fill"] == "mean")].set_index("map")
    assert raw.loc["box", "coverage"] + raw.loc["outside", "coverage"] == pytest.approx(1)
    assert raw.loc["within", "coverage"] <= min(raw.loc["box", "coverage"], raw.loc["cluscam", "coverage"])
    assert raw.loc["best", "groups"] == 1 < raw.loc["cluscam", "groups"] < raw.loc["alike", "groups"] <= 30.001
    assert raw.loc["cluscam", "best_score"] < raw.loc["cluscam", "logit"] and 0 < raw.loc["cluscam", "active"] < 1


def test_the_box_as_a_map():
    spec = get_spec("scene_cnn")
    samples, preprocess = load_dataset("scenes", part="test", n=12), spec.preprocess()
    boxes = {sample.image_id: single_box(sample, preprocess) for sample in samples}
    assert any(box is None for box in boxes.values())
    for sample in samples:
        if len(sample.boxes) == 1:
            box = boxes[sample.image_id]
            (xmin, ymin, xmax, ymax) = sample.boxes[0]
            assert box.shape == (96, 96) and float(box.sum()) == pytest.approx((xmax - xmin) * (ymax - ymin), abs=0.01)
            explanation = ClusCAM.from_spec(spec, load_model(spec).module)(preprocess(sample.image)[None])
            found = maps_of(explanation, box)
            assert torch.equal(found["within"][0], found["cluscam"][0] * found["box"][0])
            break
