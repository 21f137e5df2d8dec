"""The output folder of a run over many images: a record of its settings, a lock, and a place for half-written files."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CluscamError
from ..files import LOCK, alone_in, atomic_path
from ..records import parsed_json

RECORD, PARTIAL = "run.json", ".partial"


@contextmanager
def at_work_in(out: Path) -> Iterator[Path]:
    """Have the folder to this process and yield the place for half-written files, which is empty.

    What a killed process left half-written is removed. Raises CluscamError if another process is at work in the folder.
    """
    with alone_in(out):
        partial = out / PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def check_out(out: Path, folder: Path) -> None:
    """Refuse an output folder within the images, or one with other files and no record of a run."""
    if out.resolve().is_relative_to(folder.resolve()):
        raise CluscamError(f"the output folder {out} lies in the folder of the images, {folder}; choose another folder")
    if not out.is_dir() or (out / RECORD).is_file():
        return
    if any(path.name not in (LOCK, PARTIAL) for path in out.iterdir()):
        raise CluscamError(f"the folder {out} has files, but no record of a run ({RECORD}); choose an empty folder")


def agree(out: Path, record: Mapping[str, Any], partial: Path) -> None:
    """Leave the record of the settings in the folder, or compare them with the record that is there.

    Raises CluscamError if a setting differs: results of two settings are never mixed.
    """
    path = out / RECORD
    if not path.is_file():
        with atomic_path(path, partial) as temporary:
            temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    try:
        before = parsed_json(path.read_bytes())
    except ValueError:
        raise CluscamError(f"{path} cannot be read as the record of a run; choose another folder") from None
    mine, theirs = dict(_flat(json.loads(json.dumps(record)))), dict(_flat(before))
    for key in {**mine, **theirs}:
        if mine.get(key) != theirs.get(key):
            raise CluscamError(
                f"{out} holds a run with another setting: {key} is {theirs.get(key)!r} there and {mine.get(key)!r} "
                "here; choose another folder, or the same settings"
            )


def _flat(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name -> value, of nested dicts."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _flat(value, f"{name}.{key}" if name else key)
    else:
        yield name, values
