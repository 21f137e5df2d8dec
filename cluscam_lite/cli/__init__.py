"""The command line: ``cluscam explain``, ``compare``, ``tune``, and lists of the models, methods and data sets.

A package adds a command by an entry point of the group `GROUP`: a function that takes argparse's `add_parser`, adds the
command's parser with `run` set, and returns it. It is imported when the command is used, not before.

A user's mistake is one sentence on standard error and exit status 2; Ctrl-C is 130, SIGTERM 143 and SIGHUP 129; 3 says
that all is done but some images of a folder could not be read. Images, names and the output
folder are checked before any network is loaded, and a file appears under its name only when it is whole.
"""

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from itertools import takewhile
from typing import Any, NoReturn

from .. import __version__
from ..errors import CluscamError, printable, reason_of, unknown
from .ending import SomeSkipped, ended_by_signals
from .options import EXAMPLES, add_commands

GROUP = "cluscam.commands"
OF_A_CLONE = ("study", "train", "verdicts", "bench")  # of the evidence: they read its plans, claims and rows
# what to do about what the system refuses
ADVICE = {
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ENOSPC: "free some space, or choose a folder on another disk",
    errno.EDQUOT: "free some space, or choose a folder on another disk",
    errno.EACCES: "change its permissions, or choose another",
    errno.EROFS: "choose a folder that can be written to",
    errno.EMFILE: "close other programs, or raise the limit: ulimit -n 4096",
}
# what PyTorch says where memory does not suffice
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "size calculation overflowed")


class Parser(argparse.ArgumentParser):
    """An argument parser that raises CluscamError, with the nearest name for a misspelt option or command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does; options are checked first, since argparse would rather speak of missing arguments."""
        args = list(sys.argv[1:] if args is None else args)
        known, commands = self._option_string_actions, self._subparsers
        for word in takewhile(lambda word: word != "--", args):
            if commands and not word.startswith("-"):  # the rest is for the command
                break
            if word.startswith("--") and word.partition("=")[0] not in known:
                options = [name for name in known if name.startswith("--")]
                raise unknown("option", word.partition("=")[0], options, f"see {self.prog} --help")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise the message as a CluscamError."""
        raise CluscamError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None, added: Iterable[EntryPoint] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``cluscam``; None: those of this process.
        added: commands of other packages; None: those that are installed.

    Returns:
        The exit status: 0, 2 for a user's mistake, 3 if images were skipped, 130 for Ctrl-C, 128 + n for the signal n.
    """
    try:
        if sys.stdout is None:
            raise CluscamError("the standard output is closed; give the command one, >/dev/null for instance")
        added = entry_points(group=GROUP) if added is None else added
        arguments = _parse(sys.argv[1:] if argv is None else list(argv), added)
        with ended_by_signals(), _failures_of_networks():
            arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    except SomeSkipped as error:
        return _fail(str(error), 3)
    except CluscamError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt as stop:  # a command may say more than this
        sentence = str(stop) or "interrupted; what was announced as written is whole, nothing else is left"
        return _fail(sentence, getattr(stop, "status", 130))
    except BrokenPipeError:  # the reader of a pipe, `head` say, has enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        advice = ADVICE.get(error.errno or 0, "check the file, and the folder that it is in")
        return _fail(f"{error.strerror or error}{where}; {advice}", 2)
    return 0


@contextlib.contextmanager
def _failures_of_networks() -> Iterator[None]:
    """One sentence where the user's network or function calls `sys.exit`, or asks for more memory than there is."""
    try:
        yield
    except SystemExit as done:
        raise CluscamError(
            f"the network or function that was given calls sys.exit({done.code!r}), and nothing more was done; remove "
            "that call"
        ) from done
    except RuntimeError as error:
        if not any(words in str(error) for words in NO_MEMORY):
            raise
        raise CluscamError(
            f"the network and its images do not fit into the memory ({reason_of(error)}); use a smaller input (--size) "
            "or a smaller network"
        ) from error


def _parse(argv: list[str], added: Iterable[EntryPoint]) -> argparse.Namespace:
    """The arguments. Of the added commands only the one that is used is imported; the others are known by name."""
    parser = Parser(
        prog="cluscam",
        description="Explain what an image classifier looks at (ClusCAM, without gradients).",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"cluscam {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    add_commands(commands.add_parser)
    for entry in added:
        if entry.name in commands.choices or (
            entry.name in OF_A_CLONE and find_spec(entry.module.split(".")[0]) is None
        ):
            continue
        if entry.name in argv[:1]:
            _imported(entry)(commands.add_parser)
        else:
            commands.add_parser(entry.name, help=f"see `cluscam {entry.name} --help`")
    if argv[:1] and argv[0] in OF_A_CLONE and argv[0] not in commands.choices:
        raise CluscamError(f"the command {argv[0]} is of a clone of this project: run pip install -e '.[book]' in it")
    if argv and not argv[0].startswith("-") and argv[0] not in commands.choices:
        raise unknown("command", argv[0], commands.choices)
    return parser.parse_args(argv)


def _imported(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise CluscamError(f"the command {entry.name} cannot be loaded: {error}; install its package again") from error


def _fail(sentence: str, status: int) -> int:
    print(f"cluscam: {printable(' '.join(sentence.split()))}", file=sys.stderr)
    return status
