"""Making one cell, and taking cells from a folder and bringing them back: what all ways of running a study share."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pyarrow as pa

from analysis.engine.cell import Cell
from analysis.engine.contract import Study, checked_rows, empty_rows
from analysis.engine.locks import Locks
from analysis.engine.manifest import now
from analysis.engine.progress import Progress
from analysis.engine.store import SKIPPED, Store
from cluscam_lite.errors import BrokenImage


@dataclass(frozen=True)
class Made:
    """The rows of a cell, checked; what they were made with (`manifest.origin`); and how long that took.

    `skipped`: images that could not be used, which have no rows, and why.
    """

    table: pa.Table
    origin: Mapping[str, Any]
    seconds: float
    skipped: Mapping[str, str] = field(default_factory=dict)


def make(study: Study, cell: Cell, origin: Mapping[str, Any], progress: Callable[[int], None]) -> Made:
    """The rows of a cell, without those of images that cannot be used (`BrokenImage`).

    Raises what else the study raises, and CluscamError for rows that break its promise.
    """
    start = time.monotonic()
    skipped: dict[str, str] = {}
    rest: Cell | None = cell
    rows = None
    while rest is not None and rows is None:
        try:
            rows = checked_rows(study, rest, study.run(rest, progress))
        except BrokenImage as error:
            skipped |= _broken(study, rest, error)
            rest = cell.without(skipped)
    table = pa.Table.from_pandas(empty_rows(study) if rows is None else rows, preserve_index=False)
    return Made(table, origin, time.monotonic() - start, skipped)


def _broken(study: Study, cell: Cell, error: BrokenImage) -> dict[str, str]:
    """The images of a cell that an error is about, with what it says. Raises the error if it is about none of them."""
    donors = dict(zip(cell.images, cell.settings.get("donors", ()), strict=False))
    found = [image for image in cell.images if error.image_id in (image, donors.get(image))]
    if found:
        return {image: error.args[0] if image == error.image_id else f"its donor: {error}" for image in found}
    reasons = {}
    for image in cell.images:  # it has no name: each is asked by itself
        try:
            study.run(cell.without({*cell.images} - {image}), lambda _: None)
        except BrokenImage as one:
            reasons[image] = one.args[0]
    if not reasons:
        raise error
    return reasons


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
        record |= {SKIPPED: dict(made.skipped)} if made.skipped else {}
        self.store.write(cell, made.table, record)
        self.progress.end(cell, f"{made.table.num_rows:,} rows in {made.seconds:.1f} s{where}")

    def give_up(self, cell: Cell) -> None:
        """Unlock a cell."""
        self.locks.release(self._number[cell.hash])
