"""Check what was read from YAML against a schema: which fields, of which type, and a sentence for what is not so."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cluscam_lite.errors import CluscamError, unknown

TYPES = {
    str: "text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    dict: "fields with values",
    list: "a list",
}


def check(value: Any, schema: Any, where: str) -> None:
    """Raise CluscamError, which begins with `where`, unless `value` is what `schema` says.

    A schema is a type (`float` takes whole numbers, too; `str` takes no empty text), a tuple of words, one of which
    `value` must be, a list with the schema of each entry, a dict of fields and their schemas (a name that ends in "?"
    is a field that may be missing), or a function of value and `where` that raises CluscamError itself.
    """
    if isinstance(schema, type):
        _check_type(value, schema, where)
    elif isinstance(schema, tuple):
        if value not in schema:
            raise CluscamError(f"{where}: {value!r} is not one of {', '.join(schema)}")
    elif isinstance(schema, Mapping):
        _check_fields(value, schema, where)
    elif isinstance(schema, Sequence):
        _check_type(value, list, where)
        for i, entry in enumerate(value):
            check(entry, schema[0], f"{where}, entry {i + 1}")
    elif isinstance(schema, Callable):
        schema(value, where)


def _check_type(value: Any, kind: type, where: str) -> None:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):  # True is an int to Python
        raise CluscamError(f"{where}: {value!r} is not {TYPES[kind]}")
    if not isinstance(value, (int, float)) and not value:
        raise CluscamError(f"{where} is empty")


def _check_fields(value: Any, schema: Mapping[str, Any], where: str) -> None:
    _check_type(value, dict, where)
    fields = {name.removesuffix("?"): inner for name, inner in schema.items()}
    for name in value:
        if name not in fields:
            raise CluscamError(f"{where}: {unknown('field', name, fields)}")
    for name in schema:
        if not name.endswith("?") and name not in value:
            raise CluscamError(f"{where} has no field {name!r}")
    for name, inner in value.items():
        check(inner, fields[name], f"{where}, {name}")
