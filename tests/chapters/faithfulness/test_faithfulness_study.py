"""The studies `faithfulness` and `curves` on their smallest runs: what a row says, and what it depends on."""

import numpy as np
import pytest

from analysis.chapters.faithfulness.study import STUDY
from analysis.chapters.metrics import study as curves
from analysis.engine import read, run
from analysis.studies.explaining import explainer_of, loaded
from analysis.studies.plan import Block, Plan, layer_of
from analysis.studies.plans.file import groups_of_methods
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.methods import METHODS

PROFILE = {"profile": "smoke", "seed": 0}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faithfulness")
    run(STUDY, PROFILE, folder, quiet=True)
    return read(STUDY, folder)


def test_every_map_is_evaluated_in_three_forms(rows):
    per_map = rows.groupby(["method", "image_id"])
    assert (per_map.size() == 7).all() and len(per_map) == 8
    assert set(zip(rows["form"], rows["fill"], strict=True)) == {
        *((form, fill) for form in ("raw", "matched") for fill in ("mean", "black", "blur")),
        ("complement", "mean"),
    }


def test_measures_keep_their_promises(rows):
    assert (rows["gain"] <= rows["increase"] + 1e-4).all()
    assert not ((rows["drop"] > 0) & (rows["increase"] > 0)).any()
    fake = rows[(rows["method"] == "fakecam") & (rows["form"] == "raw")]
    assert (fake["drop"] < 1).all() and (fake["coverage"] > 0.999).all()
    # the map of FakeCAM is zeros and ones, so that no power brings it to one half
    matched = rows[(rows["form"] == "matched") & (rows["method"] != "fakecam")]
    assert np.allclose(matched["coverage"], 0.5, atol=0.01)
    both = rows[(rows["fill"] == "mean") & (rows["form"] != "matched")]
    assert np.allclose(both.groupby(["method", "image_id"])["coverage"].sum(), 1, atol=1e-4)


def test_boxes_count_for_the_map_as_it_is(rows):
    single = rows["image_id"].str.contains("single")
    assert rows.loc[single & (rows["form"] == "raw"), "ep"].notna().all()
    assert rows.loc[~single | (rows["form"] != "raw"), "ep"].isna().all()


def test_costs_are_in_the_rows(rows):
    passes = rows.groupby("method")["forward_passes"].first()
    assert passes.to_dict() == {"cluscam": 31, "gradcam": 1, "donor": 32, "fakecam": 1}
    assert rows.groupby("method")["backward_passes"].first()["gradcam"] == 1


def test_a_method_that_cannot_explain_a_network_is_a_row_with_a_reason():
    plan = Plan("scenes", "test", "train", (Block("scene_vit", "paper", "cam", 1),))
    (cell,) = STUDY.block_cells(plan, plan.blocks[0], 0)
    found = STUDY.run(cell, lambda _: None)
    assert len(found) == 1 and found.loc[0, "reason"] and found.loc[0, "form"] == ""


def test_what_is_random_depends_on_seed_and_image_alone():
    model, preprocess = loaded("scene_cnn"), loaded("scene_cnn").spec.preprocess()
    plan = Plan("scenes", "test", "train", (Block("scene_cnn", "paper", "smooth", 2),))
    (cell,) = STUDY.block_cells(plan, plan.blocks[0], 0)
    seeds = [explainer_of(cell, model, preprocess, image_id, None).seed for image_id in cell.images]
    assert len(set(seeds)) == 2
    (fewer,) = STUDY.block_cells(plan, Block("scene_cnn", "paper", "smooth", 1), 0)
    assert explainer_of(fewer, model, preprocess, fewer.images[0], None).seed == seeds[0]


def test_donors_are_the_same_for_a_prefix():
    plan = STUDY.planned("smoke")
    of = {n: STUDY.block_cells(plan, Block("scene_cnn", "paper", "donor", n), 0)[0].settings["donors"] for n in (2, 5)}
    assert of[5][:2] == of[2] and len(set(of[5])) == 5


def test_the_reference_plan_is_that_of_the_issue():
    blocks = {(b.model, b.layer, b.method): b.n_images for b in STUDY.planned("reference").blocks if not b.variant}
    assert blocks["mobileone_s0", "paper", "scorecam"] == 500 and blocks["resnet50_v1", "paper", "opticam"] == 20
    assert blocks["vit_tiny_patch16_224", "last_input", "gradcam"] == 300
    assert blocks["vit_tiny_patch16_224", "paper", "reciprocam"] == 60
    assert {method for model, _, method in blocks if model == "mobileone_s0"} == set(METHODS)
    assert layer_of("cluscam", "vit_tiny_patch16_224", "last") == "last" == layer_of("gradcam", "swin_b", "last")


def test_a_profile_of_ones_own():
    mine = {"profile": "own", "dataset": "scenes", "models": ["scene_cnn"], "n_images": 2}
    assert {b.method for b in STUDY.plan(mine).blocks} == {*groups_of_methods()["cheap"], "reciprocam"}
    with pytest.raises(UnknownName, match="nearest: gradcam"):
        STUDY.plan(mine | {"methods": ["gradcamm"]})
    with pytest.raises(CluscamError, match="no 'n_images'"):
        STUDY.plan({"dataset": "scenes", "models": ["scene_cnn"]})


def test_curves(tmp_path):
    run(curves.STUDY, PROFILE, tmp_path, quiet=True)
    found = read(curves.STUDY, tmp_path).set_index(["method", "image_id"])
    assert len(found) == 2 * len(curves.STUDY.plan_file().groups["few"]) and found[
        ["insertion", "deletion", "adcc"]
    ].notna().all(axis=None)
    assert (found.loc["fakecam", "complexity"] > 99.9).all() and (found.loc["fakecam", "adcc"] < 1).all()
    assert found["insertion"].between(0, 100).all()
