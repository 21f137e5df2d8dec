"""The effective rank of Roy and Vetterli, by hand."""

import math

import pytest
import torch

from analysis.statistics.effective_rank import effective_rank


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_orthogonal_points_of_one_length_are_all_different(n):
    assert effective_rank(torch.eye(n)) == pytest.approx(n)
    assert effective_rank(7 * torch.eye(n, 20)) == pytest.approx(n)


def test_multiples_of_one_point_are_one():
    point = torch.rand(16, generator=torch.Generator().manual_seed(0))
    assert effective_rank(torch.stack([point, point, 2 * point])) == pytest.approx(1)


def test_the_shares_are_of_singular_values_and_not_of_their_squares():
    # shares 3/4 and 1/4: exp(-(3/4 log 3/4 + 1/4 log 1/4)) = 4 / 3^(3/4)
    assert effective_rank(torch.tensor([[3.0, 0.0], [0.0, 1.0]])) == pytest.approx(4 / math.pow(3, 0.75))


def test_points_of_nothing_have_no_rank():
    assert effective_rank(torch.zeros(3, 4)) == 0


def test_the_rank_is_at_most_the_number_of_dimensions():
    points = torch.rand(40, 6, generator=torch.Generator().manual_seed(0))
    assert 1 < effective_rank(points) < 6
