"""What a run says of itself: a line for each cell, and on a terminal a bar over all images with the time left."""

import time
from collections.abc import Sequence

from tqdm import tqdm

from analysis.engine.cell import Cell

EVERY = 60.0  # seconds, within a cell, after which a run that has no bar says how far it is


class Progress:
    """The progress over `total` cells of which `pending` are to make; `quiet`: neither lines for cells nor a bar."""

    def __init__(self, total: int, pending: Sequence[Cell], quiet: bool = False) -> None:
        self.total, self.quiet = total, quiet
        self._done = total - len(pending)
        self._images = sum(len(cell.images) for cell in pending)
        self._passed = 0  # images of the cells done since the start, here or by other processes
        self._partial: dict[str, int] = {}  # images done of each cell in work, by its hash
        self._start = self._said = time.monotonic()
        off = quiet or not pending or None  # None: unless standard error is a terminal
        self._bar = tqdm(total=self._images, unit="image", leave=False, dynamic_ncols=True, disable=off)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    def begin(self, cell: Cell) -> None:
        """A cell is begun: the bar names it."""
        self._partial[cell.hash] = 0
        self._bar.set_description_str(f"[{self._done + 1}/{self.total}] {cell.title}")

    def __call__(self, cell: Cell, images: int) -> None:
        """So many images of a cell are done. Of a cell that is not in work, a late word is not heard."""
        if cell.hash in self._partial:
            self._partial[cell.hash] = images
            self._draw()
            if self._bar.disable and not self.quiet and time.monotonic() - self._said >= EVERY:
                self.say(f"[{self._done + 1}/{self.total}] {cell.title}: {images} of {len(cell.images)} images so far")

    def _draw(self) -> None:
        self._bar.update(self._passed + sum(self._partial.values()) - self._bar.n)

    def end(self, cell: Cell, what: str) -> None:
        """A cell is done: `what` says how many rows it has and how long it took, or who made it."""
        self._done += 1
        self._passed += len(cell.images)
        self._partial.pop(cell.hash, None)
        self._draw()
        if self.quiet:
            return
        elapsed = time.monotonic() - self._start
        left = elapsed * (self._images - self._passed) / self._passed
        times = f"{duration(elapsed)} so far, {f'about {duration(left)} left' if left else 'none left'}"
        self.say(f"[{self._done}/{self.total}] {cell.title}: {what}; {times}")

    def say(self, text: str) -> None:
        """Print a line, even if quiet."""
        self._said = time.monotonic()
        with tqdm.external_write_mode():  # above the bar, if there is one
            print(text, flush=True)


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
