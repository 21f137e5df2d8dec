"""Boxes go where the picture goes."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from cluscam_lite.errors import CluscamError, NotApplicable
from cluscam_lite.metrics import box_mask, boxes_in_input, unscaled_boxes
from cluscam_lite.metrics.boxes import crop_window
from cluscam_lite.models import Preprocess

UNITS = ((0.0,) * 3, (1.0,) * 3)


def preprocess(size=224, resize=256):
    return Preprocess(size, resize, "bilinear", *UNITS)


def close(boxes, expected):
    """Equal to a ten-thousandth of a pixel: torchvision scales in float32."""
    np.testing.assert_allclose(boxes.numpy(), expected, rtol=0, atol=1e-4)


SIZES = [(500, 375), (375, 500), (341, 256), (333, 500), (224, 224), (97, 401), (640, 257)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", [256, 224, 235])
def test_the_window_is_that_of_the_preprocessing(size, resize):
    """The picture itself, resized and cropped by the window, is the network's view to the last bit."""
    noise = np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    resized, left, top = crop_window(size, resize, 224)
    by_window = image.resize(resized, Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224))
    assert np.array_equal(np.asarray(by_window), np.asarray(preprocess(224, resize).view(image)))


def test_by_hand():
    # 500 x 400 becomes 320 x 256 (times 0.64); the crop starts at 48 and 16
    close(boxes_in_input([(100, 50, 300, 350)], 500, 400, preprocess()), [[16, 16, 144, 208]])
    # squashed: 224/500 and 224/400
    close(boxes_in_input([(100, 50, 300, 350)], 500, 400, preprocess(resize=None)), [[44.8, 28, 134.4, 196]])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", [256, None])
def test_a_bright_rectangle_is_where_its_box_is(size, resize):
    width, height = size
    box = (width // 4, height // 3, width - width // 4, height - height // 5)
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 255
    view = np.asarray(preprocess(resize=resize).view(Image.fromarray(pixels)))[..., 0] > 127
    rows, columns = np.flatnonzero(view.any(1)), np.flatnonzero(view.any(0))
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(boxes_in_input([box], width, height, preprocess(resize=resize))[0], seen, atol=0.51)


@settings(max_examples=30, deadline=None)
@given(st.integers(64, 700), st.integers(64, 700), st.tuples(*[st.floats(0, 0.99)] * 4))
def test_equals_the_arithmetic(width, height, shares):
    """Scale, shift, clip, one number at a time."""
    (xmin, xmax), (ymin, ymax) = sorted(shares[:2]), sorted(shares[2:])
    box = (xmin * width, ymin * height, (xmax + 0.01) * width, (ymax + 0.01) * height)
    assume(max(box) > 1)  # what lies within one pixel is taken for shares of the sides, and refused
    (new_width, new_height), left, top = crop_window((width, height), 256, 224)
    expected = [
        min(max(box[0] * new_width / width - left, 0), 224), min(max(box[1] * new_height / height - top, 0), 224),
        min(max(box[2] * new_width / width - left, 0), 224), min(max(box[3] * new_height / height - top, 0), 224),
    ]  # fmt: skip
    found = boxes_in_input([box], width, height, preprocess())
    inside = expected[2] - expected[0], expected[3] - expected[1]
    if min(inside) > 1e-3:
        close(found, [expected])
    elif min(inside) == 0:
        assert len(found) == 0 or min(found[0, 2] - found[0, 0], found[0, 3] - found[0, 1]) < 1e-4


def test_a_smaller_copy_has_its_own_rounding():
    # 500 x 334 is kept as 383 x 256, which 300 on the shorter side makes 448 wide; the original would be 449
    assert crop_window((383, 256), 300, 224)[0] == (448, 300) and crop_window((500, 334), 300, 224)[0] == (449, 300)
    box = boxes_in_input([(0, 0, 250, 334)], 500, 334, preprocess(resize=300), image_size=(383, 256))
    close(box[:, 2], [224 - 112])  # half of 448, less the left edge 112


def test_what_the_crop_cuts_off():
    boxes = [(0, 0, 30, 400), (0, 0, 500, 400), (480, 10, 500, 20)]
    close(boxes_in_input(boxes, 500, 400, preprocess()), [[0, 0, 224, 224]])
    assert boxes_in_input(boxes[:1], 500, 400, preprocess()).shape == (0, 4)
    assert len(boxes_in_input(boxes, 500, 400, preprocess(resize=None))) == 3


def test_unscaled_boxes_are_original_pixels():
    boxes = [(111, 108, 441, 193), (230, 10, 300, 50), (10, 240, 20, 300), (5, 6, 7, 8)]
    assert unscaled_boxes(boxes, 500, 375, (224, 224)).tolist() == [[111, 108, 224, 193], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    "box",
    [(10, 10, 10, 20), (10, 20, 30, 20), (20, 10, 10, 20), (-1, 0, 5, 5), (0, 0, 501, 5), (0, 0, 5, 376),
     (0, 0, float("nan"), 5)],
)  # fmt: skip
def test_malformed_boxes_are_refused(box):
    for call in (
        lambda: boxes_in_input([(0, 0, 5, 5), box], 500, 375, preprocess()),
        lambda: unscaled_boxes([box], 500, 375, (224, 224)),
    ):
        with pytest.raises(CluscamError, match="does not fit its image of 500 x 375") as error:
            call()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("boxes", [[(1, 2, 3)], [1, 2, 3, 4], [("a", 2, 3, 4)], [(1, 2, 3, 4), (1, 2, 3)], None, 5])
def test_what_is_no_box_is_refused(boxes):
    with pytest.raises(CluscamError, match="malformed"):
        boxes_in_input(boxes, 500, 375, preprocess())


def test_shares_of_the_sides_are_no_pixels():
    with pytest.raises(CluscamError, match="lies within one pixel; expected pixels of the image of 500 x 375"):
        boxes_in_input([(0.1, 0.2, 0.5, 0.9)], 500, 375, preprocess())


def test_an_image_without_a_box_cannot_be_judged():
    with pytest.raises(NotApplicable, match="no box"):
        boxes_in_input((), 500, 375, preprocess())


def test_a_mask_has_its_boxes_area():
    mask = box_mask(torch.tensor([[1.25, 0, 3.5, 1.5]]), (3, 5))
    expected = [[0, 0.75, 1, 0.5, 0], [0, 0.375, 0.5, 0.25, 0], [0] * 5]
    torch.testing.assert_close(mask, torch.tensor(expected, dtype=torch.float64))
    assert float(mask.sum()) == 2.25 * 1.5
    two = box_mask(torch.tensor([[0, 0, 2, 2], [1, 1, 3, 3.0]]), (3, 5))
    assert float(two.sum()) == 7  # the shared pixel once
    assert not box_mask(torch.zeros(0, 4), (3, 5)).any()
