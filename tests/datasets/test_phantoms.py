"""Brain phantoms: the same for the same seed, all grades of one brain, and a mask that holds what differs."""

import numpy as np
import pytest

from cluscam_lite import load_dataset
from cluscam_lite.datasets.phantoms.phantom import (
    GRADES,
    PARTS,
    PHANTOM_CLASSES,
    VISIBLE,
    at_grade,
    grade_mask,
    make_phantom,
    neighbour,
    phantom_at,
    phantom_pixels,
    phantom_seed,
)
from cluscam_lite.datasets.phantoms.samples import phantom_of
from cluscam_lite.errors import CluscamError, UnknownName

HEADS = [make_phantom(seed, seed % GRADES) for seed in range(12)]


def test_the_same_for_the_same_seed_and_another_for_another():
    one, same, other = (phantom_pixels(make_phantom(seed, 1)) for seed in (5, 5, 6))
    assert one.shape == (128, 128) and one.dtype == np.uint8
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert phantom_pixels(make_phantom(5, 1), 64).shape == (64, 64)


def test_no_two_parts_share_a_phantom():
    seeds = [phantom_seed(seed, i, part) for seed in (0, 1) for i in range(50) for part in PARTS]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("head", HEADS[:6], ids=lambda head: str(head.anatomy.seed))
def test_the_mask_holds_every_difference_between_any_two_grades(head):
    mask = grade_mask(head)
    grades = [phantom_pixels(at_grade(head, grade)).astype(int) for grade in range(GRADES)]
    for a in grades:
        for b in grades:
            assert not (np.abs(a - b) >= VISIBLE)[~mask].any()
    assert 0.05 < mask.mean() < 0.3
    for lower, higher in zip(grades, grades[1:], strict=False):  # each step changes a part of it
        changed = np.abs(lower - higher) >= VISIBLE
        assert 0.05 < changed[mask].mean() < 1
    assert np.array_equal(mask, grade_mask(at_grade(head, (head.grade + 2) % GRADES)))


def test_widening_makes_fluid_of_tissue():
    """The higher the grade, the darker the slice, brain by brain."""
    for head in HEADS:
        means = [phantom_pixels(at_grade(head, grade)).mean() for grade in range(GRADES)]
        assert means == sorted(means, reverse=True)


def test_nothing_else_tells_the_grade():
    """Outside the mask two grades of one brain are the same, noise and texture included; brains differ in all else."""
    head = HEADS[3]
    low, high = (phantom_pixels(at_grade(head, grade)).astype(int) for grade in (0, 3))
    assert np.abs(low - high)[~grade_mask(head)].max() < VISIBLE
    anatomies = [phantom_at(i).anatomy for i in range(40)]
    assert len({a.brightness for a in anatomies}) == 40
    assert np.std([a.ventricular_width for a in anatomies]) > 0.05  # a wide ventricle alone is no grade


def test_neighbouring_slices_look_alike_and_other_heads_do_not():
    def alike(a, b):
        return np.corrcoef(phantom_pixels(a).ravel(), phantom_pixels(b).ravel())[0, 1]

    head = HEADS[0]
    near, far = alike(head, neighbour(head, 1)), alike(head, neighbour(head, 4))
    assert near > far > alike(head, HEADS[4])
    assert neighbour(head, 0) == head and neighbour(head, 2).grade == head.grade
    assert not np.array_equal(phantom_pixels(head), phantom_pixels(neighbour(head, 1)))


def test_the_data_set():
    phantoms = load_dataset("phantoms", n=6, part="train", seed=2)
    assert phantoms.ids[5] == "phantom-train-2-00005" and phantoms.class_names == PHANTOM_CLASSES
    sample = phantoms[5]
    assert sample.label == 5 % GRADES and sample.image.mode == "RGB" and sample.boxes == ()
    pixels = np.asarray(sample.image)
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()
    assert phantom_of(sample.image_id) == phantom_at(5, 2, "train")
    assert (
        load_dataset("phantoms", n=3).ids == load_dataset("phantoms").ids[:3] and len(load_dataset("phantoms")) == 100
    )


def test_bad_phantoms():
    with pytest.raises(UnknownName, match="nearest: train"):
        load_dataset("phantoms", part="trian")
    with pytest.raises(CluscamError, match="grade is a whole number from 0 to 3, got 4"):
        make_phantom(0, 4)
    with pytest.raises(CluscamError, match="seed must be a whole number of at least 0, got -1"):
        make_phantom(-1, 0)
    with pytest.raises(CluscamError, match="not the id of a brain phantom"):
        phantom_of("scene-test-0-single-00000")
    with pytest.raises(CluscamError, match="'phantoms' takes no setting"):
        load_dataset("phantoms", setting="same")
