"""From the lines of a plan to a study's blocks: names resolved, types and numbers checked.

The keys of a line are the fields of the study's block. `model` is a network, a group of them or a list of both. Where
the block has one `method` (or `source`), the line has `methods`, in the same way, and gives a block for each, on each
network. A number may be given name by name, {cheap: 500, gradcam: 100}: the last entry that a method or network is in
counts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from types import UnionType
from typing import Any, get_args, get_origin

from analysis.studies.plans.file import Line, check_keys, groups_of_networks, names_in, resolved, said_at
from cluscam_lite import get_spec, load_model
from cluscam_lite.errors import CluscamError, unknown

KINDS = {"methods": "method", "sources": "source of masks"}
EXPECTED = {str: "text", bool: "true or false", int: "a whole number", dict: "keys and values", list: "a list"}
FROM_ZERO = ("seed", "seeds")  # other numbers count something, and are at least 1


@dataclass(frozen=True)
class Choice:
    """What a line may choose: the `key` ("methods", "sources" or ""), the names there are, and groups of them."""

    key: str
    known: Collection[str]
    groups: Mapping[str, tuple[str, ...]]

    def names(self, value: Any) -> list[str]:
        """The names that a line's value stands for. Raises UnknownName for one that is neither name nor group."""
        names = names_in(value, self.key)
        for name in names:
            if name not in self.known and name not in self.groups:
                raise unknown(KINDS[self.key], name, self.known)
        return resolved(names, self.groups)


def blocks_of(
    block: type, lines: Iterable[Line], choice: Choice, usual: Mapping[str, Any], finished: Callable[[Any], Any]
) -> Iterator[Any]:
    """The blocks of all lines, in their order.

    `usual` are values that a line may omit; `finished` checks a block further and gives it as it is to run.
    Raises CluscamError or UnknownName, with the line's place, for a line that is not as it must be.
    """
    for line in lines:
        with said_at(line.place):
            yield from [finished(one) for one in _blocks(block, line.values, choice, usual)]


def _blocks(block: type, values: Any, choice: Choice, usual: Mapping[str, Any]) -> Iterator[Any]:
    own = {field.name: field for field in fields(block)}
    single = choice.key[:-1] if choice.key[:-1] in own else ""  # a block for each choice; else one for all
    known = tuple(choice.key if name == single else name for name in own)
    optional = {name for name, field in own.items() if not field.default is field.default_factory is MISSING}
    if not isinstance(values, dict):
        raise CluscamError(f"a block is {values!r}; expected keys and values, such as {known[0]!r}")
    values = {key: value for key, value in usual.items() if key in own} | values
    check_keys(values, known, tuple(name for name in known if name not in optional))
    models = resolved(names_in(values["model"], "model"), groups_of_networks())
    for model in models:
        check_layer(model, values["layer"])
    chosen = choice.names(values[choice.key]) if choice.key else []
    for name in chosen if single else [""]:
        for model in models:
            mine = {"model": model} | ({single: name} if single else {choice.key: tuple(chosen)} if choice.key else {})
            for key in (key for key in values if key in own and key not in mine):
                value = values[key]
                if isinstance(value, dict) and int in (own[key].type, *get_args(own[key].type)):
                    value = number_of(key, value, choice, name, model, models)
                if value is not MISSING:
                    mine[key] = checked(key, value, own[key].type)
                elif key not in optional:
                    raise CluscamError(f"{key!r} says nothing of {name or model}; add it")
            yield block(**mine)


def number_of(
    key: str, numbers: Mapping[str, Any], choice: Choice, name: str, model: str, models: Sequence[str]
) -> Any:
    """The last number of those given name by name that counts for a method on a network; MISSING if none does."""
    found = MISSING
    for about, number in numbers.items():
        if about not in choice.known and about not in choice.groups and about not in models:
            raise unknown(f"name in {key!r}", about, (*choice.known, *choice.groups, *models))
        if about == model or name in choice.groups.get(about, (about,)):
            found = number
    return found


def checked(key: str, value: Any, kind: Any) -> Any:
    """The value as a block's field takes it. Raises CluscamError for one of another type, or a number too small."""
    if get_origin(kind) is UnionType:
        return None if value is None else checked(key, value, get_args(kind)[0])
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise CluscamError(f"{key!r} is {value!r}; expected a list")
        return tuple(checked(key, one, get_args(kind)[0]) for one in value)
    plain = dict if get_origin(kind) is Mapping else kind
    least = f" of at least {int(key not in FROM_ZERO)}" if plain is int else ""
    wrong = not isinstance(value, plain) or (plain is int and isinstance(value, bool))
    if wrong or (plain is int and value < (key not in FROM_ZERO)):
        raise CluscamError(f"{key!r} is {value!r}; expected {EXPECTED[plain]}{least}")
    return value


@lru_cache(maxsize=256)
def check_layer(model: str, layer: Any) -> None:
    """Raise UnknownName for a network or a layer that does not exist."""
    spec = get_spec(model)
    if layer in spec.layers:
        return
    modules = [name for name, _ in load_model(spec, weights="random").module.named_modules() if name]
    if layer not in modules:
        raise unknown("layer", layer, (*spec.layers, *modules), hint=f"of the network {model}")
