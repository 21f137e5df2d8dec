"""How far a results folder is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.engine.configuration import check_configuration
from analysis.engine.contract import Study, checked_cells
from analysis.engine.locks import FILE, Locks
from analysis.engine.store import Damaged, Store


@dataclass(frozen=True)
class Status:
    """Numbers of cells: all, done, damaged (done once, to be made again), in work elsewhere; is the manifest there?"""

    study: str
    cells: int
    done: int
    damaged: int = 0
    at_work: int = 0
    complete: bool = False

    def __str__(self) -> str:
        if self.complete:
            return f"{self.study}: complete, all {self.cells} cells are done and the manifest is written"
        text = f"{self.study}: {self.done} of {self.cells} cells are done"
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
    manifest = store.manifest()
    hashes = manifest["sha256"] if manifest else {}
    done = damaged = 0
    for cell in cells:
        try:
            store.load(cell, hashes.get(cell.hash))
            done += 1
        except FileNotFoundError:
            continue
        except Damaged:
            damaged += 1
    complete = manifest is not None and done == len(cells)
    return Status(study.name, len(cells), done, damaged, _at_work(store.folder, len(cells)), complete)


def _at_work(folder: Path, cells: int) -> int:
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
