"""The study of ground truth: its rows, the tables that they give, and the figures of the chapter."""

import math

import numpy as np
import pandas as pd
import pytest
from same_rows import same_rows

from analysis.chapters.groundtruth import page as groundtruth_chapter
from analysis.chapters.groundtruth import study as groundtruth
from analysis.chapters.groundtruth.evidence import badges_table, planted_truth, rho_differences, scenes_table, share
from analysis.chapters.groundtruth.page import example, for_page, percent, words
from analysis.chapters.groundtruth.study import STUDY, Block, image_ids, truth_by_id
from analysis.engine import read, run
from analysis.page.panels import prepared
from analysis.studies.plan import Plan
from analysis.studies.registry import find_study
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.methods import METHODS


def test_the_same_images_for_every_number_of_them():
    assert image_ids("scenes", 5) == image_ids("scenes", 8)[:5]
    assert [image_id.split("-")[3] for image_id in image_ids("badges", 3)] == ["same", "different", "same"]


def test_the_study_is_registered_and_runs_twice_the_same(tmp_path, monkeypatch):
    blocks = tuple(Block(d, m, "paper", 1, ("cluscam", "donor", "inverted")) for d, m in
                   (("scenes", "scene_cnn"), ("badges", "scene_shortcut")))  # fmt: skip
    plan = Plan("scenes", "test", "train", blocks)
    monkeypatch.setattr(type(STUDY), "planned", lambda self, name: plan)
    found = []
    for folder in ("first", "second"):
        truth_by_id.cache_clear()
        run(find_study("groundtruth"), {"profile": "smoke"}, tmp_path / folder, quiet=True)
        found.append(read(STUDY, tmp_path / folder))
    assert same_rows(*found) and len(found[0]) == 6
    rows = found[0].set_index(["dataset", "method", "image_id"])
    ahead = rows.xs("cluscam", level="method").rho + rows.xs("inverted", level="method").rho
    assert ahead.abs().max() < 1e-6  # the inverted map has the inverse order
    assert (rows.xs("badges").badge_first.xs("cluscam") == 1).all()
    assert rows.xs("scenes").badge_first.isna().all() and set(rows.forward_passes) == {31, 32}


def test_what_cannot_explain_says_why(monkeypatch):
    def refuse(*_):
        raise NotApplicable("not on this network")

    monkeypatch.setattr(groundtruth, "explainer_of", refuse)
    cell = STUDY.cells({"dataset": "scenes", "models": ["scene_cnn"], "n_images": 2, "methods": ["gradcam"]})[0]
    rows = STUDY.run(cell, lambda n: None)
    assert (rows.reason == "not on this network").all() and rows.rho.isna().all() and (rows.n_things > 3).all()
    table = scenes_table(rows.assign(dataset="scenes", model="scene_cnn", layer="paper", method="gradcam"))
    assert table.reason[0] == "not on this network" and table.scenes[0] == 0 and math.isnan(table["pointing"][0])


def test_plans_and_profiles_of_ones_own():
    plans = [STUDY.planned(profile) for profile in ("smoke", "embedded", "reference")]
    assert all({*block.methods} <= {*METHODS} for plan in plans for block in plan.blocks)
    own = {"dataset": "badges", "models": ["scene_shortcut"], "n_images": 4, "methods": ["centre"]}
    assert STUDY.plan(own).blocks == (Block("badges", "scene_shortcut", "paper", 4, ("centre",)),)
    with pytest.raises(CluscamError, match="not on ilsvrc"):
        STUDY.plan(own | {"dataset": "ilsvrc"})
    with pytest.raises(CluscamError, match="resnet18 does not know"):
        STUDY.plan(own | {"models": ["resnet18"]})
    with pytest.raises(CluscamError, match="no 'n_images'"):
        STUDY.plan(own | {"n_images": 0})
    with pytest.raises(UnknownName, match="center"):
        STUDY.plan(own | {"methods": ["center"]})


def rows_by_hand(n=8):
    """Two methods on n scenes with known correlations, and on n scenes with badges of which all but one flip."""
    rng = np.random.default_rng(0)
    found = []
    for dataset, model in (("scenes", "scene_cnn"), ("badges", "scene_shortcut")):
        for method, shift in (("cluscam", 0.0), ("random", 0.4)):
            for i in range(n):
                badge = dataset == "badges"
                found.append({
                    "dataset": dataset, "model": model, "layer": "paper", "method": method, "image_id": f"{i}",
                    "rho": math.nan if i == 0 and method == "random" else 0.5 - shift + 0.1 * rng.standard_normal(),
                    "r": 0.1, "pointing": float(i % 2), "top1_objects": 1.0, "chance": 0.1, "chance_objects": 0.5,
                    "badge_first": float(method == "cluscam") if badge else math.nan,
                    "badge_lift": 4.0 + i if badge else math.nan, "badge_effect": 3.0, "badge_effect_first": 1.0,
                    "flips": badge and i > 0, "forward_passes": 31, "backward_passes": 0, "reason": "",
                })  # fmt: skip
    return pd.DataFrame(found)


