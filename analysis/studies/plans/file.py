"""The file of a study's plans, `notebooks/plans/STUDY.yaml`, read section by section.

`methods` (or `sources`) names groups of methods; `own` says what a profile of the user's own gets on each data set,
beside its parameters; every other section is the plan of the profile of that name. `notebooks/plans/README.md`
describes the files for their readers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.paths import ROOT
from analysis.run import parameters
from cluscam_lite.datasets import dataset_names
from cluscam_lite.errors import CluscamError, unknown

FOLDER = parameters.PLANS
GROUPS = "groups"  # the file of the groups of methods that every study may name
NETWORKS = "networks"  # and that of the groups of networks
OWN = "own"
WHERE = ("dataset", "part", "donor_part")


@dataclass(frozen=True)
class Line:
    """One entry of `blocks`, unchecked, and its place in the file ("" for one that is made of a profile)."""

    values: Mapping[str, Any]
    place: str


@dataclass(frozen=True)
class Section:
    """What one profile runs, or what a profile of the user's own gets: the images, and the lines of the plan."""

    dataset: str
    part: str
    donor_part: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class PlanFile:
    """Groups of methods by name, the usual values of an own profile by data set, and plans by profile."""

    groups: Mapping[str, tuple[str, ...]]
    own: Mapping[str, Section]
    plans: Mapping[str, Section]


def read_plans(study: str, choices: str) -> PlanFile:
    """The plans of a study; `choices` is its word for what a line chooses: "methods", "sources", or "" for nothing.

    Raises CluscamError for a file that is missing or says what it must not.
    """
    shared = groups_of_methods() if choices == "methods" else {}
    path = _path(study)
    return _plans(path, path.stat().st_mtime_ns, choices, tuple(shared.items()))


def groups_of_methods() -> dict[str, tuple[str, ...]]:
    """The groups of methods that all studies share: "cheap", "dear", ... -> names of methods."""
    path = _path(GROUPS)
    return {name: tuple(members) for name, members in _mapping(path, path.stat().st_mtime_ns).items()}


def groups_of_networks() -> dict[str, tuple[str, ...]]:
    """The groups of networks that all studies share: name -> names of networks."""
    path = _path(NETWORKS)
    return {name: tuple(members) for name, members in _mapping(path, path.stat().st_mtime_ns).items()}


@contextmanager
def said_at(place: str) -> Iterator[None]:
    """Errors that are raised within also say the place in the file."""
    try:
        yield
    except CluscamError as error:
        if not place:
            raise
        raise type(error)(f"{error} ({place})") from error


def check_keys(given: Mapping[str, Any], known: tuple[str, ...], required: tuple[str, ...] = ()) -> None:
    """Raise UnknownName for a key that is not known, CluscamError for one that is missing."""
    for key in given:
        if key not in known:
            raise unknown("key", key, known)
    for key in required:
        if key not in given:
            raise CluscamError(f"{key!r} is missing; add it")


def names_in(value: Any, key: str) -> list[str]:
    """One name or a list of names, as a list."""
    found = value if isinstance(value, list | tuple) else [value]
    for name in found:
        if not isinstance(name, str):
            raise CluscamError(f"{key!r} is {value!r}; expected a name or a list of names")
    return list(found)


def _path(name: str) -> Path:
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise CluscamError(f"there is no file {_shown(path)}; run this from a clone of the repository")
    return path


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


@lru_cache(maxsize=64)
def _plans(path: Path, _changed: int, choices: str, shared: tuple[tuple[str, tuple[str, ...]], ...]) -> PlanFile:
    found, place = _mapping(path, _changed), _shown(path)
    lines = _line_numbers(path)
    with said_at(place):
        check_keys(
            found, (*filter(None, [choices]), OWN, *sorted(p.stem for p in parameters.PROFILES.glob("*.yaml"))), (OWN,)
        )
        groups = dict(shared)
        for name, members in (found.get(choices) or {}).items():
            groups[name] = tuple(resolved(names_in(members, name), groups))
    own = {}
    for dataset, usual in found[OWN].items():
        with said_at(f"{place}, {OWN}: {dataset}"):
            where = _where({"dataset": dataset, **(usual or {})})
        own[dataset] = Section(**where, lines=(Line({k: v for k, v in usual.items() if k not in WHERE}, place),))
    plans = {}
    for profile in (name for name in found if name not in (choices, OWN)):
        with said_at(f"{place}, {profile}"):
            check_keys(found[profile], (*WHERE, "blocks"), ("dataset", "part", "blocks"))
            where = _where(found[profile])
            numbered = zip(found[profile]["blocks"], lines[profile], strict=True)
            plans[profile] = Section(**where, lines=tuple(Line(b, f"{place}, line {n}") for b, n in numbered))
    return PlanFile(groups, own, plans)


def resolved(names: list[str], groups: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names with each group replaced by its members, each once, in their order."""
    return list(dict.fromkeys(member for name in names for member in groups.get(name, (name,))))


def _where(section: Mapping[str, Any]) -> dict[str, str]:
    """The data set and its parts. Raises CluscamError for a data set that does not exist, or what is not text."""
    found = {key: section.get(key, "") for key in WHERE}
    for key, value in found.items():
        if not isinstance(value, str):
            raise CluscamError(f"{key!r} is {value!r}; expected text")
    if found["dataset"] not in dataset_names():
        raise unknown("data set", found["dataset"], dataset_names())
    return found


@lru_cache(maxsize=64)
def _mapping(path: Path, _changed: int) -> dict[str, Any]:
    """The file as a mapping of mappings or lists, one for each section."""
    place = _shown(path)
    found = parameters.read_yaml(path, place)
    kind = list if path.stem in (GROUPS, NETWORKS) else dict
    if not isinstance(found, dict) or not all(isinstance(key, str) and isinstance(v, kind) for key, v in found.items()):
        raise CluscamError(f"{place} must have named sections, each {'a list' if kind is list else 'with keys'}")
    return found


def _line_numbers(path: Path) -> dict[str, list[int]]:
    """Section -> the line of the file on which each of its blocks begins."""
    import yaml

    sections = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader).value
    return {
        name.value: [block.start_mark.line + 1 for key, blocks in section.value if key.value == "blocks"
                     for block in blocks.value]
        for name, section in sections
    }  # fmt: skip
