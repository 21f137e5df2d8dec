"""Where the command `cluscam` begins: from here on Ctrl-C is one sentence, also while the rest is imported."""

import io
import signal
import sys
from types import TracebackType


def one_sentence(start: str = "cluscam: interrupted", *, quiet: bool = False) -> None:
    """Have an interrupt that nobody catches, in the imports of a program, print this sentence, not its traceback.

    Python then ends by the signal, as a shell expects. `quiet`: nothing is printed, since another process says it.
    """
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            usual(kind, error, trace)
        elif not quiet:
            print(f"{start}; nothing was begun", file=sys.stderr)

    sys.excepthook = hook


def main() -> int:
    """The command `cluscam`; returns its exit status."""
    one_sentence()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without some letters shows their codes
    from .cli import main as command

    status = command()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # of Python's own end it would print a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return status


if __name__ == "__main__":
    sys.exit(main())
