"""Faithfulness per image: what happens to the explained class when the map's region alone is shown (Appendix C).

Means over images are AD, IC and AG of Tables 2, 5 and 6; they are left to whoever holds the images.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..algorithm.given import real_numbers
from ..algorithm.targets import class_probabilities
from ..errors import CluscamError, is_number

TOLERANCE = 1e-6  # of a probability: another batch shape alone moves it by 5e-7
SMALLEST = 1e-300  # below it 1 / p overflows


def changes(p: ArrayLike, o: ArrayLike, tolerance: float = TOLERANCE) -> dict[str, np.ndarray]:
    """Each image's terms of AD, IC and AG, in percent (Eqs. 11 to 13).

    Args:
        p: probability of the target on the image, 0 to 1, of any shape.
        o: the same on the masked image.
        tolerance: where they differ by no more than this, nothing has changed.

    Returns:
        Arrays of the shape of `p`:

        - ``drop``: 100 max(0, p - o) / p, Eq. 11, 0 to 100;
        - ``increase``: 100 where o > p, else 0, Eq. 12;
        - ``gain``: 100 max(0, o - p) / (1 - p), Eq. 13, 0 to 100, 0 where p = 1; never above ``increase``;
        - ``gain_over_p``: 100 max(0, o - p) / p, unbounded: the gain of the paper's public code;
        - ``drop_strict``, ``increase_strict``, ``gain_strict``: the same with no tolerance.

    Raises:
        CluscamError: NaN, numbers that are no probabilities, shapes that differ, or p = 0, where the drop is undefined.
    """
    p, o = (real_numbers(given, name).double().cpu().numpy() for given, name in ((p, "p"), (o, "o")))
    _check(p, o)
    if not is_number(tolerance) or not 0 <= tolerance < 1:
        raise CluscamError(
            f"tolerance is {tolerance!r}; expected a difference of probabilities, at least 0 and below 1"
        )
    return _terms(p, np.where(np.abs(o - p) <= tolerance, p, o)) | {
        f"{key}_strict": value for key, value in _terms(p, o).items() if key != "gain_over_p"
    }


def log_odds(logits: Tensor, target: Tensor) -> Tensor:
    """log p / (1 - p) of the target of each row: its logit less the log-sum-exp of the others.

    It stays finite where p rounds to 0 or 1. Of a network with one logit it is the logit.

    Args:
        logits: (n, C), C >= 1.
        target: (n,) classes.

    Returns:
        (n,) float64, natural logarithm.

    Raises:
        CluscamError: no class, logits that are not finite, or not one of their classes for each row.
    """
    logits = real_numbers(logits, "the logits").double()
    if logits.ndim != 2 or logits.shape[1] < 1 or not torch.isfinite(logits).all():
        raise CluscamError(
            f"the logits are {tuple(logits.shape)}, or not finite; expected finite numbers (n, C), at least one class"
        )
    column = _column(target, logits)
    if logits.shape[1] == 1:
        return logits[:, 0]
    others = logits.scatter(1, column, -torch.inf)  # (n, C)
    return logits.gather(1, column)[:, 0] - others.logsumexp(1)  # (n,)


def probabilities(logits: Tensor, target: Tensor) -> Tensor:
    """The probability, 0 to 1, of the target (n,) of each row of logits (n, C): (n,) float64.

    The softmax; where there is only one logit, its sigmoid. Raises CluscamError for a class that there is not, and for
    logits that have no softmax: NaN, or infinity (minus infinity is a probability of 0).
    """
    logits = real_numbers(logits, "the logits").double()
    found = class_probabilities(logits).gather(1, _column(target, logits))[:, 0]
    if torch.isnan(found).any():
        raise CluscamError("the logits hold NaN or infinity, and have no softmax; expected finite numbers (n, C)")
    return found


def _column(target: Tensor, logits: Tensor) -> Tensor:
    """The classes of the rows of logits (n, C), as (n, 1)."""
    try:
        classes = torch.as_tensor(target, device=logits.device)
    except (TypeError, ValueError, RuntimeError):  # text, or lists of different lengths
        raise CluscamError(f"the target is {target!r}; expected a class for each row, a whole number") from None
    whole = not classes.is_floating_point() and classes.dtype != torch.bool
    if logits.ndim != 2 or not whole or classes.shape != logits.shape[:1] or not _within(classes, logits.shape[1]):
        raise CluscamError(
            f"there are logits {tuple(logits.shape)} and classes {tuple(classes.shape)}, {classes.dtype}; expected "
            "(n, C), and for each row a whole number from 0 to C - 1"
        )
    return classes[:, None]


def _within(classes: Tensor, n: int) -> bool:
    return bool(((classes >= 0) & (classes < n)).all())


def _terms(p: np.ndarray, o: np.ndarray) -> dict[str, np.ndarray]:
    rise, room = np.maximum(0, o - p), 1 - p
    return {
        "drop": 100 * (np.maximum(0, p - o) / p),
        "increase": np.where(o > p, 100.0, 0.0),
        "gain": 100 * (rise / np.where(room > 0, room, 1)),  # no room, no rise: 0
        "gain_over_p": 100 * (rise / p),
    }


def _check(p: np.ndarray, o: np.ndarray) -> None:
    if p.shape != o.shape:
        raise CluscamError(f"there are probabilities {p.shape} and masked ones {o.shape}; expected one for each")
    for name, values in (("p", p), ("o", o)):
        if np.isnan(values).any():
            raise CluscamError(f"{name} contains NaN; expected probabilities from 0 to 1: check the network's output")
        if ((values < 0) | (values > 1)).any():
            raise CluscamError(
                f"{name} reaches from {values.min():g} to {values.max():g}; expected probabilities from 0 to 1 "
                "(a softmax), not logits or percentages"
            )
    if (p < SMALLEST).any():
        raise CluscamError(
            "p is 0 somewhere, where the drop is undefined; explain a class that the network gives some probability"
        )
