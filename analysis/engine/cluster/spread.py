"""Handing out the cells of a run to workers, one to each, and bringing their rows back to the folder."""

import queue
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cloudpickle
import pyarrow as pa
from distributed import Future
from distributed.scheduler import KilledWorker

from analysis.engine.cell import Cell
from analysis.engine.cluster.choice import Cluster
from analysis.engine.cluster.code import code_hash, code_title
from analysis.engine.cluster.connect import PATIENCE, connected
from analysis.engine.cluster.worker import digest
from analysis.engine.contract import Study
from analysis.engine.progress import Progress
from analysis.engine.work import Claim, Desk, Made
from cluscam_lite.dataroot import data_root
from cluscam_lite.errors import CluscamError

POLL = 1.0  # seconds between looks at which workers there are


class Spread:
    """The work of a run on a cluster.

    No more cells are out than there are workers: a worker that is lost takes one cell with it, and no cell is
    suspected of what another did. After a failure no cell is sent, and those that are out are still brought back.
    """

    def __init__(
        self,
        study: Study,
        profile: Mapping[str, Any],
        cells: Sequence[Cell],
        desk: Desk,
        progress: Progress,
        cluster: Cluster,
    ) -> None:
        self.desk, self.progress, self.cluster = desk, progress, cluster
        root = data_root()
        self.order = {
            "token": f"cluscam-{uuid.uuid4()}",
            "code": code_hash(),
            "title": code_title(),
            "data_root": root and str(root.absolute()),
            "study": cloudpickle.dumps(study),
            "profile": dict(profile),
            "cells": digest(cells) if cluster.workers is None else None,  # workers of this machine see the same files
        }
        self._out: dict[str, tuple[Cell, Future]] = {}  # by the hash of the cell
        self._landed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._workers: set[str] = set()
        self._failure: Exception | None = None

    def make(self, pending: Sequence[Cell]) -> int:
        """Have made what nobody else has taken, until all is done or taken; the number of cells that others have.

        Raises CluscamError for a scheduler that does not answer or is lost, a worker that cannot take part, and a cell
        that ends its workers; and what the study raises.
        """
        with connected(self.cluster, self.progress.say) as self.client:
            self._ask_all()
            self.client.subscribe_topic(self.order["token"], self._hear)
            try:
                while pending:
                    held = self._round(deque(pending))
                    if len(held) == len(pending):
                        break
                    pending = held  # again: their holders may have finished them, or died
            finally:
                self._call_back()
        return len(pending)

    def _ask_all(self) -> None:
        """Ask each worker that is there now whether it can take part; those that come later are asked by their cell."""
        self._look()
        if not self._workers:
            self.progress.say("the scheduler has no worker yet; the cells wait for the first (Ctrl-C stops)")
        for address, answer in self.client.run(_on_worker("accept"), self.order, on_error="return").items():
            if isinstance(answer, CluscamError):
                raise answer
            if isinstance(answer, OSError):  # it went while it was asked
                continue
            if isinstance(answer, Exception):
                raise CluscamError(f"the worker {address} cannot make cells: {answer}; see its log") from answer
            _check(answer)

    def _round(self, waiting: deque[Cell]) -> list[Cell]:
        """Have each cell made unless it is done by now; those that another process has are returned."""
        held = []
        while waiting or self._out:
            self._look()
            while waiting and self._failure is None and len(self._out) < max(1, len(self._workers)):
                cell = waiting.popleft()
                claim = self.desk.take(cell)
                if claim is Claim.OURS:
                    self._send(cell)
                elif claim is Claim.HELD:
                    held.append(cell)
            self._collect()
            if self._failure is not None and not self._out:
                raise self._failure
        return held

    def _look(self) -> None:
        """See which workers there are, and say which were lost. Raises CluscamError if the scheduler is lost."""
        try:
            found = set(self.client.sync(self.client.scheduler.ncores, callback_timeout=PATIENCE))
        except Exception as error:  # a closed connection has many names
            raise self._lost() from error
        for address in sorted(self._workers - found):
            self.progress.say(f"the worker {address} is gone; what it was making is made again")
        if self._workers and not found:
            self.progress.say("no worker is left; the cells wait for one (Ctrl-C stops)")
        self._workers = found

    def _send(self, cell: Cell) -> None:
        """Hand a cell out."""
        name = f"{self.order['token']}-{cell.name}"
        self.progress.begin(cell)
        future = self.client.submit(_on_worker("make_cell"), self.order, cell.to_dict(), key=name, pure=False)
        self._out[cell.hash] = cell, future
        future.add_done_callback(lambda _, key=cell.hash: self._landed.put(key))

    def _collect(self) -> None:
        """Wait a moment for a cell to come back, and bring it to the folder."""
        if not self._out:
            return
        try:
            cell, future = self._out[self._landed.get(timeout=POLL)]
        except queue.Empty:
            return
        if future.status in ("cancelled", "lost"):
            raise self._lost()
        try:
            self._bring(cell, future.result(timeout=PATIENCE))
        except KilledWorker as error:
            self._fail(
                CluscamError(
                    f"the cell {cell.title} ended each of {error.allowed_failures + 1} workers that made it, the last "
                    f"one {error.last_worker.address}; see their logs (most often: memory), and make it alone, without "
                    "--workers and --scheduler"
                )
            )
        except Exception as error:
            self._fail(error)
        finally:
            del self._out[cell.hash]
            self.desk.give_up(cell)

    def _bring(self, cell: Cell, answer: Mapping[str, Any]) -> None:
        _check(answer)
        table = pa.ipc.open_stream(answer["table"]).read_all()
        self.desk.bring(
            cell, Made(table, answer["origin"], answer["seconds"], answer["skipped"]), f" on {answer['worker']}"
        )

    def _fail(self, error: Exception) -> None:
        """Keep the first failure, and say that the cells that are out are waited for."""
        if self._failure is not None:
            return
        self._failure = error
        if others := len(self._out) - 1:
            self.progress.say(f"a cell failed; {others} that are in work are brought back before the run stops")

    def _call_back(self) -> None:
        """Give up what is out. A worker ends the cell that it is making, and nobody takes the rows."""
        if self._out and self.client.status == "running":
            self.client.cancel([future for _, future in self._out.values()], asynchronous=False)
        for cell, _ in self._out.values():
            self.desk.give_up(cell)
        self._out.clear()

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """A worker says how many images of its cell are done."""
        if known := self._out.get(event[1]["cell"]):
            self.progress(known[0], event[1]["images"])

    def _lost(self) -> CluscamError:
        done = sum(self.desk.store.path(cell).exists() for cell in self.desk.cells)
        return CluscamError(
            f"the scheduler {self.cluster.scheduler or 'of this run'} is lost; {done} of {len(self.desk.cells)} cells "
            f"are done and kept in {self.desk.store.folder}; start it and its workers, and run the same command again"
        )


def _check(answer: Mapping[str, Any]) -> None:
    """Raise CluscamError if a worker refused."""
    if "refused" in answer:
        raise CluscamError(f"the worker {answer['worker']} {answer['refused']}")


def _on_worker(name: str) -> Callable[..., Any]:
    """A function of `analysis.engine.cluster.worker`, to be sent by value: a scheduler need not have the project."""

    def call(*arguments: Any, dask_worker: Any = None) -> Any:  # given where a worker runs it outside a task
        from importlib import import_module

        from distributed import get_worker

        worker = dask_worker or get_worker()
        try:
            module = import_module("analysis.engine.cluster.worker")
        except ImportError as error:
            missing = f"does not have this version of the project ({error}); start it in the project's environment"
            return {"refused": missing, "worker": worker.address}
        return getattr(module, name)(worker, *arguments)

    return call
