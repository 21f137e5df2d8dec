"""Masked copies against one pass each; forms of a map against what they promise."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import images, network

from cluscam_lite.algorithm.scoring import fill_image
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.metrics import evaluate, masked_outputs, matched
from cluscam_lite.metrics.masking import form_of

NORMALIZATION = ((0.5,) * 3, (0.25,) * 3)


def a_map(h=33, w=40, seed=0):
    return torch.rand(h, w, generator=torch.Generator().manual_seed(seed)) ** 3


class Watched:
    """A network that keeps what it was shown."""

    def __init__(self):
        self.net, self.seen = network(), []

    def __call__(self, x):
        self.seen.append(x.clone())
        return self.net(x)


def test_equals_the_equations_one_pass_at_a_time():
    """x E + fill (1 - E), by hand, softmax by hand."""
    net, x, grid = network(), images(1), a_map()
    hidden = {"mean": torch.zeros_like(x), "black": torch.full_like(x, -2), "blur": fill_image(x, "blur")}
    rows = evaluate(net, x, grid, 3, normalization=NORMALIZATION)
    assert [(row["form"], row["fill"]) for row in rows] == [
        *(("raw", fill) for fill in hidden), *(("matched", fill) for fill in hidden), ("complement", "mean"),
    ]  # fmt: skip
    with torch.no_grad():
        p = float(net(x).double().softmax(1)[0, 3])
        for row in rows:
            mask = {"raw": grid, "matched": matched(grid[None])[0], "complement": 1 - grid}[row["form"]]
            logits = net(x * mask + hidden[row["fill"]] * (1 - mask)).double()[0]
            o = float(logits.softmax(0)[3])
            assert row["coverage"] == pytest.approx(float(mask.mean()), abs=1e-6)
            assert row["probability"] == pytest.approx(p, abs=1e-6)
            assert row["probability_masked"] == pytest.approx(o, abs=1e-6)
            assert row["log_odds_masked"] == pytest.approx(math.log(o / (1 - o)), abs=1e-5)
            assert row["log_odds"] == pytest.approx(math.log(p / (1 - p)), abs=1e-5)
            assert row["drop"] == pytest.approx(100 * max(0, p - o) / p, abs=1e-3)
            assert row["increase"] == 100 * (o > p)
            assert row["gain"] == pytest.approx(100 * max(0, o - p) / (1 - p), abs=1e-3)


def test_seven_masked_copies_and_the_image_are_one_batch():
    net, x = Watched(), images(1, 224, 224)
    rows = evaluate(net, x, a_map(224, 224), 0, normalization=NORMALIZATION)
    assert len(rows) == 7 and [len(seen) for seen in net.seen] == [8]
    assert torch.equal(net.seen[0][:1], x)


def test_every_masked_copy_has_the_unmasked_image_in_its_own_batch():
    net, x = Watched(), images(1)
    masks = torch.rand(8, 33, 40, generator=torch.Generator().manual_seed(1))
    unmasked, masked = masked_outputs(net, x, masks, [None] * 8, batch_size=4)
    assert [len(seen) for seen in net.seen] == [4] * 3  # three masked copies each; the last is filled up
    for seen in net.seen:
        assert torch.equal(seen[:1], x)
    assert torch.equal(net.seen[2][3:], x)
    assert unmasked.shape == masked.shape == (8, 5)
    for i in range(8):
        outputs = net.net(net.seen[i // 3])
        assert torch.equal(unmasked[i], outputs[0]) and torch.equal(masked[i], outputs[1 + i % 3])
        torch.testing.assert_close(masked[i], net.net(x * masks[i])[0], rtol=1e-4, atol=1e-5)


def test_all_ones_change_nothing_to_the_last_bit():
    rows = evaluate(network(), images(1), torch.ones(33, 40), 2, normalization=NORMALIZATION)
    for row in rows[:6]:
        assert row["coverage"] == 1 and row["probability"] == pytest.approx(row["probability_masked"], abs=1e-7)
        assert row["drop"] == row["gain"] == row["increase"] == 0
    assert rows[6]["coverage"] == 0


def test_matched_by_hand():
    # the mean of (0, 1/4, 1) to the power 1/2 is 1/2
    found = matched(torch.tensor([[[0, 0.25, 1]]]))
    torch.testing.assert_close(found, torch.tensor([[[0, 0.5, 1]]]), atol=1e-5, rtol=0)


def test_matched_maps_have_the_coverage_and_the_order():
    maps = torch.stack([a_map(seed=s) ** power for s, power in enumerate((0.1, 1, 4))])
    found = matched(maps)
    torch.testing.assert_close(found.mean((1, 2)), torch.full((3,), 0.5), atol=1e-4, rtol=0)
    torch.testing.assert_close(matched(maps, 0.2).mean((1, 2)), torch.full((3,), 0.2), atol=1e-4, rtol=0)
    for before, after in zip(maps.flatten(1), found.flatten(1), strict=True):
        assert (after[before.argsort()].diff() >= 0).all() and len(after.unique()) > 0.99 * len(before.unique())
    assert torch.equal(matched(maps[1:2])[0], found[1])  # whatever its neighbours


def test_matched_maps_without_a_power():
    flat = torch.stack([torch.zeros(4, 5), torch.ones(4, 5), torch.full((4, 5), 0.09)])
    found = matched(flat)
    assert torch.equal(found[:2], flat[:2])
    torch.testing.assert_close(found[2], torch.full((4, 5), 0.5), atol=1e-4, rtol=0)
    few = torch.zeros(1, 4, 5)
    few[0, 0, :2] = torch.tensor([0.3, 1])  # a tenth of the pixels: a mean of one half is out of reach
    assert 0.0995 < float(matched(few).mean()) <= 0.1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6))
def test_matched_stays_a_map(values):
    maps = torch.tensor(values).view(1, 2, 3)
    found = matched(maps)
    assert found.min() >= 0 and found.max() <= 1
    assert (found.flatten()[maps.flatten().argsort()].diff() >= 0).all()


@pytest.mark.parametrize("bad", [torch.full((1, 2, 2), math.nan), torch.full((1, 2, 2), 1.1), torch.zeros(2, 2)])
def test_what_is_no_map_is_refused(bad):
    with pytest.raises(CluscamError, match=r"expected \(B, H, W\) in \[0, 1\]"):
        form_of(bad, "raw")


def test_mistakes_are_one_sentence():
    net, x, grid = network(), images(1), a_map()
    for call, word in (
        (lambda: evaluate(net, images(2), grid, 0), "one image"),
        (lambda: evaluate(net, x, grid[:5], 0), "of its size"),
        (lambda: evaluate(net, x, torch.stack([grid, grid]), 0), "one map"),
        (lambda: evaluate(net, x, grid, 5, fills=("mean",)), "0 to 4"),
        (lambda: evaluate(net, x, grid, 0, fills=("black",)), "normalization"),
        (lambda: evaluate(net, x, grid, 0, fills=(), forms=("raw",)), "no fill"),
        (lambda: evaluate(net, x, grid, 0, forms=()), "no form"),
        (lambda: matched(grid[None], 1.0), "below 1"),
        (lambda: masked_outputs(net, x, [grid], []), "one fill for each"),
    ):
        with pytest.raises(CluscamError, match=word):
            call()
    with pytest.raises(UnknownName, match="complement"):
        evaluate(net, x, grid, 0, forms=("complment",))
    with pytest.raises(UnknownName, match="black"):
        evaluate(net, x, grid, 0, fills=("blac",))


def test_without_a_normalisation_black_is_left_out_and_else_all_fills_are_there():
    net, x, grid = network(), images(1), a_map()
    assert {row["fill"] for row in evaluate(net, x, grid, 0)} == {"mean", "blur"}
    given = evaluate(net, x, grid, 0, normalization=((0.5,) * 3, (0.2,) * 3))
    assert {row["fill"] for row in given} == {"mean", "black", "blur"}


def test_a_class_without_probability_is_refused():
    logits = torch.tensor([[0.0, 5000]]).double()
    with pytest.raises(CluscamError, match="p is 0"):
        evaluate(lambda z: logits.expand(len(z), -1), images(1), a_map(), 0, fills=("mean",))


def test_gradients_are_not_kept():
    net, x = network(), images(1).requires_grad_()
    unmasked, masked = masked_outputs(net, x, a_map()[None], [None])
    assert not masked.requires_grad and not unmasked.requires_grad
