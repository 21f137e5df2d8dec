"""Files: written whole or not at all, known by their hash, in folders that one process has to itself."""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import CluscamError

try:
    import fcntl
except ImportError:  # Windows: there nothing keeps two runs apart, and what a killed one left stays
    fcntl = None  # type: ignore[assignment]

PathLike = str | os.PathLike[str]
"""A path, as text or as an object such as `pathlib.Path`."""
LOCK = ".lock"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LONGEST = 255  # bytes of a name, on all common file systems
STEM = 120  # bytes of a name that its temporary one keeps: a file system allows 255


def as_path(path: PathLike) -> Path:
    """The path that a user wrote, ``~`` resolved.

    Raises CluscamError for ``~name`` where there is no such user, for what is no path, and for a name too long for one.
    """
    try:
        found = Path(path).expanduser()
        if any(len(os.fsencode(part)) > LONGEST for part in found.parts):
            raise CluscamError(f"{str(path)[:60]}...: a name has at most {LONGEST} bytes; use a shorter name")
        return found
    except TypeError:
        raise CluscamError(f"a path is {path!r}; expected text, or an object such as pathlib.Path") from None
    except RuntimeError:
        raise CluscamError(f"{path}: there is no such user on this machine; write the folder's whole path") from None


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8, so that it can be written into a result."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def atomic_path(path: PathLike, within: PathLike | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any failure nothing is left.

    What a killed process left of the same path is removed. The temporary name keeps the suffix, so that writers which
    choose a format by it still work. `within` is another folder for it, on the same file system: what a killed process
    leaves there can be told from everything else.

    Raises CluscamError where nothing can be written, and for a full disk, also within the block.
    """
    path = Path(path)
    place = path.parent if within is None else Path(within)
    _sweep(place, path)
    temporary = place / f".{_short(path)}.{secrets.token_hex(4)}.part{path.suffix}"
    handle = None
    try:  # the name first: an interrupt may come as soon as the file is there
        try:
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except OSError as error:
            raise CluscamError(
                f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
            ) from error
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it is at work
        try:
            yield temporary
        except OSError as error:
            if _is_full(error, place):
                raise CluscamError(
                    f"cannot write {path}: no space is left there; free some, or choose a folder on another disk"
                ) from error
            raise
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def _is_full(error: OSError, place: Path) -> bool:
    """Whether a disk or a quota that is full is why: NumPy says no more than how little it could write."""
    if error.errno in FULL:
        return True
    with suppress(OSError):
        return error.errno is None and shutil.disk_usage(place).free < 1 << 16
    return False


def _short(path: Path) -> str:
    return os.fsdecode(os.fsencode(path.stem)[:STEM])


def _sweep(place: Path, path: Path) -> None:
    """Remove temporary files of `path` whose process is gone: the system has dropped its lock."""
    name = re.compile(re.escape(f".{_short(path)}.") + "[0-9a-f]{8}" + re.escape(f".part{path.suffix}"))
    if fcntl is None or not place.is_dir():
        return
    with suppress(OSError):  # not ours to remove, or at work
        for left in [entry.path for entry in os.scandir(place) if name.fullmatch(entry.name)]:
            with open(left, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(left)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have a folder to this process; the system drops the lock when a process dies, however it dies.

    Raises CluscamError if another process is at work in the folder.
    """
    path = folder / LOCK
    while True:
        file = path.open("w")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                break
        except BlockingIOError:
            raise CluscamError(
                f"another run is writing into {folder}; wait until it has ended, or choose another folder"
            ) from None
        file.close()  # another process, which removed the file, has ended just now
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def read_regular(path: Path) -> bytes:
    """The bytes of a file. Raises FileNotFoundError, and OSError for a pipe, which may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is no regular file")
    return path.read_bytes()


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
