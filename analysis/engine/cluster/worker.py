"""What runs on a worker: it is asked whether it can take part, and makes cells. Answers are plain data."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cloudpickle
import pyarrow as pa
from distributed import Worker

from analysis.engine.cell import Cell
from analysis.engine.cluster.code import code_hash, code_title
from analysis.engine.contract import Study, checked_cells, named_data_root
from analysis.engine.manifest import origin
from analysis.engine.work import make
from analysis.run.allocator import keep_memory
from cluscam_lite.dataroot import VARIABLE

_known: dict[str, "_Run"] = {}  # the run that this process works for, by its token


@dataclass(frozen=True)
class _Run:
    """The study of a run, kept between cells with what it has loaded, and the data root as it is named here."""

    study: Study
    root: dict[str, str]


class _Refused(Exception):
    """Why this worker cannot take part: what follows "the worker ADDRESS"."""


def accept(worker: Worker, order: Mapping[str, Any]) -> dict[str, Any]:
    """Whether this worker can make the cells of a run: {}, or {"refused": why}."""
    try:
        _accepted(worker, order)
    except _Refused as reason:
        return {"refused": str(reason), "worker": worker.address}
    return {}


def make_cell(worker: Worker, order: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a cell as Arrow's bytes, with their origin and time, or {"refused": why}.

    Raises what the study raises. After each image the client hears how many are done, on the run's topic.
    """
    try:
        run = _accepted(worker, order)
    except _Refused as reason:
        return {"refused": str(reason), "worker": worker.address}
    cell = Cell.from_dict(about)

    def progress(images: int) -> None:
        worker.log_event(order["token"], {"cell": cell.hash, "images": images})

    with named_data_root(run.root):
        made = make(run.study, cell, _origin(), progress)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, made.table.schema) as stream:
        stream.write_table(made.table)
    return {
        "table": sink.getvalue().to_pybytes(),
        "origin": made.origin,
        "seconds": made.seconds,
        "skipped": dict(made.skipped),
        "worker": str(worker.name),
    }


def digest(cells: Sequence[Cell]) -> str:
    """One hash for all cells of a study, in their order."""
    return hashlib.sha256("".join(cell.hash for cell in cells).encode()).hexdigest()


@cache
def _origin() -> dict[str, Any]:
    return origin()


def _accepted(worker: Worker, order: Mapping[str, Any]) -> _Run:
    """The run of an order, checked once in each process. Raises _Refused."""
    token = order["token"]
    if token not in _known:
        keep_memory()
        if order["code"] != code_hash():
            raise _Refused(
                f"runs another version of the project ({code_title()}) than this process ({order['title']}); "
                "give it the same checkout and start it again"
            )
        if (threads := worker.state.nthreads) != 1:
            raise _Refused(
                f"makes {threads} cells at once, which share one network; start it with --nthreads 1, and with "
                "--nworkers for more"
            )
        root = _root(order["data_root"])
        try:
            study = cloudpickle.loads(order["study"])
        except ImportError as error:
            raise _Refused(
                f"cannot load the study ({error}); start it with the environment and the PYTHONPATH of this process"
            ) from error
        with named_data_root(root):
            if order["cells"] not in (None, digest(checked_cells(study, order["profile"] | root))):
                raise _Refused(
                    "finds other images, weights or plans, so it would make other rows; give it the data root and the "
                    "checkout that this process has"
                )
        _known.clear()
        _known[token] = _Run(study, root)
    return _known[token]


def _root(path: str | None) -> dict[str, str]:
    """The data root as this machine names it: the client's path if it is here too, else this process's own."""
    if path is None:
        return {}
    for place in (path, os.environ.get(VARIABLE)):
        if place and Path(place).is_dir():
            return {"data_root": place}
    raise _Refused(
        f"does not see the data root {path}; mount it there, or start the worker with {VARIABLE} set to its own copy"
    )
