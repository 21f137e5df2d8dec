"""How alike two maps are: against definitions written out, and at the edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import correlation, overlap, rank_correlation

CONSTANT = torch.full((3, 4), 0.3)


def random(h=7, w=9, seed=0):
    return torch.rand(h, w, generator=torch.Generator().manual_seed(seed))


def literal_correlation(a, b):
    """Sum by sum."""
    x, y = a.flatten().tolist(), b.flatten().tolist()
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    together = sum((p - mean_x) * (q - mean_y) for p, q in zip(x, y, strict=True))
    return together / math.sqrt(sum((p - mean_x) ** 2 for p in x) * sum((q - mean_y) ** 2 for q in y))


def literal_ranks(values):
    """One more than the number below, and half of the ties."""
    flat = values.flatten().tolist()
    ranks = [1 + sum(v < u for v in flat) + (sum(v == u for v in flat) - 1) / 2 for u in flat]
    return torch.tensor(ranks).reshape(values.shape)


def literal_overlap(a, b, share):
    """Sets of places."""

    def top(values):
        flat = values.flatten().tolist()
        last = sorted(flat, reverse=True)[math.ceil(share * len(flat)) - 1]
        return {i for i, value in enumerate(flat) if value >= last}

    return len(top(a) & top(b)) / len(top(a) | top(b))


@pytest.mark.parametrize("seed", range(4))
def test_each_measure_is_its_definition(seed):
    a, b = random(seed=seed), (random(seed=seed) + random(seed=seed + 10)).mul(4).round()  # b has ties
    assert correlation(a, b) == pytest.approx(literal_correlation(a, b), abs=1e-6)
    assert rank_correlation(a, b) == pytest.approx(literal_correlation(literal_ranks(a), literal_ranks(b)), abs=1e-6)
    for share in (0.01, 0.1, 0.5):
        assert overlap(a, b, share) == literal_overlap(a, b, share)


def test_a_map_agrees_with_itself_and_with_what_keeps_its_order():
    a = random()
    assert correlation(a, 3 * a + 1) == pytest.approx(1) and correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, a.exp()) == pytest.approx(1) and correlation(a, a.exp()) < 1
    assert overlap(a, a.exp()) == 1 and overlap(a, -a) == 0


@pytest.mark.parametrize("measure", [correlation, rank_correlation, overlap])
def test_without_contrast_there_is_nothing_to_say(measure):
    assert math.isnan(measure(CONSTANT, random(3, 4))) and math.isnan(measure(random(3, 4), CONSTANT))
    assert math.isnan(measure(CONSTANT, CONSTANT))
    assert math.isnan(measure(torch.ones(1, 1), torch.zeros(1, 1)))  # a map of one pixel


@pytest.mark.parametrize("measure", [correlation, rank_correlation, overlap])
def test_bad_maps_are_refused(measure):
    with pytest.raises(CluscamError, match="the same size"):
        measure(random(3, 4), random(4, 3))
    with pytest.raises(CluscamError, match="the same size"):
        measure(random(3, 4)[None], random(3, 4)[None])
    with pytest.raises(CluscamError, match="the same size"):
        measure(torch.empty(0, 3), torch.empty(0, 3))
    with pytest.raises(CluscamError, match="NaN"):
        measure(random(3, 4), torch.full((3, 4), math.nan))


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(CluscamError, match="share is"):
        overlap(random(), random(seed=1), share)


@given(st.integers(0, 10_000))
def test_measures_are_symmetric_and_in_range(seed):
    a, b = random(5, 5, seed), random(5, 5, seed + 1)
    for measure, low in ((correlation, -1), (rank_correlation, -1), (overlap, 0)):
        assert measure(a, b) == pytest.approx(measure(b, a), abs=1e-12) and low <= measure(a, b) <= 1


def test_tops_at_random_overlap_as_the_docstring_says():
    found = [overlap(random(60, 60, 2 * n), random(60, 60, 2 * n + 1)) for n in range(20)]
    assert np.mean(found) == pytest.approx(0.1 / 1.9, abs=0.01)
