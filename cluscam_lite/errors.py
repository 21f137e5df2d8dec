"""Errors that a user can act on: one sentence saying what is wrong, what was expected, what to do."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from numbers import Integral, Real
from typing import TypeGuard


class CluscamError(ValueError):
    """Something the user can put right. The message is one clear sentence; the command line prints it alone."""


class UnknownName(CluscamError):
    """A model, layer, data set, method or parameter that does not exist."""


class NotApplicable(CluscamError):
    """A method that cannot explain this network, layer or image, and why: studies record it and go on."""


class BrokenImage(CluscamError):
    """An image whose content cannot be used: studies skip it, name it and go on. `image_id`: its name, once known."""

    image_id = ""

    def __str__(self) -> str:
        text = super().__str__()
        return text if self.image_id in text else f"the image {self.image_id}: {text}"


class ClusCAMWarning(UserWarning):
    """The result is defined, but not what was literally asked for, such as fewer clusters; or it is to be doubted."""


@contextmanager
def naming(image_id: str) -> Iterator[None]:
    """Within, a `BrokenImage` that has no name yet gets this one."""
    try:
        yield
    except BrokenImage as error:
        error.image_id = error.image_id or image_id
        raise


def unknown(kind: str, name: object, known: Iterable[str], hint: str = "") -> UnknownName:
    """An :class:`UnknownName` naming the nearest of the `known` names (or all of them, when they are few)."""
    known = list(known)
    near = nearest(str(name), known)
    if near:
        advice = f"nearest: {', '.join(near)}"
    elif known:
        advice = f"known: {', '.join(known[:24])}{', ...' if len(known) > 24 else ''}"
    else:
        advice = "none is known"
    return UnknownName(f"unknown {kind} {str(name)!r}; {advice}{'; ' + hint if hint else ''}")


def check_known(kind: str, name: object, known: Collection[str], hint: str = "") -> None:
    """Raise the :class:`UnknownName` of `unknown` unless `name` is one of the `known`."""
    if name not in known:
        raise unknown(kind, name, known, hint)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a setting is a whole number, of Python or NumPy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a setting is a real number, of Python or NumPy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def printable(text: str) -> str:
    """A text for a terminal: one line, with what would move its cursor, or is no text at all, written out as a code."""
    return "".join(c if c.isprintable() else " " if c.isspace() else ascii(c)[1:-1] for c in text)


def reason_of(error: Exception) -> str:
    """The first line of what another package's error says, or its name if it says nothing."""
    return str(error).strip().split("\n")[0] or type(error).__name__


def nearest(name: str, known: list[str], n: int = 4) -> list[str]:
    """The n of `known` that a misspelt `name` most likely meant: near as a whole, in one of their words, or within."""
    matcher = SequenceMatcher(b=name.lower())

    def closeness(candidate: str) -> float:
        text = candidate.lower()
        words = [word for word in re.split(r"[^a-z0-9]+", text) if len(word) > 2]
        ratios = []
        for part in (text, *words):
            matcher.set_seq1(part)
            ratios.append(matcher.ratio() if matcher.quick_ratio() > 0.5 else 0.0)
        # within a longer name counts, and a near word a little less than the whole
        within = 0.6 if len(name) > 2 and name.lower() in text else 0.0
        return max(ratios[0], 0.95 * max(ratios[1:], default=0.0), within)

    scored = sorted(((closeness(candidate), candidate) for candidate in known), key=lambda pair: -pair[0])
    return [candidate for score, candidate in scored[:n] if score >= 0.55]
