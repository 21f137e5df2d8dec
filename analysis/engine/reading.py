"""A results folder, looked at and not changed: its rows, and how far it is."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.engine.cell import Cell
from analysis.engine.configuration import check_configuration
from analysis.engine.contract import Study, check_keys, checked_cells
from analysis.engine.locks import FILE, Locks
from analysis.engine.store import Damaged, Store
from cluscam_lite.errors import CluscamError


def read(study: Study, folder: str | os.PathLike, allow_partial: bool = False) -> pd.DataFrame:
    """All rows of a study in canonical order, whatever the order in which its cells were made.

    Every file is checked against the manifest. With `allow_partial`, missing and damaged cells are left out. Raises
    CluscamError for a folder that is incomplete, damaged, or another study's or version's.
    """
    store = Store(Path(folder))
    cells = _configured(study, store)
    manifest = store.manifest()
    again = "run the study again, which keeps what is whole"
    if manifest is None and not allow_partial:
        done = store.survey(cells).done
        raise CluscamError(f"the results in {folder} are not complete: {done} of {len(cells)} cells are done; {again}")
    hashes = manifest["sha256"] if manifest else {}
    tables = []
    for cell in cells:
        try:
            tables.append(store.load(cell, hashes.get(cell.hash)).table)
        except (FileNotFoundError, Damaged) as problem:
            if not allow_partial:
                what = problem if isinstance(problem, Damaged) else "it is missing"
                raise CluscamError(f"the file {store.path(cell)} is not the study's: {what}; {again}") from problem
    if not tables:
        raise CluscamError(f"no cell in {folder} is done yet; {again}")
    return combine(study, tables)


def combine(study: Study, tables: Sequence[pa.Table]) -> pd.DataFrame:
    """The tables of cells, one below the other. Raises CluscamError for a doubled row or types that do not fit."""
    try:
        rows = pa.concat_tables(tables, promote_options="permissive")
        # a column in one piece is filtered several times faster; in this thread alone, as in `store`
        rows = rows.combine_chunks().to_pandas(use_threads=False)
    except pa.ArrowException as error:
        raise CluscamError(f"the cells of the study {study.name} have columns of different types: {error}") from error
    check_keys(study, rows)
    return rows


@dataclass(frozen=True)
class Status:
    """Numbers of cells: all, done, damaged (to be made again), being made by other processes; `complete`: manifest.

    `skipped`: images that could not be used, which have no rows in some cell, and why.
    """

    study: str
    cells: int
    done: int
    damaged: int = 0
    at_work: int = 0
    complete: bool = False
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        n = len(self.skipped)
        without = f", {n} image{'s' * (n > 1)} skipped" if n else ""
        if self.complete:
            return f"{self.study}: complete, all {self.cells} cells are done{without} and the manifest is written"
        text = f"{self.study}: {self.done} of {self.cells} cells are done{without}"
        if self.damaged:
            text += f", {self.damaged} damaged (to be made again)"
        if self.at_work:
            text += f", {self.at_work} being made by other processes"
        return f"{text}; the manifest is written when all are"


def status(study: Study, profile: Mapping[str, Any], folder: str | os.PathLike) -> Status:
    """How far the folder is with the cells of a profile; nothing is written.

    Raises CluscamError for a folder of another configuration.
    """
    cells, store = checked_cells(study, profile), Store(Path(folder))
    check_configuration(store, cells)
    found = store.survey(cells)
    held = _held(store.folder, len(cells))
    return Status(study.name, len(cells), found.done, len(found.damaged), held, found.complete, merged(found.skipped))


def merged(skipped: Iterable[tuple[Cell, Mapping[str, str]]]) -> dict[str, str]:
    """Image -> why it could not be used, each once, of what a survey says of the cells."""
    return {image: reason for _, found in skipped for image, reason in found.items()}


def _configured(study: Study, store: Store) -> list[Cell]:
    """The cells of the folder. Raises CluscamError if they are not this study's."""
    try:
        cells = store.configuration()
    except Damaged as damage:
        raise CluscamError(f"the results in {store.folder} cannot be read: {damage}") from damage
    if not cells:
        raise CluscamError(
            f"the folder {store.folder} holds no results; run `cluscam study {study.name}` into it first"
        )
    found = cells[0]
    if (found.study, found.version) != (study.name, study.version):
        raise CluscamError(
            f"the folder {store.folder} holds the study {found.study}, version {found.version}, but version "
            f"{study.version} of {study.name} was asked for; choose another folder or run the study again"
        )
    return cells


def _held(folder: Path, cells: int) -> int:
    """How many cells other processes hold; 0 if that cannot be asked, as in a folder that may only be read."""
    if not os.access(folder / FILE, os.R_OK | os.W_OK):
        return 0
    held = 0
    with Locks(folder) as locks:
        for i in range(cells):
            if locks.claim(i):
                locks.release(i)
            else:
                held += 1
    return held
