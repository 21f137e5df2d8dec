"""Locks between the processes that share a results folder. The system drops them when a process dies, however it dies.

They are locks on single bytes of one empty file: byte 0 guards the folder's configuration and manifest, every process
at work shares byte 1, and whoever makes cell i holds byte 2 + i. (The package filelock has no shared lock, and would
need a file for each cell.)
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluscam_lite.errors import CluscamError

try:
    import fcntl
except ImportError:  # Windows: results can be read there, but not made
    fcntl = None

FILE = ".lock"
MUTEX, PRESENCE, FIRST_CELL = 0, 1, 2
PATIENCE = 0.05  # seconds before a second try: `--status` holds each cell for a moment, too


class Locks:
    """The locks of one results folder, for use in a `with` statement.

    Raises CluscamError on a system or a file system without file locks, and if this process has them open already:
    the locks belong to the process, so two runs in one process would not exclude each other.
    """

    _open: set[tuple[int, int]] = set()  # device and inode

    def __init__(self, folder: Path) -> None:
        if fcntl is None:
            raise CluscamError("a study needs the file locks of Linux or macOS; on Windows, run it in WSL")
        self.folder = folder

    def __enter__(self) -> "Locks":
        path = self.folder / FILE
        path.touch()
        self._id = path.stat().st_dev, path.stat().st_ino
        # before the file is opened: closing any handle of it drops all locks of the process
        if self._id in self._open:
            raise CluscamError(f"this process is at work in {self.folder} already; wait until that run has ended")
        self._file = path.open("r+b")
        self._open.add(self._id)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.discard(self._id)
        self._file.close()

    @contextmanager
    def mutex(self) -> Iterator[None]:
        """Wait for the lock on the folder's configuration and manifest, and hold it: for moments only."""
        self._lock(fcntl.LOCK_EX, MUTEX)
        try:
            yield
        finally:
            self._lock(fcntl.LOCK_UN, MUTEX)

    def join(self) -> None:
        """Be at work in the folder, until the end."""
        self._lock(fcntl.LOCK_SH, PRESENCE)

    def alone(self) -> bool:
        """Whether no other process is at work in the folder; if so, none can join until the end."""
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, PRESENCE)

    def claim(self, i: int) -> bool:
        """Take cell i; False if another process has it."""
        if self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, FIRST_CELL + i):
            return True
        time.sleep(PATIENCE)
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, FIRST_CELL + i)

    def release(self, i: int) -> None:
        """Give cell i back."""
        self._lock(fcntl.LOCK_UN, FIRST_CELL + i)

    def _lock(self, operation: int, byte: int) -> bool:
        try:
            fcntl.lockf(self._file, operation, 1, byte)
        except (BlockingIOError, PermissionError):  # held by another process; which error it is depends on the system
            return False
        except OSError as error:
            raise CluscamError(
                f"file locks do not work in {self.folder} ({error.strerror}); choose a folder on a local disk"
            ) from error
        return True
