"""From scores to weights: dropout of the worst groups and the temperature softmax (Section 3.3, Eq. 6)."""

import math

import torch
from torch import Tensor

from ..errors import CluscamError
from .hyperparameters import temperature as equation_10


def check_weighting(drop_ratio: float, temperature: float | None) -> None:
    """Raise CluscamError unless 0 <= r < 1 and tau > 0 (or None, Eq. 10)."""
    if not 0 <= drop_ratio < 1:
        raise CluscamError(
            f"drop_ratio is {drop_ratio}; expected a fraction 0 <= r < 1 (37.12 % is 0.3712), as in Table 3"
        )
    if temperature is not None and not temperature > 0:
        raise CluscamError(f"temperature is {temperature}; expected tau > 0, or None for Eq. 10")


def kept_groups(scores: Tensor, valid: Tensor, drop_ratio: float) -> Tensor:
    """The set S of Algorithm 1, line 11, as a mask (B, K): all valid groups but the floor(r K + 1e-9) lowest.

    K is each image's number of valid groups; at least one stays. Among equal scores the later group stays.
    """
    ascending = scores.masked_fill(~valid, -math.inf).argsort(dim=1, stable=True)
    rank = torch.empty_like(ascending).scatter_(
        1, ascending, torch.arange(scores.shape[1], device=scores.device).expand_as(ascending)
    )
    n_valid = valid.sum(1)
    dropped = torch.floor(drop_ratio * n_valid.double() + 1e-9).long().minimum((n_valid - 1).clamp(min=0))
    padding = scores.shape[1] - n_valid  # the invalid ones rank lowest
    return valid & (rank >= (padding + dropped)[:, None])


def softmax_weights(
    scores: Tensor, valid: Tensor, drop_ratio: float, temperature: float | None = None
) -> tuple[Tensor, Tensor]:
    """Eq. 6. Returns alpha (B, K), rows summing to 1 and 0 where dropped or invalid, and the tau used (B,).

    ``temperature=None`` is Eq. 10 with each image's own number of groups; an infinite tau gives uniform weights.
    Raises CluscamError for r or tau out of range.
    """
    tau = temperatures(valid, drop_ratio, temperature)
    return softmax_at(scores, kept_groups(scores, valid, drop_ratio), tau), tau


def temperatures(valid: Tensor, drop_ratio: float, temperature: float | None = None) -> Tensor:
    """tau of each image (B,) float64: as given or, for None, Eq. 10 with r and the image's own number of groups.

    Raises CluscamError for r or tau out of range.
    """
    check_weighting(drop_ratio, temperature)
    values = [equation_10(int(n), drop_ratio) if temperature is None else float(temperature) for n in valid.sum(1)]
    return torch.tensor(values, dtype=torch.float64, device=valid.device)


def softmax_at(scores: Tensor, kept: Tensor, tau: Tensor) -> Tensor:
    """alpha (B, K): softmax of scores / tau over the groups in `kept` (B, K), 0 elsewhere; tau (B,) may be infinite."""
    logits = (scores.double().masked_fill(~kept, 0) / tau[:, None]).masked_fill(~kept, -math.inf)
    alpha = torch.softmax(logits, dim=1).nan_to_num(0)  # nan: an image without any valid group
    return alpha.to(scores.dtype)
