"""How a command ends other than well: by a signal, or with images that could not be read."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from ..errors import CluscamError

SIGNALS = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class SomeSkipped(CluscamError):
    """The work is done, except for images that could not be read: the command's exit status is 3."""


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end: `how`; `status` is 128 and the signal's number, as shells have it."""

    def __init__(self, number: int) -> None:
        self.how, self.status = f"ended by {signal.Signals(number).name}", 128 + number
        super().__init__(f"{self.how}; what was announced as written is whole, nothing else is left")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP raise Stopped, so that temporary files are removed as they are after Ctrl-C.

    A signal that is ignored stays so (`nohup`), and one that another part handles is left to it.
    """

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        raise Stopped(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
