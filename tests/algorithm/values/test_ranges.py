"""Pictures and maps of other ranges are scaled where it is known how, else refused; equal scores are said."""

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import images
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.weighting import EQUAL_SCORES, all_equal
from cluscam_lite.methods import METHODS
from cluscam_lite.show.pictures import as_rgb, denormalized, heat_map, masked, overlay

SHARES = np.random.default_rng(0).random((6, 8, 3))
EIGHT = np.rint(255 * SHARES).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        EIGHT,
        EIGHT / 255,
        (EIGHT / 255).astype(np.float32),
        EIGHT.astype(np.uint16) * 257,
        torch.from_numpy(EIGHT),
        torch.from_numpy(EIGHT / 255),
        Image.fromarray(EIGHT),
    ],
)
def test_pictures_whose_range_is_known(image):
    np.testing.assert_allclose(as_rgb(image), EIGHT / 255, atol=1e-6)


def test_pictures_of_16_bits_are_not_white():
    deep = Image.fromarray(EIGHT[..., 0].astype(np.uint16) * 257)
    np.testing.assert_allclose(as_rgb(deep)[..., 0], EIGHT[..., 0] / 255, atol=0.01)


UNKNOWN = {
    "floats to 255": 255 * SHARES,
    "int64": EIGHT.astype(np.int64),
    "int32": EIGHT.astype(np.int32),
    "below 0": SHARES - 2,
    "NaN": np.full((6, 8, 3), np.nan),
    "floats to 65535": 65535 * SHARES,
}


@pytest.mark.parametrize("image", UNKNOWN.values(), ids=UNKNOWN)
def test_pictures_whose_range_is_not_known(image):
    with pytest.raises(CluscamError, match="the image (reaches from|holds NaN).*; expected numbers from 0 to 1"):
        as_rgb(image)


OUTSIDE = [value[..., 0] for value in UNKNOWN.values()] + [EIGHT[..., 0], np.full((6, 8), np.inf)]


@pytest.mark.parametrize("saliency", OUTSIDE)
def test_maps_out_of_range_are_not_drawn(saliency):
    for draw in (heat_map, lambda m: overlay(EIGHT, m), lambda m: masked(EIGHT, m)):
        with pytest.raises(CluscamError, match="the map (reaches from|holds NaN).*; expected numbers from 0 to 1"):
            draw(saliency)


def test_what_rounding_puts_beyond_is_cut():
    assert heat_map(np.array([[-1e-4, 1 + 1e-4]])).tolist() == heat_map(np.array([[0.0, 1.0]])).tolist()


def test_a_background_and_an_input_out_of_range():
    with pytest.raises(CluscamError, match="the background reaches"):
        masked(EIGHT, SHARES[..., 0], background=255)
    with pytest.raises(CluscamError, match="the input holds NaN"):
        denormalized(torch.full((3, 4, 4), torch.nan), (0.5,) * 3, (0.25,) * 3)


# ---- equal scores


class Constant(nn.Module):
    """Maps of several sizes, and logits that do not depend on the image."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.last = nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 8, 3, 2)

    def forward(self, x):
        used = self.last(self.first(x).relu()).relu().mean((1, 2, 3))
        return torch.arange(5.0, device=x.device) + 0 * used[:, None]


@pytest.mark.parametrize("name", [n for n, info in METHODS.items() if info.kind != "trivial"])
def test_logits_that_do_not_depend_on_the_image_are_said_by_every_method(name):
    if METHODS[name].gradients or name in ("ablationcam", "scorecam"):
        pytest.importorskip("pytorch_grad_cam")
    info = METHODS[name]
    settings = {k: v for k, v in {"n_clusters": 4, "iterations": 3}.items() if k in info.parameters}
    try:
        e = info.factory(Constant().eval(), layer="last", **{**info.fixed, **settings})(images(2))
    except CluscamError as error:
        assert "CAM needs a network" in str(error) or "divides by" in str(error)
        return
    assert e.uniform.all() or any("equal" in note or "the same at every step" in note for note in e.notes), e.notes


def test_scores_that_differ_are_not_called_equal():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
    assert EQUAL_SCORES not in ClusCAM(net, n_clusters=4)(images(2)).notes
    assert EQUAL_SCORES not in ClusCAM(net, n_clusters=1)(images(2)).notes  # one has nothing to be equal to


def test_equal_up_to_rounding():
    scores = torch.tensor([[1.0, 1.0, -torch.inf], [1.0, 1.1, 1.0], [0.0, 1e-6, 0.0], [0.0, 1e-6, 0.0]])
    valid = torch.tensor([[True, True, False]] + [[True] * 3] * 3)
    baseline = torch.tensor([0.0, 0.0, 0.0, 10.0])
    assert all_equal(scores, valid, baseline).tolist() == [True, False, False, True]
