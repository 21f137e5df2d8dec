"""A results folder: one Parquet file per cell, the configuration they belong to, and the manifest, written last.

<folder>/configuration.json     all cells, in canonical order
<folder>/cells/<name>.parquet   the rows of a cell; the cell, its hash and its origin are in the file's metadata
<folder>/manifest.json          hashes of all files; it is there only when every cell is
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.engine.cell import Cell
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import atomic_path, read_regular

METADATA = b"cluscam"
ROWS = "rows sha256"  # in the metadata
SKIPPED = "skipped"  # in the metadata: images without rows, and why


class Damaged(Exception):
    """The file of a cell is not whole, or not that cell's. The message says why, in a few words."""


@dataclass(frozen=True)
class Stored:
    """The file of a cell, read: its rows, what its metadata say of its origin, and its SHA-256."""

    table: pa.Table
    record: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True)
class Survey:
    """How many of a folder's cells are done; which are damaged, and why; `complete`: all, and with a manifest.

    `skipped`: the images that could not be used, by cell, and why.
    """

    done: int
    damaged: list[tuple[Cell, str]]
    complete: bool
    skipped: list[tuple[Cell, Mapping[str, str]]]


class Store:
    """The files of a results folder. The folder `cells` is made by `configure`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cells = folder / "cells"
        self._configuration = folder / "configuration.json"
        self._manifest = folder / "manifest.json"

    def path(self, cell: Cell) -> Path:
        """The file of a cell."""
        return self.cells / f"{cell.name}.parquet"

    def write(self, cell: Cell, table: pa.Table, record: Mapping[str, Any]) -> None:
        """Write the rows of a cell, whole or not at all, with `record` and the cell in the metadata."""
        about = {**record, "hash": cell.hash, ROWS: rows_hash(table), "cell": cell.to_dict()}
        table = table.replace_schema_metadata({METADATA: json.dumps(about).encode()})
        with atomic_path(self.path(cell)) as temporary:
            pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)

    def load(self, cell: Cell, sha256: str | None = None) -> Stored:
        """Read the file of a cell; check its pages, its rows, and its SHA-256 if one is given.

        Rows are checked against the hash that was written with them; files from before there was one, against their
        images alone. Raises FileNotFoundError if there is none, Damaged if it is not whole or not this cell's.
        """
        try:
            content = read_regular(self.path(cell))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Damaged("it cannot be read as a file") from error
        found = hashlib.sha256(content).hexdigest()
        table, record = _parse(content)
        if record["hash"] != cell.hash:
            raise Damaged("it holds another cell's rows")
        if sha256 not in (None, found):
            raise Damaged("it differs from the manifest")
        if sha256 is None and not _as_written(table, record, cell):
            raise Damaged("its rows are not those that were written")
        return Stored(table, record, found)

    def record(self, cell: Cell) -> Mapping[str, Any] | None:
        """What made a cell, without its rows, which are not checked; None if it is not done. Raises Damaged."""
        try:
            content = pa.BufferReader(read_regular(self.path(cell)))
            return json.loads(pq.read_schema(content).metadata[METADATA])
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise Damaged("its metadata cannot be read") from error

    def whole(self, cell: Cell) -> bool:
        """Whether the cell is done."""
        try:
            self.load(cell)
        except (FileNotFoundError, Damaged):
            return False
        return True

    def survey(self, cells: Sequence[Cell]) -> Survey:
        """How far the folder is. Every file is read, and compared with the manifest if there is one."""
        manifest = self.manifest()
        hashes = manifest["sha256"] if manifest else {}
        done, damaged, skipped = 0, [], []
        for cell in cells:
            try:
                found = self.load(cell, hashes.get(cell.hash))
                done += 1
                if SKIPPED in found.record:
                    skipped.append((cell, found.record[SKIPPED]))
            except FileNotFoundError:
                continue
            except Damaged as damage:
                damaged.append((cell, str(damage)))
        return Survey(done, damaged, manifest is not None and done == len(cells), skipped)

    def clear(self, cells: Sequence[Cell], usable: Callable[[Cell, str], bool]) -> list[tuple[Cell, str]]:
        """Remove the files of cells that are to be made again; those cells, and why. Their manifest goes, too.

        They are damaged, or they were made without an image that is `usable(cell, image)` by now.
        """
        found = self.survey(cells)
        again = [(cell, f"the file of {cell.title} is damaged ({why})") for cell, why in found.damaged]
        for cell, skipped in found.skipped:
            if mended := [image for image in skipped if usable(cell, image)]:
                again.append((cell, f"{mended[0]} can be used by now, without which {cell.title} were made"))
        if again or not found.complete:
            self.remove_manifest()
        for cell, _ in again:
            _remove(self.path(cell))
        return again

    def strays(self, cells: Iterable[Cell]) -> list[Path]:
        """Parquet files beside the cells' own that belong to none of them."""
        own = {self.path(cell) for cell in cells}
        return sorted(p for p in self.cells.glob("*.parquet") if p not in own and not p.name.startswith("."))

    def configuration(self) -> list[Cell] | None:
        """All cells of the folder, None if it has no configuration. Raises Damaged if that cannot be read."""
        try:
            found = json.loads(read_regular(self._configuration))
            return [Cell.from_dict(cell) for cell in found["cells"]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged("its configuration.json cannot be read") from error

    def configure(self, cells: Sequence[Cell]) -> None:
        """Make this the folder of these cells: remove the manifest, files of other cells and half-written ones."""
        self.cells.mkdir(exist_ok=True)
        self.remove_manifest()
        for path in [*self.strays(cells), *self.cells.glob(".*.parquet")]:
            _remove(path)
        self._write_json(self._configuration, {"cells": [cell.to_dict() for cell in cells]})

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, None if there is none. Raises CluscamError if it cannot be read."""
        try:
            found = json.loads(read_regular(self._manifest))
            return found | {"sha256": {cell["hash"]: cell["sha256"] for cell in found["cells"]}}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CluscamError(
                f"the file {self._manifest} is no manifest of a study; choose another folder, or delete it and run "
                "the study again"
            ) from error

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Write the manifest. The caller has checked that every cell is done."""
        self._write_json(self._manifest, content)

    def remove_manifest(self) -> None:
        """Remove the manifest, because a cell is to be made again."""
        self._manifest.unlink(missing_ok=True)

    def _write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _remove(path: Path) -> None:
    """Remove what stands in the place of a cell, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def stray_cell(path: Path) -> Cell | None:
    """The cell that a file of another configuration says it holds, None if it does not say."""
    try:
        return Cell.from_dict(_parse(read_regular(path))[1]["cell"])
    except (OSError, Damaged, CluscamError, KeyError, TypeError):
        return None


def rows_hash(table: pa.Table) -> str:
    """SHA-256 of a table's names and values, which does not depend on how a file holds them; hexadecimal."""
    digest = hashlib.sha256(f"{table.num_rows} {table.column_names}".encode())
    for column in table.columns:
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False))
            values = column.to_numpy(zero_copy_only=False)
            digest.update(f"{values.dtype}".encode() + missing.tobytes() + np.ascontiguousarray(values).tobytes())
        else:
            digest.update(json.dumps(column.to_pylist(), default=str).encode())
    return digest.hexdigest()


def _as_written(table: pa.Table, record: Mapping[str, Any], cell: Cell) -> bool:
    """Whether the rows are those that a cell was written with."""
    if ROWS in record:
        return record[ROWS] == rows_hash(table)
    return "image_id" not in table.column_names or set(table["image_id"].to_pylist()) == set(cell.images)


def _parse(content: bytes) -> tuple[pa.Table, dict[str, Any]]:
    """Table and metadata of a file's bytes. Raises Damaged if they are not a whole cell."""
    if len(content) < 12 or not content.startswith(b"PAR1") or not content.endswith(b"PAR1"):
        raise Damaged("it is cut off")
    try:
        # in this thread alone: a thread of Arrow's that still holds `content` when Python ends aborts the process
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
        record = json.loads(table.schema.metadata[METADATA])
        return table.replace_schema_metadata(None), {"hash": None, **record}
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged("its content is corrupt") from error
