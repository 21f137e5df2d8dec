"""Errors that a user can act on: one sentence saying what is wrong, what was expected, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class CluscamError(ValueError):
    """Something the user can put right. The message is one clear sentence; the command line prints it alone."""


class UnknownName(CluscamError):
    """A model, layer, data set, method or parameter that does not exist."""


class ClusCAMWarning(UserWarning):
    """The result is defined but not what was literally asked for (fewer clusters, uniform weights, a flat map)."""


def unknown(kind: str, name: object, known: Iterable[str], hint: str = "") -> UnknownName:
    """An :class:`UnknownName` naming the nearest of the `known` names (or all of them, when they are few)."""
    known = list(known)
    near = get_close_matches(str(name), known, n=4, cutoff=0.5)
    near += [k for k in known if str(name) and str(name) in k and k not in near][: 4 - len(near)]
    if near:
        advice = f"nearest: {', '.join(near)}"
    elif known:
        advice = f"known: {', '.join(known[:24])}{', ...' if len(known) > 24 else ''}"
    else:
        advice = "none is known"
    return UnknownName(f"unknown {kind} {str(name)!r}; {advice}{'; ' + hint if hint else ''}")
