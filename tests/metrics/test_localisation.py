"""EP and LE: by hand, against loops, and what trivial maps get."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.metrics import (
    energy_error,
    energy_pointing,
    half_error,
    localisation_error,
    localise,
    predicted_box,
    soft_error,
)
from cluscam_lite.metrics.localisation import PARTS
from cluscam_lite.models import Preprocess

SQUASH = Preprocess(8, None, "bilinear", (0.0,) * 3, (1.0,) * 3)
KEYS = {"ep", "le", "le_all", "le_soft", "le_half", "le_energy", "ep_unscaled", "le_unscaled"}

MAP = torch.tensor(
    [
        [1.0, 0.9, 0.0, 0.0],
        [0.8, 0.1, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.6],
    ]
)  # mean 3.4 / 12
BOX = torch.tensor([[0.0, 0.0, 2.0, 1.0]])


def loops(saliency, box):
    """EP and the public code's three variants of LE for one box of whole numbers, pixel by pixel."""
    inside = energy = soft = strong = strong_inside = half = half_inside = 0.0
    height, width = saliency.shape
    for i in range(height):
        for j in range(width):
            e = float(saliency[i, j])
            within = box[1] <= i < box[3] and box[0] <= j < box[2]
            energy += e
            inside += e * within
            strong += e * (e >= 0.5)
            strong_inside += e * (e >= 0.5) * within
            half += e >= 0.5
            half_inside += (e >= 0.5) * within
    area = (box[2] - box[0]) * (box[3] - box[1])
    soft = inside / (area + energy - inside)
    binary, strength = half_inside / (area + half - half_inside), strong_inside / (area + strong - strong_inside)
    return 100 * inside / energy if energy else 0, 100 * (1 - soft), 100 * (1 - binary), 100 * (1 - strength)


