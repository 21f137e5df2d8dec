"""How many different patterns a set of points has."""

import torch
from torch import Tensor


def effective_rank(points: Tensor) -> float:
    """The effective rank of a matrix of n points (n, p): exp(-sum p_k log p_k), p_k = sigma_k / sum of all sigma.

    The sigma are the singular values themselves, not their squares. The result is between 1 and min(n, p): 1 if all
    points are multiples of one, n for n orthogonal points of one length. It is 0 for a matrix of zeros.
    Source: Roy and Vetterli 2007, "The effective rank: A measure of effective dimensionality".
    """
    values = torch.linalg.svdvals(points.double())
    if not values.sum() > 0:
        return 0.0
    share = values / values.sum()
    return float(torch.special.entr(share).sum().exp())
