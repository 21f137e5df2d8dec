"""What a run says of itself: one line for each cell, with what is done and the time left."""

import sys
import time

from analysis.engine.cell import Cell


class Progress:
    """Lines of a run over `cells`, of which `done` were there before. `quiet`: no line for a cell."""

    def __init__(self, total: int, pending: list[Cell], quiet: bool = False) -> None:
        self.total, self.quiet = total, quiet
        self._done = total - len(pending)
        self._images = sum(len(cell.images) for cell in pending)
        self._passed = 0  # images of cells that were made since the start, here or by others
        self._start = time.monotonic()
        self._cell: Cell | None = None
        self._live = not quiet and sys.stdout.isatty()

    def begin(self, cell: Cell) -> None:
        """A cell is begun."""
        self._cell = cell
        self(0)

    def __call__(self, images: int) -> None:
        """So many images of the cell are done: a line that is overwritten, on a terminal only."""
        if self._live and self._cell:
            text = f"[{self._done + 1}/{self.total}] {self._cell.title}: image {images} of {len(self._cell.images)}"
            print(f"\r\x1b[K{text[:100]}", end="", flush=True)

    def end(self, cell: Cell, what: str) -> None:
        """A cell is done: `what` says how many rows it has and how long it took, or who made it."""
        self._done += 1
        self._passed += len(cell.images)
        if self.quiet:
            return
        elapsed = time.monotonic() - self._start
        left = elapsed * (self._images - self._passed) / self._passed
        times = f"{duration(elapsed)} so far, {f'about {duration(left)} left' if left else 'none left'}"
        self.say(f"[{self._done}/{self.total}] {cell.title}: {what}; {times}")

    def say(self, text: str) -> None:
        """A line that is said even if quiet."""
        print(f"\r\x1b[K{text}" if self._live else text, flush=True)


def duration(seconds: float) -> str:
    """Seconds in the unit a reader would choose: "0.4 s", "12 s", "3 min 20 s", "2 h 05 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
