"""From scores to weights: temperature, dropout and softmax (Eqs. 6 and 10), and the variants of Section 4.4."""

import math
from functools import partial

import torch
from torch import Tensor

from ..errors import CluscamError, check_known, is_number

EQUAL = 8 * torch.finfo(torch.float32).eps  # of the logits' size: scores no further apart are one
EQUAL_SCORES = "scores: equal for all masks in at least one image, so that its map says nothing of the class"
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
SETTINGS_OF = {  # a setting -> the weightings that it goes with
    "drop_ratio": ("cluscam", "temperature_softmax", "dropout_softmax"),  # the second for its tau of Eq. 10
    "temperature": ("cluscam", "temperature_softmax"),
}


def temperature(n_clusters: int, drop_ratio: float) -> float:
    """Eq. 10: tau = 1 / log(1 + r K).

    r K is the number of groups *discarded*: tau falls as more are dropped. The sentence after Eq. 10 says the
    reverse; Table 3 agrees with the equation. tau < 1 needs r K > e - 1.

    Args:
        n_clusters: K.
        drop_ratio: r, 0 <= r < 1.

    Returns:
        tau > 0; infinite (uniform weights) when nothing is dropped, r K = 0.
    """
    discarded = drop_ratio * n_clusters
    return 1 / math.log1p(discarded) if discarded > 0 else math.inf


_equation_10 = temperature  # for functions that have an argument of the same name


def why_uniform(temperature: float | None, what: str) -> str:
    """The note on weights that an infinite temperature makes all alike. None: by Eq. 10, as no `what` is dropped."""
    why = f"Eq. 10 is infinite when no {what} is dropped" if temperature is None else "the temperature is infinite"
    return f"weights: uniform, since {why}"


LEAST = 2.0**-126  # of the temperatures above 0 that float32 has in full precision


def check_weighting(drop_ratio: float, temperature: float | None) -> None:
    """Raise CluscamError unless 0 <= r < 1 and tau > 0 (or None, Eq. 10)."""
    if not is_number(drop_ratio) or not 0 <= drop_ratio < 1:
        raise CluscamError(
            f"drop_ratio is {drop_ratio!r}; expected a fraction 0 <= r < 1 (37.12 % is 0.3712), as in Table 3"
        )
    if temperature is not None and not (is_number(temperature) and temperature >= LEAST):
        raise CluscamError(f"temperature is {temperature!r}; expected a number tau > 0, or None for Eq. 10")


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


def all_equal(scores: Tensor, valid: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    """Whether an image's groups, two or more, all have one score up to rounding: (B,) bool.

    Args:
        scores: (B, K) in logits, differences to `baseline`.
        valid: (B, K) bool, which groups there are.
        baseline: (B,), the logits that the scores are differences to: they set what rounding is.
    """
    known = scores.masked_fill(~valid, 0)
    low, high = scores.masked_fill(~valid, torch.inf).amin(1), scores.masked_fill(~valid, -torch.inf).amax(1)
    size = torch.maximum(known.abs().amax(1), torch.as_tensor(baseline, device=scores.device).abs().to(scores))
    return (valid.sum(1) > 1) & (high - low <= EQUAL * size)


def softmax_weights(
    scores: Tensor, valid: Tensor, drop_ratio: float, temperature: float | None = None
) -> tuple[Tensor, Tensor]:
    """Eq. 6, lines 11 to 13 of Algorithm 1: dropout and temperature softmax.

    Args:
        scores: (B, K) in logits.
        valid: (B, K) bool, which groups there are.
        drop_ratio: r, 0 <= r < 1.
        temperature: tau > 0; None is Eq. 10 with each image's own number of groups.

    Returns:
        alpha (B, K), rows summing to 1, 0 where dropped or invalid; and the tau used (B,) float64. An infinite tau
        gives uniform weights.

    Raises:
        CluscamError: r or tau out of range.
    """
    tau = temperatures(valid, drop_ratio, temperature)
    return softmax_at(scores, kept_groups(scores, valid, drop_ratio), tau), tau


def temperatures(valid: Tensor, drop_ratio: float, temperature: float | None = None) -> Tensor:
    """tau of each image (B,) float64: as given or, for None, Eq. 10 with r and the image's own number of groups.

    Raises CluscamError for r or tau out of range.
    """
    check_weighting(drop_ratio, temperature)
    values = [_equation_10(int(n), drop_ratio) if temperature is None else float(temperature) for n in valid.sum(1)]
    return torch.tensor(values, dtype=torch.float64, device=valid.device)


def softmax_at(scores: Tensor, kept: Tensor, tau: Tensor) -> Tensor:
    """alpha (B, K): softmax of scores / tau over the groups in `kept` (B, K), 0 elsewhere; tau (B,) may be infinite."""
    logits = (scores.double().masked_fill(~kept, 0) / tau[:, None]).masked_fill(~kept, -math.inf)
    alpha = torch.softmax(logits, dim=1).nan_to_num(0)  # nan: an image without any valid group
    return alpha.to(scores.dtype)


def check_taken(weighting: str, drop_ratio: float | None, temperature: float | None) -> None:
    """Raise CluscamError for an r or a tau that is given to a weighting of `WEIGHTINGS` that has none."""
    given = {"drop_ratio": drop_ratio, "temperature": temperature}
    for setting, takers in SETTINGS_OF.items():
        if given[setting] is not None and weighting in WEIGHTINGS and weighting not in takers:
            raise CluscamError(f"the weighting {weighting!r} takes no {setting}; leave it out")


def weights_by(
    weighting: str, scores: Tensor, valid: Tensor, drop_ratio: float, temperature: float | None = None
) -> tuple[Tensor, Tensor]:
    """The weights of one of `WEIGHTINGS`, the variants of Section 4.4.

    Args:
        weighting: its name.
        scores: (B, K) in logits.
        valid: (B, K) bool, which groups there are.
        drop_ratio: r, 0 <= r < 1.
        temperature: tau > 0; None is Eq. 10 with r, also where "temperature_softmax" then drops nothing: the tau of
            Table 3.

    Returns:
        Weights (B, K), and the tau used (B,), NaN for none. Rows sum to 1; those of "logit" keep their signs, and
        their absolute values sum to 1.

    Raises:
        UnknownName: no such weighting.
        CluscamError: r or tau out of range.
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
    check_known("weighting", weighting, WEIGHTINGS)
    none = torch.full((len(scores),), torch.nan, dtype=torch.float64, device=scores.device)
    if weighting == "best":
        best = scores.masked_fill(~valid, -torch.inf).argmax(1, keepdim=True)
        return torch.zeros_like(scores).scatter_(1, best, 1.0) * valid, none
    known = scores.masked_fill(~valid, 0)
    if weighting == "logit_shifted":
        lowest = scores.masked_fill(~valid, torch.inf).amin(1, keepdim=True)
        known = (scores - lowest).masked_fill(~valid, 0)
    return known / known.abs().sum(1, keepdim=True).clamp(min=torch.finfo(scores.dtype).tiny), none
