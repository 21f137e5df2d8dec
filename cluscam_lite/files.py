"""Files: written whole or not at all, and known by their hash."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CluscamError

PathLike = str | os.PathLike[str]
"""A path, as text or as an object such as `pathlib.Path`."""


@contextmanager
def atomic_path(path: PathLike, within: PathLike | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any failure nothing is left.

    The temporary name keeps the suffix, so that writers which choose a format by it still work. `within` is another
    folder for it, on the same file system: what a killed process leaves there can be told from everything else.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=within or path.parent)
    except OSError as error:
        raise CluscamError(
            f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def output_folder(path: PathLike) -> Path:
    """Make the folder `path` (and its parents) and return it. Raises CluscamError if it cannot be written."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise CluscamError(
            f"cannot write to the output folder {path}: {error.strerror}; choose another folder"
        ) from error
    return path


def sha256(path: PathLike) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
