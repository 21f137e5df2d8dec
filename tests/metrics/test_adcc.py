"""Coherency, complexity and ADCC, by hand and at their edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import images, network

from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import adcc, coherency, complexity, explained_again
from cluscam_lite.rivals.trivial import FakeCAM

percent = st.floats(0, 100)


def maps(n=3, seed=0):
    return torch.rand(n, 6, 7, generator=torch.Generator().manual_seed(seed))


def test_complexity_is_the_coverage():
    some = torch.stack([torch.zeros(2, 2), torch.ones(2, 2), torch.tensor([[1.0, 0.5], [0, 0]])])
    assert complexity(some).tolist() == [0, 100, 37.5]


def test_coherency_equals_the_correlation():
    a, b = maps(seed=0), maps(seed=1)
    expected = [
        50 * (1 + np.corrcoef(x.flatten(), y.flatten())[0, 1]) for x, y in zip(a.numpy(), b.numpy(), strict=True)
    ]
    assert coherency(a, b).tolist() == pytest.approx(expected, abs=1e-5)
    assert coherency(a, a).tolist() == pytest.approx([100] * 3) and coherency(a, 1 - a).tolist() == pytest.approx(
        [0] * 3
    )
    assert coherency(a, 0.5 * a + 0.2).tolist() == pytest.approx([100] * 3)  # contrast and offset do not matter


def test_coherency_of_maps_without_contrast():
    ones, zeros = torch.ones(1, 6, 7), torch.zeros(1, 6, 7)
    assert [float(coherency(*pair)) for pair in ((ones, ones), (ones, zeros), (ones, maps(1)), (maps(1), zeros))] == [
        100, 50, 50, 50,
    ]  # fmt: skip


def test_adcc_by_hand():
    # 3 / (1/0.5 + 1/0.8 + 1/0.9)
    assert float(adcc(50, 20, 10)) == pytest.approx(100 * 3 / (2 + 1.25 + 10 / 9))
    assert adcc([100, 0, 100, 100], [0, 0, 100, 0], [0, 0, 0, 100]).tolist() == [100, 0, 0, 0]


@given(percent, percent, percent)
def test_adcc_lies_between_its_parts(a, b, c):
    found, parts = float(adcc(a, b, c)), (a, 100 - b, 100 - c)
    assert min(parts) - 1e-9 <= found <= max(parts) + 1e-9 or 0 in parts and found == 0
    assert math.isfinite(found)


def test_an_explanation_of_its_own_explanation():
    x = images(2)
    cam = ClusCAM(network(), n_clusters=5)
    first = cam(x, torch.tensor([1, 3]))
    again = explained_again(cam, x, first)
    by_hand = cam(torch.stack([x[i] * first.saliency[i] for i in range(2)]), torch.tensor([1, 3]))
    assert torch.equal(again, by_hand.saliency) and not torch.equal(again, first.saliency)


def test_fakecam_is_coherent_and_complex():
    """Why Poppi et al. want all three: FakeCAM has the best coherency and drop, and next to no ADCC."""
    cam, x = FakeCAM(network()), images(1)
    e = cam(x)
    same, much = float(coherency(e.saliency, explained_again(cam, x, e))), float(complexity(e.saliency))
    assert same == pytest.approx(100) and much > 99.9 and adcc(same, much, 0) < 0.5


@pytest.mark.parametrize("bad", [(-1, 0, 0), (0, 101, 0), (0, 0, math.nan)])
def test_what_is_no_percentage_is_refused(bad):
    with pytest.raises(CluscamError, match="percent"):
        adcc(*bad)


def test_maps_that_cannot_be_compared():
    with pytest.raises(CluscamError, match="same shape"):
        coherency(maps(2), maps(3))
    with pytest.raises(CluscamError, match="NaN"):
        coherency(maps(1), maps(1) * math.nan)