def test_tables_of_known_rows():
    rows = rows_by_hand()
    scenes, badges = scenes_table(rows).set_index("method"), badges_table(rows).set_index("method")
    assert list(scenes["scenes"]) == [8, 8] and list(scenes["undefined"]) == [0, 1]
    assert scenes.loc["cluscam", "rho low"] < scenes.loc["cluscam", "rho"] < scenes.loc["cluscam", "rho high"]
    assert (scenes["pointing"] == 50).all() and (scenes["chance objects"] == 50).all()
    assert list(badges["scenes"]) == [7, 7]  # one does not flip
    assert badges.loc["cluscam", "badge first"] == 100 and badges.loc["random", "badge first"] == 0
    assert badges.loc["cluscam", "lift"] == pytest.approx(np.mean(range(5, 12)))
    assert planted_truth(rows) == {
        "scenes": 8, "flip": 87.5, "badge has the largest effect": 100.0, "effect of the badge": 3.0
    }  # fmt: skip
    ahead = rho_differences(rows)
    assert ahead["n"].tolist() == [7] and ahead["mean low"][0] > 0.2 and ahead["against"][0] == "random"


def test_a_sentence_rounds_as_its_table_does():
    assert percent(np.float32([1] * 121 + [0] * 79).mean()) == f"{60.5:.0f}"


def test_tables_in_words():
    rows = rows_by_hand()
    page = for_page(scenes_table(rows))
    assert page["method"].tolist() == ["ClusCAM", "Random"] and set(page["network"]) == {"Scene CNN"}
    assert page["largest thing first, %"][0] == "50 [22, 78]" and page["Spearman's ρ"][0].startswith("+0.5")
    assert for_page(badges_table(rows))["badge first, %"].tolist() == ["100 [65, 100]", "0 [0, 35]"]
    assert for_page(rho_differences(rows))["against"].tolist() == ["Random"]
    refused = rows.assign(reason="cannot", rho=math.nan)
    assert set(for_page(scenes_table(refused))["Spearman's ρ"]) == {"n/a"}
    assert set(for_page(scenes_table(rows.assign(rho=math.nan)))["Spearman's ρ"]) == {"–"}
    assert for_page(badges_table(rows.assign(flips=False))).iloc[0, 0] == "not run"


def test_what_the_chapter_says():
    rows = prepared(rows_by_hand())
    said = words(rows, rho_differences(rows))
    assert said["flip"] == "88 % of 8" and said["largest"] == "100 %" and said["effect"] == "3.0"
    assert said["scenes"] == "8" and said["place_scene_cnn_paper"] == "number 1 of 1" and said["finders"] == "1 of 1"
    assert (
        said["point_scene_cnn_paper_cluscam"] == "50" and said["first_random"] == "0" and said["lift_cluscam"] == "8.0"
    )
    assert float(said["scene_cnn_paper_cluscam"]) == pytest.approx(0.5, abs=0.1)
    smooth = prepared(rows_by_hand().replace({"method": {"random": "smooth"}}))
    assert words(smooth, rho_differences(smooth))["scene_cnn_paper_smooth_less"].startswith("0.")
    nothing = words(rows[rows["dataset"] != "badges"], rho_differences(rows))
    assert {nothing[key] for key in ("flip", "largest", "effect", "finders")} == {"not run"}


def test_wilsons_interval_by_hand():
    # 4 of 4: (1 + z^2 / 8 - z sqrt(z^2 / 64)) / (1 + z^2 / 4) = 1 / (1 + z^2 / 4) with z = 1.96
    assert share(pd.Series([1.0] * 4)) == pytest.approx((100, 100 / (1 + 1.959964**2 / 4), 100))


def test_one_scene_has_no_interval():
    page = for_page(scenes_table(rows_by_hand(n=1)))
    assert page["largest thing first, %"].tolist() == ["0", "0"] and "[" not in page["Spearman's ρ"][0]


def test_an_example():
    truth, maps = example("badges", "scene_shortcut", 1, ("cluscam", "smooth"))
    assert list(maps) == ["ClusCAM", "Smooth masks"] and truth.of("badge").sum() == 1
    assert all(saliency.shape == truth.masks.shape[1:] for saliency in maps.values())


@pytest.mark.parametrize(
    ("profile", "dataset", "models", "expected"),
    [
        ("smoke", "scenes", ["scene_cnn", "scene_vit"], "smoke"),
        ("reference", "ilsvrc", ["resnet50_v1", "vit_tiny_patch16_224"], "reference"),
        ("reference", "ilsvrc", ["mobileone_s0"], "embedded"),  # not the project's: other networks
        ("mine", "scenes", ["scene_vit"], "mine"),
        ("mine", "scenes", ["resnet50"], "embedded"),  # profiles of the whole book
        ("mine", "ilsvrc", ["scene_cnn"], "embedded"),
    ],
)
def test_a_profile_about_photographs_leaves_the_scenes_as_they_are(monkeypatch, profile, dataset, models, expected):
    monkeypatch.setattr(groundtruth_chapter, "study_rows", lambda study, mine: mine["profile"])
    assert groundtruth_chapter.scene_rows({"profile": profile, "dataset": dataset, "models": models}) == expected