def test_by_hand():
    assert energy_pointing(MAP, BOX) == pytest.approx(100 * 1.9 / 3.4)
    # above the mean: an L of three pixels, whose box is 2 x 2, and one pixel elsewhere, which does not count
    assert predicted_box(MAP) == (0, 0, 2, 2)
    assert localisation_error(MAP, BOX) == pytest.approx(50)  # IoU 2 / 4
    # with that one pixel the box is the whole map, 4 x 3
    assert predicted_box(MAP, "all") == (0, 0, 4, 3)
    assert localisation_error(MAP, BOX, "all") == pytest.approx(100 * (1 - 2 / 12))
    assert soft_error(MAP, BOX) == pytest.approx(100 * (1 - 1.9 / (2 + 3.4 - 1.9)))
    assert half_error(MAP, BOX) == pytest.approx(100 * (1 - 2 / 4))
    assert energy_error(MAP, BOX) == pytest.approx(100 * (1 - 1.9 / (2 + 3.3 - 1.9)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(0, 5), st.integers(1, 3), st.integers(1, 3))
def test_equals_the_loops(seed, left, top, width, height):
    saliency = torch.rand(8, 7, generator=torch.Generator().manual_seed(seed))
    box = (left, top, left + width, top + height)
    found = [f(saliency, torch.tensor([box]).double()) for f in (energy_pointing, soft_error, half_error, energy_error)]
    assert found == pytest.approx(loops(saliency, box))


@given(st.integers(0, 10_000))
def test_the_predicted_box_equals_a_flood_fill(seed):
    saliency = np.random.default_rng(seed).random((6, 9)).astype(np.float32) ** 2
    above = {(i, j) for i in range(6) for j in range(9) if saliency[i, j] >= saliency.astype(float).mean()}
    components = []
    while above:
        stack, seen = [min(above)], set()
        while stack:
            i, j = stack.pop()
            if (i, j) in above:
                above.remove((i, j))
                seen.add((i, j))
                stack += [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        components.append(seen)
    largest = max(components, key=len)  # the first, that is the topmost, of equals
    rows, columns = zip(*largest, strict=True)
    expected = (min(columns), min(rows), max(columns) + 1, max(rows) + 1)
    assert predicted_box(torch.from_numpy(saliency)) == expected
    rows, columns = zip(*set().union(*components), strict=True)
    expected = (min(columns), min(rows), max(columns) + 1, max(rows) + 1)
    assert predicted_box(torch.from_numpy(saliency), "all") == expected


@pytest.mark.parametrize("box", [(0, 0, 8, 8), (1, 2, 4, 7), (0.3, 1.25, 5.125, 6.5)])
def test_all_ones_have_the_boxes_share(box):
    found = localise(torch.ones(8, 8), [box], 8, 8, SQUASH)
    share = 100 * (box[2] - box[0]) * (box[3] - box[1]) / 64
    assert set(found) == KEYS and found["ep"] == pytest.approx(share, abs=1e-12) == found["ep_unscaled"]
    for key in ("le", "le_all", "le_soft", "le_half", "le_energy", "le_unscaled"):
        assert found[key] == pytest.approx(100 - share, abs=1e-12), key


def test_the_box_itself_is_perfect():
    saliency = torch.zeros(8, 8)
    saliency[2:5, 1:7] = 1
    found = localise(saliency, [(1, 2, 7, 5)], 8, 8, SQUASH)
    assert found == {key: 100 if key.startswith("ep") else 0 for key in KEYS}


def test_a_map_of_zeros_points_nowhere():
    assert localise(torch.zeros(8, 8), [(1, 2, 7, 5)], 8, 8, SQUASH) == {
        key: 0 if key.startswith("ep") else 100 for key in KEYS
    }


def test_a_constant_map_is_the_whole_image_whatever_its_value():
    for value in (0.1, 0.3, 0.7):
        for part in PARTS:
            assert predicted_box(torch.full((7, 11), value), part) == (0, 0, 11, 7)


def test_the_scale_of_the_boxes():
    """An object in the lower right of a large photograph: found when rescaled, out of sight when not."""
    saliency = torch.zeros(8, 8)
    saliency[4:, 4:] = 1
    found = localise(saliency, [(40, 30, 80, 60)], 80, 60, SQUASH)
    assert [found["ep"], found["le"]] == pytest.approx([100, 0], abs=1e-3)  # torchvision scales in float32
    assert (found["ep_unscaled"], found["le_unscaled"]) == (0, 100)


def test_of_several_boxes_the_best_counts_for_le_and_all_for_ep():
    saliency = torch.zeros(8, 8)
    saliency[:2, :2] = 1
    saliency[6:, 6:] = 0.5
    boxes = [(0, 0, 2, 2), (6, 6, 8, 8)]
    found = localise(saliency, boxes, 8, 8, SQUASH)
    assert found["ep"] == 100 and found["le"] == 0 == localise(saliency, boxes[::-1], 8, 8, SQUASH)["le"]


def test_one_pixel():
    assert localisation_error(torch.ones(1, 1), torch.tensor([[0.0, 0, 1, 1]])) == 0
    assert energy_pointing(torch.ones(1, 1), torch.tensor([[0.0, 0, 0.5, 1]])) == 50


def test_mistakes_are_one_sentence():
    box = torch.tensor([[0.0, 0, 1, 1]])
    for bad in (torch.zeros(1, 2, 2), torch.full((2, 2), math.nan), torch.full((2, 2), -0.1), torch.zeros(0, 2)):
        for measure in (energy_pointing, localisation_error, soft_error, half_error, energy_error):
            with pytest.raises(CluscamError, match=r"expected one map \(H, W\)"):
                measure(bad, box)
    with pytest.raises(UnknownName, match="nearest: largest"):
        predicted_box(torch.ones(2, 2), "larges")
    with pytest.raises(CluscamError, match="the input's size"):
        localise(torch.ones(8, 9), [(0, 0, 1, 1)], 8, 8, SQUASH)
    with pytest.raises(NotApplicable, match="no box"):
        localise(torch.ones(8, 8), [], 8, 8, SQUASH)
    with pytest.raises(NotApplicable, match="within the network's view"):
        localise(torch.ones(8, 8), [(0, 0, 1, 1)], 100, 8, Preprocess(8, 8, "bilinear", (0.0,) * 3, (1.0,) * 3))
