"""Ground truth: effects of a linear network are known, and a perfect map agrees with them perfectly."""

import math

import numpy as np
import pytest
import torch
from hand_made import GREY, PREPROCESS, STD, hand_made, map_of, red_and_blue, rescaled

from analysis.chapters.groundtruth.contributions import LEAST_PIXELS, agreement, densities, facts, first_place, truth_of
from analysis.chapters.groundtruth.study import image_ids, truth_by_id
from cluscam_lite.datasets.scenes.badges import with_badge
from cluscam_lite.datasets.scenes.scene import make_scene, render
from cluscam_lite.datasets.scenes.things import things, visible_mask, without_thing
from cluscam_lite.errors import CluscamError


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
