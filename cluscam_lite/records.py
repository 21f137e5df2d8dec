"""JSON that a user may have damaged: read whole or refused, and held to the types that are expected."""

import json
import math
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin


def parsed_json(text: str | bytes) -> Any:
    """What a JSON text holds.

    Raises ValueError for anything else, also for what is nested deeper than Python follows, has numbers of thousands
    of digits, or is not UTF-8.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def fits(value: object, hint: Any) -> bool:
    """Whether a value of a record is of an annotated type.

    Known are None, bool, int, float (finite; whole numbers are some), str, unions, tuples and dictionaries of these.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        wanted = inner[:1] * len(value) if inner[1:] == (...,) else inner
        return len(value) == len(wanted) and all(map(fits, value, wanted))
    if origin is dict:
        known, held = inner
        return isinstance(value, Mapping) and all(fits(k, known) and fits(v, held) for k, v in value.items())
    if hint in (None, type(None)):
        return value is None
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is hint
