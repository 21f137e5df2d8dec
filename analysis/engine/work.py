"""Making one cell, and taking cells from a folder and bringing them back: what all ways of running a study share."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pyarrow as pa

from analysis.engine.cell import Cell
from analysis.engine.contract import Study, checked_rows
from analysis.engine.locks import Locks
from analysis.engine.manifest import now
from analysis.engine.progress import Progress
from analysis.engine.store import Store


@dataclass(frozen=True)
class Made:
    """The rows of a cell, checked; what they were made with (`manifest.origin`); and how long that took."""

    table: pa.Table
    origin: Mapping[str, Any]
    seconds: float


def make(study: Study, cell: Cell, origin: Mapping[str, Any], progress: Callable[[int], None]) -> Made:
    """The rows of a cell. Raises what the study raises, and CluscamError for rows that break its promise."""
    start = time.monotonic()
    rows = checked_rows(study, cell, study.run(cell, progress))
    return Made(pa.Table.from_pandas(rows, preserve_index=False), origin, time.monotonic() - start)


class Claim(Enum):
    """What came of asking for a cell: it is ours to make, done by now, or another process has it."""

    OURS, DONE, HELD = range(3)


class Desk:
    """The cells of a folder: each is taken, made somewhere, and brought back or given up."""

    def __init__(self, cells: Sequence[Cell], store: Store, locks: Locks, progress: Progress) -> None:
        self.cells, self.store, self.locks, self.progress = cells, store, locks, progress
        self._number = {cell.hash: i for i, cell in enumerate(cells)}

    def take(self, cell: Cell) -> Claim:
        """Ask for a cell. What is OURS is locked until `give_up`."""
        if not self.locks.claim(self._number[cell.hash]):
            return Claim.HELD
        try:
            done = self.store.whole(cell)
        except BaseException:
            self.give_up(cell)
            raise
        if done:
            self.give_up(cell)
            self.progress.end(cell, "made by another process")
            return Claim.DONE
        return Claim.OURS

    def bring(self, cell: Cell, made: Made, where: str = "") -> None:
        """Store the rows of a cell that was taken, and say so; `where` they were made, for the line on the screen."""
        record = {"origin": made.origin, "finished": now(), "seconds": round(made.seconds, 3)}
        self.store.write(cell, made.table, record)
        self.progress.end(cell, f"{made.table.num_rows:,} rows in {made.seconds:.1f} s{where}")

    def give_up(self, cell: Cell) -> None:
        """Unlock a cell."""
        self.locks.release(self._number[cell.hash])
