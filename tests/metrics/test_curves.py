"""Insertion and deletion against a loop over pixels."""

import math

import pytest
import torch
from tiny import images, network

from cluscam_lite.algorithm.scoring import fill_image
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import deletion, insertion
from cluscam_lite.metrics.curves import area_under, salient_first


def a_map(h, w, seed=0):
    return torch.rand(h, w, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def oracle(net, x, saliency, target, steps, fill, insert):
    """Pixel by pixel in the order of saliency; the probability after every share of them."""
    h, w = saliency.shape
    order = sorted(range(h * w), key=lambda k: (-float(saliency[k // w, k % w]), k))
    curve = []
    for i in range(steps + 1):
        shown = (fill if insert else x).clone()
        for k in order[: round(i * h * w / steps)]:
            shown[0, :, k // w, k % w] = (x if insert else fill)[0, :, k // w, k % w]
        curve.append(float(net(shown)[0].double().softmax(0)[target]))
    return sum((a + b) / 2 for a, b in zip(curve, curve[1:], strict=False)) / steps, curve


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_equals_the_loop(steps):
    net, x = network(), images(1, 12, 15)
    grid = (a_map(12, 15) * 9).round() / 9  # with ties
    hidden = {"blur": fill_image(x, "blur"), "mean": torch.zeros_like(x), "black": torch.full_like(x, -2)}
    normalization = ((0.5,) * 3, (0.25,) * 3)
    for fill, image in hidden.items():
        for measure, insert in ((insertion, True), (deletion, False)):
            auc, curve = measure(net, x, grid, 2, steps, fill, normalization)
            expected, points = oracle(net, x, grid, 2, steps, image, insert)
            assert curve.tolist() == pytest.approx(points, abs=1e-6) and auc == pytest.approx(expected, abs=1e-6)


def test_defaults_and_ends():
    net, x = network().requires_grad_(False), images(1)
    auc, curve = insertion(net, x, a_map(33, 40), 1)
    gone, falling = deletion(net, x, a_map(33, 40), 1)
    whole = float(net(x).softmax(1)[0, 1])
    assert len(curve) == len(falling) == 21 and 0 < auc < 1 and 0 < gone < 1
    assert float(curve[-1]) == pytest.approx(whole, abs=1e-6) == float(falling[0])
    assert float(falling[-1]) == pytest.approx(float(net(torch.zeros_like(x)).softmax(1)[0, 1]), abs=1e-6)


def test_a_network_that_counts_pixels():
    """Where the probability is the share of the salient half shown, insertion of that half first is best."""
    x = torch.ones(1, 3, 4, 4)
    weight = torch.zeros(4, 4)
    weight[:, :2] = 1 / 8

    def share(z):
        seen = (z[:, 0] * weight).sum((1, 2)).clamp(1e-9, 1 - 1e-9)
        return torch.stack([seen.log(), (1 - seen).log()], 1)

    good, bad = weight * 8, 1 - weight * 8
    first = insertion(share, x, good, 0, steps=16, fill=torch.zeros(1, 3, 1, 1))[0]
    last = insertion(share, x, bad, 0, steps=16, fill=torch.zeros(1, 3, 1, 1))[0]
    # up to 1 over the first half of the pixels, and 1 from there; or 0 until then
    assert first == pytest.approx(0.75, abs=1e-6) and last == pytest.approx(0.25, abs=1e-6)
    assert deletion(share, x, good, 0, steps=16)[0] == pytest.approx(0.25, abs=1e-6)


def test_ties_come_in_reading_order():
    masks = salient_first(torch.tensor([[0.5, 0.5], [0.9, 0.5]]), 4)
    assert masks.sum((1, 2)).tolist() == [0, 1, 2, 3, 4]
    assert masks[1].tolist() == [[0, 0], [1, 0]] and masks[2].tolist() == [[1, 0], [1, 0]]
    assert masks[3].tolist() == [[1, 1], [1, 0]]


def test_area_by_hand():
    assert area_under(torch.tensor([0, 1.0, 1.0])) == 0.75 and area_under(torch.tensor([0.2, 0.4])) == pytest.approx(
        0.3
    )


def test_batches_only_round():
    net, x, grid = network(), images(1), a_map(33, 40)
    one, all_at_once = (insertion(net, x, grid, 0, batch_size=n)[1] for n in (2, 64))
    torch.testing.assert_close(one, all_at_once, rtol=0, atol=1e-6)


def test_mistakes_are_one_sentence():
    net, x, grid = network(), images(1), a_map(33, 40)
    for call, word in (
        (lambda: insertion(net, images(2), grid, 0), "one image"),
        (lambda: deletion(net, x, grid[:4], 0), "of its size"),
        (lambda: deletion(net, x, torch.full((33, 40), math.nan), 0), "no order"),
        (lambda: insertion(net, x, grid, 0, steps=0), "steps is 0"),
        (lambda: insertion(net, x, grid, 0, steps=10**6), "number of pixels"),
        (lambda: insertion(net, x, grid, 7), "0 to 4"),
        (lambda: insertion(lambda z: net(z) * math.nan, x, grid, 0), "NaN"),
    ):
        with pytest.raises(CluscamError, match=word):
            call()
