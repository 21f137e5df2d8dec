"""Run a study: make the cells that are missing, one file each, and the manifest when all are there.

A run may be stopped or killed at any moment and started again, and several processes may share a folder. A process
takes a cell under a lock, checks that it is still missing, has it computed, here or by a worker of a Dask cluster, and
moves the whole file into its place.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from analysis.engine.cell import Cell
from analysis.engine.cluster.choice import Cluster
from analysis.engine.configuration import settle
from analysis.engine.contract import Study, checked_cells, named_data_root
from analysis.engine.locks import Locks
from analysis.engine.manifest import make_manifest, origin
from analysis.engine.progress import Progress
from analysis.engine.reading import Status, merged
from analysis.engine.store import Store
from analysis.engine.work import Claim, Desk, make
from cluscam_lite.cli.ending import ended_by_signals
from cluscam_lite.files import output_folder


def run(
    study: Study,
    profile: Mapping[str, Any],
    folder: str | os.PathLike,
    *,
    discard: bool = False,
    quiet: bool = False,
    cluster: Cluster | None = None,
    only: Collection[int] | None = None,
) -> Status:
    """Make the cells of a study that are not yet in `folder`; say what is done; return how far the folder is.

    `discard` removes results of another configuration, keeping the cells that fit. `cluster` names the workers that
    make the cells; None: this process makes them. `only`: the numbers of the cells to make now, counted from 0 in the
    study's order; None: all. An image that cannot be used is skipped, and named with the reason.

    Raises CluscamError for a folder of another configuration or one that cannot be written, what else the study raises,
    and for a cluster that is lost or cannot make the cells (`cluster/spread.py`). Ctrl-C, SIGTERM and SIGHUP raise
    KeyboardInterrupt with a sentence that says what is done.
    """
    cells = checked_cells(study, profile)
    store = Store(output_folder(folder))
    with _stoppable(study.name, store, cells), Locks(store.folder) as locks:
        with locks.mutex():
            settle(store, locks, cells, discard)
            locks.join()
            with named_data_root(profile):
                again = store.clear(cells, getattr(study, "usable", _never))
        chosen = cells if only is None else [cells[i] for i in sorted(only)]
        pending = [cell for cell in chosen if not store.path(cell).exists()]
        with closing(Progress(len(cells), pending, quiet)) as progress:
            for _, reason in again:
                progress.say(f"{reason}; the cell is made again")
            if pending:
                progress.say(f"{study.name}: {len(pending)} of {len(cells)} cells to make, in {store.folder}")
            desk = Desk(cells, store, locks, progress)
            with named_data_root(profile):
                held = _maker(study, profile, cells, desk, progress, cluster).make(pending) if pending else 0
        with locks.mutex():
            reached = store.survey(cells)
            complete = reached.complete
            if reached.done == len(cells) and not complete:
                store.write_manifest(make_manifest(study, cells, store, profile))
                complete = True
    skipped = merged(reached.skipped)
    for image, reason in skipped.items():
        progress.say(f"skipped {image}: {reason}")
    found = Status(study.name, len(cells), reached.done, at_work=held, complete=complete, skipped=skipped)
    progress.say(f"{found}" if pending else f"{found}; nothing was left to make here")
    return found


def _never(_cell: Cell, _image: str) -> bool:
    """Of a study that cannot say whether a skipped image can be used by now."""
    return False


def _maker(
    study: Study, profile: Mapping[str, Any], cells: Sequence[Cell], desk: Desk, progress: Progress, cluster: Any
) -> Any:
    """What makes cells: this process, or the workers of a Dask cluster, which few need installed."""
    if cluster is None:
        return _Here(study, desk, progress)
    from analysis.engine.cluster.spread import Spread

    return Spread(study, profile, cells, desk, progress, cluster)


class _Here:
    """The work of this process alone: one cell after the other."""

    def __init__(self, study: Study, desk: Desk, progress: Progress) -> None:
        self.study, self.desk, self.progress = study, desk, progress
        self._origin: dict[str, Any] | None = None

    def make(self, pending: Sequence[Cell]) -> int:
        """Make what nobody else has taken, until all is done or taken; the number of cells that others have."""
        while pending:
            held = [cell for cell in pending if not self._settle(cell)]
            if len(held) == len(pending):
                break
            pending = held  # again: their holders may have finished them, or died
        return len(pending)

    def _settle(self, cell: Cell) -> bool:
        """Make the cell unless it is done by now; False if another process has it."""
        claim = self.desk.take(cell)
        if claim is not Claim.OURS:
            return claim is Claim.DONE
        try:
            self.progress.begin(cell)
            self._origin = self._origin or origin()  # before the work: a commit made meanwhile did not make these rows
            self.desk.bring(cell, make(self.study, cell, self._origin, partial(self.progress, cell)))
            return True
        finally:
            self.desk.give_up(cell)


@contextmanager
def _stoppable(name: str, store: Store, cells: Sequence[Cell]) -> Iterator[None]:
    """SIGTERM and SIGHUP stop like Ctrl-C; each says what is done and how to go on. No file is left half-written."""
    try:
        with ended_by_signals():
            yield
    except KeyboardInterrupt as stop:
        done = sum(store.path(cell).exists() for cell in cells)
        how = getattr(stop, "how", "interrupted")
        sentence = f"{how}; {done} of {len(cells)} cells of the study {name} are done and kept in {store.folder}, "
        stop.args = (f"{sentence}run the same command again to go on",)
        raise
