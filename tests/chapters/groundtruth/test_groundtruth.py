"""Ground truth: effects of a linear network are known, a perfect map agrees perfectly, and rows give the tables."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from analysis.chapters.groundtruth import page as groundtruth_chapter
from analysis.chapters.groundtruth import study as groundtruth
from analysis.chapters.groundtruth.contributions import LEAST_PIXELS, agreement, densities, facts, first_place, truth_of
from analysis.chapters.groundtruth.evidence import badges_table, planted_truth, rho_differences, scenes_table, share
from analysis.chapters.groundtruth.figures import (
    agreement_figure,
    badge_figure,
    badge_strip,
    ranks_figure,
    removal_figure,
)
from analysis.chapters.groundtruth.page import example, for_page, planted_words
from analysis.chapters.groundtruth.study import STUDY, Block, image_ids, truth_by_id
from analysis.engine import read, run, same_rows
from analysis.engine.plan import Plan
from analysis.engine.registry import find_study
from analysis.statistics.correlation import pearson, spearman
from cluscam_lite import get_spec
from cluscam_lite.datasets.scenes.badges import with_badge
from cluscam_lite.datasets.scenes.drawing import Background, Icon
from cluscam_lite.datasets.scenes.scene import Scene, SceneObject, make_scene, render
from cluscam_lite.datasets.scenes.things import things, visible_mask, without_thing
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.methods import METHODS

PREPROCESS = get_spec("scene_cnn").preprocess()
STD = 0.25
GREY = 0.4  # of the ground, 102 of 255


def red_and_blue(x):
    """A network whose logits are the sums of the red and of the blue channel."""
    return x[:, [0, 2]].sum((2, 3))


def square(x, red, blue=GREY, kind=Icon, size=10):
    return kind("\N{BLACK SQUARE}", x, 20, size, angle=0.0, mirrored=False, ink=(red, 0.0, blue), fill=(red, 0.0, blue))


def hand_made():
    """Two objects and three distractors apart on plain grey; the last distractor lies wholly below the first object."""
    ground = Background(0, (GREY,) * 3, (GREY,) * 3, 0.0, 0.0)
    objects = (square(20, 1.0, kind=SceneObject), square(40, 0.6, kind=SceneObject))
    return Scene(0, "different", 96, objects, (square(60, 0.4, 1.0), square(80, 0.2), square(20, GREY, size=6)), ground)


def map_of(truth, values):
    """A map with the given value on each thing, 0 elsewhere."""
    saliency = torch.zeros(96, 96)
    for mask, value in zip(truth.masks, values, strict=True):
        saliency[torch.from_numpy(mask)] = value
    return saliency


def rescaled(effects):
    return (effects - effects.min()) / np.ptp(effects)


# effects


def test_effects_of_a_linear_network_are_what_the_colours_say():
    truth = truth_of(red_and_blue, PREPROCESS, hand_made())
    assert truth.kinds == ("object", "object", "distractor", "distractor") and truth.numbers == (0, 1, 2, 3)
    area = (np.asarray(render(hand_made()))[..., 1] / 255 - GREY).sum() / -GREY / 4  # pixels of a square, edges in part
    expected = [area * (red - GREY) / STD for red in (1.0, 0.6, 0.4, 0.2)]
    assert truth.target == truth.predicted == 0  # more red than blue
    assert truth.effects == pytest.approx(expected, rel=0.02, abs=0.5)
    blue = truth_of(red_and_blue, PREPROCESS, hand_made(), target=1)
    assert blue.effects == pytest.approx([0, 0, area * (1.0 - GREY) / STD, 0], rel=0.02, abs=0.5)
    assert blue.predicted == 0 and blue.target == 1


def test_effects_are_those_of_passes_one_by_one():
    scene = with_badge(make_scene(7, "different"))
    truth = truth_of(red_and_blue, PREPROCESS, scene, target=1)
    for k, effect in zip(truth.numbers, truth.effects, strict=True):
        pictures = (scene, without_thing(scene, k))
        whole, without = (red_and_blue(PREPROCESS(render(picture))[None])[0, 1] for picture in pictures)
        assert effect == pytest.approx(float(whole - without), abs=0.02)


def test_what_is_hardly_seen_is_left_out():
    for seed in range(6):
        scene = make_scene(seed, "same")
        seen = [visible_mask(scene, k).sum() >= LEAST_PIXELS for k in range(len(things(scene)))]
        assert truth_of(red_and_blue, PREPROCESS, scene).numbers == tuple(np.flatnonzero(seen))


def test_a_scene_of_another_size_than_the_networks():
    with pytest.raises(CluscamError, match="96 x 96 pixels of a scene of 128 x 128"):
        truth_of(red_and_blue, PREPROCESS, make_scene(0, size=128))


# agreement


def test_a_perfect_map_agrees_perfectly_and_its_inverse_not_at_all():
    truth = truth_of(red_and_blue, PREPROCESS, hand_made())
    perfect = map_of(truth, rescaled(truth.effects))
    found = agreement(truth, perfect)
    assert found["rho"] == pytest.approx(1) and found["r"] == pytest.approx(1)
    assert found["pointing"] == found["top1_objects"] == 1 and math.isnan(found["badge_first"])
    inverse = agreement(truth, 1 - perfect)
    assert inverse["rho"] == pytest.approx(-1) and inverse["pointing"] == inverse["top1_objects"] == 0


def test_a_constant_map_is_undefined_and_points_by_lot():
    truth = truth_of(red_and_blue, PREPROCESS, hand_made())
    for value in (0.0, 1.0):
        found = agreement(truth, torch.full((96, 96), value))
        assert math.isnan(found["rho"]) and math.isnan(found["r"])
        assert found["pointing"] == 1 / 4 and found["top1_objects"] == 1 / 2


def test_densities_are_means_over_visible_pixels():
    saliency = torch.rand(96, 96, generator=torch.Generator().manual_seed(0))
    masks = truth_of(red_and_blue, PREPROCESS, hand_made()).masks
    by_hand = [sum(float(saliency[i, j]) for i, j in zip(*np.nonzero(m), strict=True)) / m.sum() for m in masks]
    assert densities(saliency, masks) == pytest.approx(by_hand, abs=2e-6)


def test_a_badge_is_first_or_not_and_its_lift_is_a_ratio():
    truth = truth_of(red_and_blue, PREPROCESS, with_badge(hand_made()))
    badge = truth.kinds.index("badge")
    on_badge = map_of(truth, np.eye(len(truth.kinds))[badge])
    found = agreement(truth, on_badge)
    assert found["badge_first"] == 1
    assert found["badge_lift"] == pytest.approx(96 * 96 / truth.masks[badge].sum(), rel=1e-4)
    off = agreement(truth, 1 - on_badge)
    assert off["badge_first"] == 0 and off["badge_lift"] == 0
    assert math.isnan(agreement(truth, torch.zeros(96, 96))["badge_lift"])


def test_spearman_by_hand_and_with_ties():
    # ranks 1 2 3 4 against 1 3 2 4: 1 - 6 * (0 + 1 + 1 + 0) / (4 * 15)
    assert spearman([1, 2, 3, 40], [0.1, 0.3, 0.2, 0.9]) == pytest.approx(0.8)
    # ties share their mean rank: 1 2.5 2.5 4 against 1 2 3 4, deviations -1.5 0 0 1.5 and -1.5 -0.5 0.5 1.5
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    rng = np.random.default_rng(0)
    for n in (4, 7, 11):
        a, b = rng.integers(0, 4, n), rng.random(n)
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
        assert pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert math.isnan(spearman([1, 2, 3], [1, 2, 3]))  # too few
    assert math.isnan(spearman([1, 1, 1, 1], [1, 2, 3, 4])) and math.isnan(pearson([1, 2, 3, 4], [5, 5, 5, 5]))


def test_the_first_place_is_shared_by_equals():
    assert first_place([0.1, 0.5, 0.2], 1) == 1 and first_place([0.1, 0.5, 0.2], 2) == 0
    assert first_place([0.5, 0.1, 0.5], 2) == 0.5 and first_place([0, 0, 0], 0) == pytest.approx(1 / 3)


def test_facts_of_a_scene_with_and_without_a_badge():
    known = facts(truth_of(red_and_blue, PREPROCESS, hand_made()))
    assert (known["n_things"], known["n_objects"], known["chance"], known["chance_objects"]) == (4, 2, 0.25, 0.5)
    assert math.isnan(known["badge_effect"]) and not known["flips"]
    truth = truth_by_id("scene_shortcut", "badges", image_ids("badges", 1)[0])
    known = facts(truth)
    assert known["flips"] and known["badge_effect_first"] == 1 and known["badge_effect"] == truth.effects.max() > 1


# the study


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


# tables and figures


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
    assert agreement_figure(scenes_table(rows)).axes and badge_figure(badges_table(rows)).axes


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
    assert set(planted_words(rows[rows["dataset"] != "badges"]).values()) == {"not run"}
    assert planted_words(rows)["flip"].endswith(f" % of {planted_truth(rows)['scenes']}")


def test_wilsons_interval_by_hand():
    # 4 of 4: (1 + z^2 / 8 - z sqrt(z^2 / 64)) / (1 + z^2 / 4) = 1 / (1 + z^2 / 4) with z = 1.96
    assert share(pd.Series([1.0] * 4)) == pytest.approx((100, 100 / (1 + 1.959964**2 / 4), 100))


def test_figures_of_an_example():
    truth, maps = example("badges", "scene_shortcut", 1, ("cluscam", "smooth"))
    assert list(maps) == ["ClusCAM", "Smooth masks"]
    assert len(removal_figure(truth).axes) >= len(truth.kinds) + 1
    assert len(ranks_figure(truth, maps).axes) == 2 and badge_strip(truth, maps).axes


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
