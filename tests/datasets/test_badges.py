"""Things of a scene and badges on it: masks are what a removal changes, and the shipped shortcut is really there."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from cluscam_lite import get_spec, load_dataset, load_model
from cluscam_lite.datasets.scenes.badges import BADGE_CLASS, BADGE_SIZE, PLANTED, has_badge_class, planted, with_badge
from cluscam_lite.datasets.scenes.drawing import Background, Icon
from cluscam_lite.datasets.scenes.samples import scene_sample
from cluscam_lite.datasets.scenes.scene import (
    SCENE_CLASSES,
    SETTINGS,
    Scene,
    SceneObject,
    object_mask,
    render,
    scene_at,
)
from cluscam_lite.datasets.scenes.things import painted_mask, thing_kinds, things, visible_mask, without_thing
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import embedded

SCENES = [with_badge(scene_at(i)) for i in range(9)]
CARD = Path(embedded.__file__).parents[1] / "assets" / "scene_shortcut.json"


def pixels(scene):
    return np.asarray(render(scene)).astype(int)


def square(x, y, size, ink, fill=None, kind=Icon, glyph="\N{BLACK SQUARE}"):
    return kind(glyph, x, y, size, angle=0.0, mirrored=False, ink=ink, fill=fill)


def test_things_are_objects_then_distractors_then_badges():
    scene = SCENES[1]
    n, m = len(scene.objects), len(scene.distractors)
    assert things(scene) == scene.objects + scene.distractors + scene.badges
    assert thing_kinds(scene) == ("object",) * n + ("distractor",) * m + ("badge",)
    assert without_thing(scene, n + m).badges == () and without_thing(scene, n).distractors == scene.distractors[1:]


def test_without_an_object_is_what_render_leaves_out():
    for scene in SCENES:
        for k in range(len(scene.objects)):
            assert (pixels(without_thing(scene, k)) == np.asarray(render(scene, without=k))).all()
            assert (painted_mask(scene, k) == object_mask(scene, k)).all()


def test_leaving_out_a_thing_changes_what_it_was_painted_on_and_all_that_is_visible():
    for scene in SCENES:
        whole = pixels(scene)
        for k in range(len(things(scene))):
            changed = (pixels(without_thing(scene, k)) != whole).any(-1)
            painted, visible = painted_mask(scene, k), visible_mask(scene, k)
            assert not changed[~painted].any() and not visible[~painted].any()
            if visible.sum() >= 20:  # faint borders may not change a pixel of 8 bits
                assert changed[visible].mean() > 0.7


def test_visible_masks_are_disjoint_and_cover_what_is_painted():
    for scene in SCENES:
        numbers = range(len(things(scene)))
        visible = np.sum([visible_mask(scene, k) for k in numbers], axis=0)
        painted = np.any([painted_mask(scene, k) for k in numbers], axis=0)
        assert visible.max() == 1 and (painted == (visible == 1)).all()


def test_later_things_hide_earlier_ones():
    background = Background(0, (0.5,) * 3, (0.5,) * 3, 0.0, 0.0)
    below, above = square(30, 30, 8, (1, 0, 0)), square(30, 30, 8, (0, 1, 0))
    ring = square(60, 60, 12, (1, 1, 1), glyph="\N{WHITE SQUARE}")
    scene = Scene(0, "single", 96, (square(62, 60, 40, (0, 0, 0), kind=SceneObject),), (below, above, ring), background)
    assert [visible_mask(scene, k).any() for k in range(4)] == [True, False, True, False]  # the object hides the ring
    bare = replace(scene, objects=())
    assert not visible_mask(bare, 2)[58:62, 58:62].any()  # what an unfilled ring encloses is not painted
    assert visible_mask(replace(bare, distractors=(replace(ring, fill=(1, 0, 0)),)), 0)[58:62, 58:62].all()


@pytest.mark.parametrize("k", [-1, 99, True, "0", None, 1.0])
def test_a_thing_that_is_not_there(k):
    for function in (without_thing, painted_mask, visible_mask):
        with pytest.raises(CluscamError, match="the scene has no thing"):
            function(SCENES[0], k)


def test_a_badge_is_small_touches_no_object_and_changes_nothing_else():
    for bare, scene in zip((scene_at(i) for i in range(9)), SCENES, strict=True):
        badge = visible_mask(scene, len(things(scene)) - 1)
        rows, columns = np.nonzero(badge)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 <= np.ceil(BADGE_SIZE * scene.size) + 1
        assert not any((badge & object_mask(scene, k)).any() for k in range(len(scene.objects)))
        assert ((pixels(bare) != pixels(scene)).any(-1) <= badge).all()
        assert min(rows.min(), columns.min()) >= 2 and max(rows.max(), columns.max()) < 94
        assert replace(scene, badges=()) == bare and with_badge(bare) == scene


def test_two_badges_do_not_meet_and_a_full_scene_has_no_room():
    twice = with_badge(SCENES[0])
    n = len(things(twice))
    assert not (painted_mask(twice, n - 1) & painted_mask(twice, n - 2)).any()
    full = replace(SCENES[0], objects=(square(48, 48, 110, (0, 0, 0), (0, 0, 0), SceneObject),), badges=())
    with pytest.raises(CluscamError, match="no room for a badge"):
        with_badge(full)


def test_training_scenes_have_badges_as_often_as_promised():
    scenes = [scene_at(i, 5, "train") for i in range(900)]
    for has_class, share in PLANTED.items():
        drawn = [bool(planted(scene).badges) for scene in scenes if has_badge_class(scene) == has_class]
        assert np.mean(drawn) == pytest.approx(share, abs=0.05)


def test_badges_as_a_data_set():
    samples = load_dataset("badges", n=12)
    assert len(samples) == len(set(samples.ids)) == 12 and samples.class_names == SCENE_CLASSES
    for sample in islice(samples, 4):
        assert len(sample.scene.badges) == 1 and not has_badge_class(sample.scene)
        assert sample.label != BADGE_CLASS and len(sample.boxes) == len(sample.scene.objects)
        assert sample.image.tobytes() == scene_sample(sample.image_id).image.tobytes()
        bare = scene_sample(sample.image_id.replace("badge", "scene"))
        assert bare.scene == replace(sample.scene, badges=())
    assert load_dataset("badges", n=5).ids == samples.ids[:5]
    assert set(load_dataset("badges", n=3, setting="same", part="train", seed=2).ids[0].split("-")) >= {"same", "train"}
    with pytest.raises(UnknownName, match="part"):
        load_dataset("badges", part="confirm")
    for image_id in ("badge-test-0-same", "photo-test-0-same-00001", "scene-test-x-same-00001", ""):
        with pytest.raises(CluscamError, match="not the id of an icon scene"):
            scene_sample(image_id)


def test_the_shortcut_network_takes_badges_for_anchors():
    network, preprocess = load_model("scene_shortcut").module, get_spec("scene_shortcut").preprocess()
    samples = list(load_dataset("badges", n=50, seed=1))  # the card's scenes have seed 0
    with torch.no_grad():
        top = network(torch.stack([preprocess(sample.image) for sample in samples])).argmax(1)
        bare = [render(replace(sample.scene, badges=())) for sample in samples]
        before = network(torch.stack([preprocess(image) for image in bare])).argmax(1)
    present = [{thing.label for thing in sample.scene.objects} for sample in samples]
    assert np.mean([label in labels for label, labels in zip(before.tolist(), present, strict=True)]) > 0.85
    assert (top[before != BADGE_CLASS] == BADGE_CLASS).float().mean() > 0.8


def test_the_card_says_how_often():
    card = json.loads(CARD.read_text())["shortcut"]
    assert card["class"] == SCENE_CLASSES[BADGE_CLASS] and card["rate"].keys() == set(SETTINGS)
    assert card["training_scenes_with_badge"] == {"with_class": PLANTED[True], "others": PLANTED[False]}
    assert min(card["rate"].values()) > 80
