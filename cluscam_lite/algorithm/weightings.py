"""The weightings of Section 4.4: what is left when dropout, the temperature or the softmax is left out."""

from functools import partial

import torch
from torch import Tensor

from ..errors import unknown
from .weighting import check_weighting, softmax_at, softmax_weights, temperatures

WEIGHTINGS = {
    "cluscam": "dropout and temperature softmax, Eq. 6",
    "temperature_softmax": "temperature softmax without dropout",
    "dropout_softmax": "dropout and softmax, temperature 1",
    "softmax": "softmax, without dropout, temperature 1",
    "logit": "the scores themselves, which are mostly negative: the map is then mostly that of the worst, inverted",
    "logit_shifted": "the scores less the lowest of them",
    "uniform": "all groups alike: the limit of a high temperature",
    "best": "the best group alone: the limit of a low temperature",
}


def weights_by(
    weighting: str, scores: Tensor, valid: Tensor, drop_ratio: float, temperature: float | None = None
) -> tuple[Tensor, Tensor]:
    """The weights (B, K) of a weighting by name (see `WEIGHTINGS`), and the tau that it used (B,), NaN for none.

    `scores` (B, K) in logits, `valid` (B, K). Rows sum to 1; those of "logit" keep their signs, and their absolute
    values sum to 1. ``temperature=None`` is Eq. 10 with r, also where "temperature_softmax" then drops nothing: the tau
    of Table 3. Raises UnknownName, and CluscamError for r or tau out of range.
    """
    check_weighting(drop_ratio, temperature)
    softmax = partial(softmax_weights, scores, valid)
    if weighting == "cluscam":
        return softmax(drop_ratio, temperature)
    if weighting == "temperature_softmax":
        tau = temperatures(valid, drop_ratio, temperature)
        return softmax_at(scores, valid, tau), tau
    if weighting == "dropout_softmax":
        return softmax(drop_ratio, 1.0)
    if weighting == "softmax":
        return softmax(0.0, 1.0)
    if weighting == "uniform":
        return softmax(0.0, None)  # Eq. 10 is infinite when nothing is dropped
    if weighting not in WEIGHTINGS:
        raise unknown("weighting", weighting, WEIGHTINGS)
    none = torch.full((len(scores),), torch.nan, dtype=torch.float64, device=scores.device)
    if weighting == "best":
        best = scores.masked_fill(~valid, -torch.inf).argmax(1, keepdim=True)
        return torch.zeros_like(scores).scatter_(1, best, 1.0) * valid, none
    known = scores.masked_fill(~valid, 0)
    if weighting == "logit_shifted":
        lowest = scores.masked_fill(~valid, torch.inf).amin(1, keepdim=True)
        known = (scores - lowest).masked_fill(~valid, 0)
    return known / known.abs().sum(1, keepdim=True).clamp(min=torch.finfo(scores.dtype).tiny), none
