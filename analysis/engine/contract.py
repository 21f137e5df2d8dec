"""What a study promises to the engine, and the checks that it keeps its word."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import pandas as pd

from analysis.engine.cell import COLUMNS, Cell
from cluscam_lite.dataroot import VARIABLE
from cluscam_lite.errors import CluscamError


class Study(Protocol):
    """A study: which cells a profile asks for, and the rows of one cell.

    While `cells` and `run` work, the environment names the profile's data root: a study need not pass it on.
    """

    name: str
    version: int
    """Raised by hand when the code comes to give other rows: rows of another version are never mixed."""
    columns: Mapping[str, str]
    """The columns of its rows beside the engine's, and their types: see `columns`."""
    keys: tuple[str, ...]
    """The columns which, beside the engine's, tell one row from all others: ("image_id",), ("image_id", "r"), ..."""

    def cells(self, profile: Mapping[str, Any]) -> list[Cell]:
        """All cells of the study, in the canonical order of its rows. Networks may be loaded for it, but not run."""

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of a cell: at least one per image, in the column `image_id`; the same for the same cell.

        For an image whose content cannot be used it raises BrokenImage, and is asked again without it. A study may have
        a method `usable(cell, image_id)`, which says whether a skipped image can be used by now.

        The engine adds `COLUMNS`. Times go into columns whose names start with "seconds", which are not compared.
        `progress(n)` says that n images of the cell are done; calling it is optional.
        """


def columns(**names: str) -> dict[str, str]:
    """A study's columns by type: `columns(str="image_id reason", float32="drop")` gives name -> type."""
    return {name: kind for kind, given in names.items() for name in given.split()}


def empty_rows(study: Study) -> pd.DataFrame:
    """The rows of a study that has not run: none, with the engine's columns and the study's."""
    kinds = {**dict.fromkeys(COLUMNS, "str"), "seed": "int64", **study.columns}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def checked_cells(study: Study, profile: Mapping[str, Any]) -> list[Cell]:
    """The study's cells for a profile. Raises CluscamError if there are none, or they are doubled or another's."""
    with named_data_root(profile):
        cells = list(study.cells(profile))
    if not cells:
        raise CluscamError(f"the study {study.name} has no cell with this profile; give it a model and an image")
    for cell in cells:
        if (cell.study, cell.version) != (study.name, study.version):
            raise CluscamError(
                f"a cell of the study {study.name}, version {study.version}, says that it is of {cell.study}, "
                f"version {cell.version}; make cells with the study's own name and version"
            )
    if len({cell.hash for cell in cells}) < len(cells):
        raise CluscamError(f"the study {study.name} has the same cell twice; list each model and image once")
    return cells


@contextmanager
def named_data_root(profile: Mapping[str, Any]) -> Iterator[None]:
    """The profile's `data_root`, if it has one, is what `CLUSCAM_DATA` names within."""
    named, before = profile.get("data_root"), os.environ.get(VARIABLE)
    if not named:
        yield
        return
    os.environ[VARIABLE] = str(named)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def checked_rows(study: Study, cell: Cell, rows: pd.DataFrame) -> pd.DataFrame:
    """The study's rows with the engine's columns in front.

    Raises CluscamError for rows of other images than the cell's, an image without a row, a doubled row, or a
    column that only the engine writes.
    """
    where = f"the study {study.name} ({cell.title})"
    missing = [key for key in {"image_id": None, **dict.fromkeys(study.keys)} if key not in (*rows.columns, *COLUMNS)]
    if missing:
        raise CluscamError(f"{where} gave rows without the column {missing[0]}; add it, or take it out of the keys")
    if taken := [column for column in rows.columns if column in COLUMNS]:
        raise CluscamError(f"{where} gave the column {taken[0]}, which the engine writes; leave it out or rename it")
    given, wanted = set(rows["image_id"]), set(cell.images)
    if given != wanted:
        odd = sorted(map(str, given ^ wanted))
        raise CluscamError(f"{where} gave no row, or one that was not asked for, of the image {odd[0]}")
    whole = rows.reset_index(drop=True).assign(**{column: getattr(cell, column) for column in COLUMNS})
    first = [*COLUMNS, "image_id"]
    whole = whole[first + [column for column in rows.columns if column != "image_id"]]
    check_keys(study, whole)
    return whole


def check_keys(study: Study, rows: pd.DataFrame) -> None:
    """Raise CluscamError if two rows have the same engine's columns and the same `study.keys`."""
    keys = list(dict.fromkeys([*COLUMNS, *study.keys]))
    doubled = rows.duplicated(keys)
    if doubled.any():
        values = rows.loc[doubled.idxmax(), keys]
        found = ", ".join(f"{key} {value}" for key, value in values.items() if value != "")
        raise CluscamError(
            f"the study {study.name} has two rows for {found}; what tells them apart must be a column named in its keys"
        )
