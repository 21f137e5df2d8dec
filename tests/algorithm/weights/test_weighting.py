"""Dropout and temperature softmax, by hand."""

import math

import pytest
import torch

from cluscam_lite import temperature
from cluscam_lite.algorithm.weighting import kept_groups, softmax_weights
from cluscam_lite.errors import CluscamError


def test_equation_10_by_hand():
    assert temperature(30, 0.5) == pytest.approx(1 / math.log(16))
    assert temperature(10, (math.e - 1) / 10) == pytest.approx(1)  # tau < 1 needs r K > e - 1


def test_equation_10_is_infinite_when_nothing_is_dropped():
    assert temperature(30, 0) == math.inf


def all_valid(scores):
    return torch.ones_like(scores, dtype=torch.bool)


@pytest.mark.parametrize(("r", "n_dropped"), [(0, 0), (0.1, 1), (0.3, 3), (0.35, 3), (0.7, 7), (0.99, 9)])
def test_floor_of_rk_are_dropped(r, n_dropped):
    # 0.3 * 10 is 2.9999...: the 1e-9 of the definition makes it 3; 0.7 * 10 = 7.000...01
    scores = torch.arange(10.0).roll(4)[None]
    kept = kept_groups(scores, all_valid(scores), r)
    assert kept.sum() == 10 - n_dropped and scores[kept].min() == n_dropped


def test_one_group_always_stays():
    scores = torch.tensor([[-3.0]])
    weights, _ = softmax_weights(scores, all_valid(scores), 0.999)
    assert weights.tolist() == [[1.0]]


def test_softmax_by_hand():
    scores = torch.tensor([[math.log(3) / 2, -9.0, 0.0]])
    weights, tau = softmax_weights(scores, all_valid(scores), 0.34, temperature=0.5)
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0, 0.25]]))
    assert tau.tolist() == [0.5]


def test_padding_is_never_weighed_or_counted():
    scores = torch.tensor([[2.0, -math.inf, 1.0, -math.inf], [4.0, 3.0, 2.0, 1.0]])
    valid = scores.isfinite()
    weights, tau = softmax_weights(scores, valid, 0.5)
    assert weights[0].tolist() == [1, 0, 0, 0]  # one of two dropped
    assert (weights[1] > 0).tolist() == [True, True, False, False]
    assert tau.tolist() == pytest.approx([1 / math.log(2), 1 / math.log(3)])


def test_no_dropping_with_equation_10_means_uniform():
    scores = torch.tensor([[5.0, 1.0, -2.0, 0.0]])
    assert softmax_weights(scores, all_valid(scores), 0)[0].tolist() == [[0.25] * 4]


def test_very_different_scores_stay_finite():
    scores = torch.tensor([[4000.0, -4000.0, 3999.9]])
    weights, _ = softmax_weights(scores, all_valid(scores), 0, temperature=1e-3)
    assert weights.isfinite().all() and weights[0, 0] == 1


@pytest.mark.parametrize("r", [-0.1, 1, 37.12, math.nan])
def test_drop_ratio_out_of_range(r):
    with pytest.raises(CluscamError, match="0 <= r < 1"):
        softmax_weights(torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool), r)


@pytest.mark.parametrize("tau", [0, -1, math.nan])
def test_temperature_out_of_range(tau):
    with pytest.raises(CluscamError, match="tau > 0"):
        softmax_weights(torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool), 0.1, tau)
