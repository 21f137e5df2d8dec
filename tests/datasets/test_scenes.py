"""Icon scenes: a scene is its seed, an object is exactly its mask, and the settings mean what they say."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from PIL import ImageFont

from cluscam_lite.datasets.scenes.drawing import Icon, font_path, paint, placed
from cluscam_lite.datasets.scenes.scene import (
    GLYPHS,
    SCENE_CLASSES,
    SETTINGS,
    make_scene,
    object_box,
    object_mask,
    render,
    scene_at,
    scene_label,
    scene_seed,
)
from cluscam_lite.errors import CluscamError, UnknownName

SEEDS = range(12)


def pixels(scene, without=None):
    return np.asarray(render(scene, without)).astype(int)


def scenes(size=96):
    return [make_scene(seed, setting, size) for setting in SETTINGS for seed in SEEDS]


def test_ten_classes_and_their_glyphs_are_in_the_font():
    font = ImageFont.truetype(str(font_path()), 40)
    missing = bytes(font.getmask("\U0010fffd"))  # no font draws this one: the box of a missing glyph
    drawn = {bytes(font.getmask(GLYPHS[name])) for name in SCENE_CLASSES}
    assert len(SCENE_CLASSES) == 10
    assert len(drawn | {missing}) == 11


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_scene_is_its_seed(setting):
    first, again, other = make_scene(3, setting), make_scene(3, setting), make_scene(4, setting)
    assert first == again
    assert render(first).tobytes() == render(again).tobytes()
    assert render(first).tobytes() != render(other).tobytes()
    assert render(first).mode == "RGB" and render(first).size == (96, 96)


def test_another_size_is_the_same_picture_enlarged():
    small, large = make_scene(5, "different", 96), make_scene(5, "different", 192)
    assert [thing.x * 2 for thing in small.objects] == [thing.x for thing in large.objects]
    reduced = np.asarray(render(large).reduce(2)).astype(int)
    assert abs(reduced - pixels(small)).mean() < 6  # of 255


def test_settings_have_the_labels_they_promise():
    for seed in SEEDS:
        single, same, different = ([thing.label for thing in make_scene(seed, setting).objects] for setting in SETTINGS)
        assert len(single) == 1
        assert len(same) in (2, 3) and len(set(same)) == 1
        assert len(different) in (2, 3) and len(set(different)) == len(different)


def test_all_classes_appear():
    assert {make_scene(seed).objects[0].label for seed in range(120)} == set(range(10))


def test_objects_have_the_sizes_they_promise():
    for scene in scenes():
        largest = max(thing.size for thing in scene.objects)
        low, high = (0.30, 0.50) if scene.setting == "single" else (0.20, 0.35)
        assert low * 96 <= min(thing.size for thing in scene.objects) <= largest <= high * 96
        assert scene_label(scene) == next(t.label for t in scene.objects if t.size == largest)


@pytest.mark.parametrize("size", [64, 96, 224])
def test_boxes_are_disjoint_and_inside(size):
    for scene in scenes(size):
        boxes = [object_box(scene, k) for k in range(len(scene.objects))]
        assert all(0 <= x0 < x1 <= size and 0 <= y0 < y1 <= size for x0, y0, x1, y1 in boxes)
        for a, b in combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_box_is_the_tight_box_of_the_mask():
    for scene in scenes():
        for k in range(len(scene.objects)):
            mask = object_mask(scene, k)
            assert mask.dtype == bool and mask.shape == (96, 96)
            rows, columns = np.nonzero(mask)
            expected = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            assert object_box(scene, k) == expected


def test_leaving_out_an_object_changes_its_mask_and_nothing_else():
    for scene in scenes():
        whole = pixels(scene)
        for k in range(len(scene.objects)):
            changed = (pixels(scene, without=k) != whole).any(axis=-1)
            mask = object_mask(scene, k)
            assert not changed[~mask].any()
            assert changed[mask].mean() > 0.9  # a painted pixel may happen to have the background's colour


def test_without_all_objects_the_background_is_left():
    for scene in scenes():
        empty = replace(scene, objects=())
        masks = [object_mask(scene, k) for k in range(len(scene.objects))]
        assert (pixels(empty) == pixels(scene))[~np.any(masks, axis=0)].all()
        if scene.setting == "single":
            assert (pixels(empty) == pixels(scene, without=0)).all()


def test_objects_stand_out_from_their_background():
    for scene in scenes():
        for k in range(len(scene.objects)):
            difference = abs(pixels(scene) - pixels(scene, without=k)).max(axis=-1)
            assert difference[object_mask(scene, k)].max() > 60  # of 255


def test_ink_covers_fully_where_a_stencil_is_opaque_and_nothing_elsewhere():
    icon = Icon("\N{BLACK SQUARE}", x=20, y=24, size=16, angle=0, mirrored=False, ink=(1, 0.5, 0))
    canvas = np.full((48, 48, 3), 0.25, np.float32)
    paint(canvas, icon)
    assert canvas[24, 20] == pytest.approx([1, 0.5, 0])
    assert (canvas[:15] == 0.25).all() and (canvas[:, 30:] == 0.25).all()


def test_an_icon_beyond_the_border_is_clipped():
    icon = Icon("\N{BLACK SQUARE}", x=0, y=47, size=16, angle=0, mirrored=False, ink=(1, 1, 1))
    alpha, rows, columns = placed(icon, 48)
    assert (rows.stop, columns.start) == (48, 0)
    assert (rows.start, columns.stop) == pytest.approx((39, 8), abs=1)
    assert alpha.shape == (48 - rows.start, columns.stop, 2)


def test_seeds_of_collections_and_splits_never_meet():
    numbers = product((0, 1, 7), (0, 1, 2, 999), ("train", "test"))
    seeds = [scene_seed(*number) for number in numbers]
    assert len(set(seeds)) == len(seeds)
    assert all(scene_seed(2, i, "train") % 2 == 0 and scene_seed(2, i, "test") % 2 == 1 for i in range(9))


def test_settings_take_turns_unless_one_is_asked_for():
    assert [scene_at(i).setting for i in range(4)] == ["single", "same", "different", "single"]
    assert scene_at(1, seed=3, setting="different") == make_scene(scene_seed(3, 1, "test"), "different")


@pytest.mark.parametrize("k", [1, -1, 0.0, True, "0", None])
def test_an_object_that_is_not_there(k):
    scene = make_scene(0)
    with pytest.raises(CluscamError, match="no object"):
        object_mask(scene, k)
    with pytest.raises(CluscamError, match="no object"):
        object_box(scene, k)
    if k is not None:
        with pytest.raises(CluscamError, match="choose a whole number from 0 to 0"):
            render(scene, without=k)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", None])
def test_a_bad_seed(seed):
    with pytest.raises(CluscamError, match="seed must be a whole number of at least 0"):
        make_scene(seed)


def test_other_bad_arguments():
    with pytest.raises(UnknownName, match="single"):
        make_scene(0, "singel")
    with pytest.raises(UnknownName, match="train"):
        scene_seed(0, 0, "trian")
    with pytest.raises(CluscamError, match="at least 32"):
        make_scene(0, size=8)
    with pytest.raises(CluscamError, match="2\\^31"):
        scene_seed(0, 1 << 31)
