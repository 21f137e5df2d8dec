"""The command line: ``cluscam explain``, ``tune``, ``train``, and lists of the models, methods and data sets.

An installed package adds a command by an entry point of the group `GROUP`: a function that takes argparse's
`add_parser`, adds the command's parser with `run` set, and returns it. It is loaded when the command is used.

A user's mistake is one sentence on standard error and exit status 2; Ctrl-C is 130. Images, names and the output
folder are checked before any network is loaded, and a file appears under its name only when it is whole.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

from analysis.chapters.alzheimer.training.command import train_parser

from .. import __version__
from ..errors import CluscamError, unknown
from .tune_options import add_tune

GROUP = "cluscam.commands"
EXAMPLES = """examples:
  cluscam explain scene:3 --model scene_cnn --out out/
  cluscam explain cat.jpg dog.png --model resnet50 --out out/
  cluscam explain cat.jpg --model vit_tiny_patch16_224 --layer last --target tabby --out out/ --data-root data/
"""


class Parser(argparse.ArgumentParser):
    """argparse that raises CluscamError, and remembers its options so that a misspelt one gets the nearest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        self.__dict__.setdefault("names", []).extend(n for n in names if n.startswith("--"))
        return super().add_argument(*names, **options)

    def error(self, message: str) -> NoReturn:
        raise CluscamError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None, added: Iterable[EntryPoint] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 for a user's mistake, 130 for Ctrl-C.

    `added` are commands of other packages; None: those that are installed.
    """
    try:
        added = entry_points(group=GROUP) if added is None else added
        arguments = _parse(sys.argv[1:] if argv is None else list(argv), added)
        arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as done:  # --help and --version
        return int(done.code or 0)
    except CluscamError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt as stop:  # a command may say more than this
        return _fail(str(stop) or "interrupted; what was announced as written is whole, nothing else is left", 130)
    except BrokenPipeError:  # the reader of a pipe, `head` say, has enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 2)
    return 0


def _fail(sentence: str, status: int) -> int:
    print(f"cluscam: {' '.join(sentence.split())}", file=sys.stderr)
    return status


def _parse(argv: list[str], entries: Iterable[EntryPoint]) -> argparse.Namespace:
    parser, commands, add = _parsers()
    added = {entry.name: entry for entry in entries if entry.name not in commands}
    for name, entry in added.items():
        if name in argv[:1]:
            commands[name] = _load(entry, add)
        else:
            add(name, help=f"see `cluscam {name} --help`")
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        raise unknown("command", argv[0], [*commands, *added])
    chosen = commands.get(argv[0], parser) if argv else parser
    for word in argv[: argv.index("--") if "--" in argv else None]:
        if word.startswith("--") and word.partition("=")[0] not in chosen.names:
            raise unknown("option", word.partition("=")[0], chosen.names, f"see {chosen.prog} --help")
    return parser.parse_args(argv)


def _load(entry: EntryPoint, add: Callable[..., Parser]) -> Parser:
    """The parser of a command that another package adds."""
    try:
        command = entry.load()
    except (ImportError, AttributeError) as error:
        raise CluscamError(f"the command {entry.name} cannot be loaded: {error}; install its package again") from error
    return command(add)


def _parsers() -> tuple[Parser, dict[str, Parser], Callable[..., Parser]]:
    """The parser, those of the commands by name, and the function that adds a command."""
    parser = Parser(
        prog="cluscam",
        description="Explain what an image classifier looks at (ClusCAM, without gradients).",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"cluscam {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    parsers = {"explain": _explain_parser(commands.add_parser), "tune": add_tune(commands.add_parser)}
    lists = {
        "models": "list the networks: K, r, tau, layers, and where their weights come from",
        "methods": "list the explanation methods",
        "datasets": "list the data sets, and what to do for those that are missing here",
    }
    for name, text in lists.items():
        added = parsers[name] = commands.add_parser(
            name, help=text, description=_sentence(text), epilog=f"example:\n  cluscam {name} --json"
        )
        added.add_argument("--json", action="store_true", help="print JSON instead of a table")
        if name != "methods":
            _add_data_root(added)
        added.set_defaults(run=_list)
    parsers["train"] = train_parser(commands.add_parser)
    return parser, parsers, commands.add_parser


def _explain_parser(add: Callable[..., Parser]) -> Parser:
    text = "explain images: an overlay, the clusters with their scores and weights, and all numbers as JSON"
    files = "Each image gives NAME.png, NAME.json and, of methods with clusters, NAME.clusters.png."
    parser = add("explain", help=text, description=f"{_sentence(text)} {files}", epilog=EXAMPLES)
    option = parser.add_argument
    option("images", nargs="+", metavar="IMAGE", help="an image file, or scene:N for the embedded icon scene N")
    option(
        "--model", required=True, metavar="NAME", help="a network, see `cluscam models`, or a folder of `cluscam train`"
    )
    option("--out", required=True, metavar="DIR", help="the folder to write to; it is made if missing")
    option("--layer", default="paper", metavar="NAME", help="paper (default), last, or a dotted module name")
    option("--target", metavar="CLASS", help="the class to explain, its number or name (default: the top-1)")
    option("--method", default="cluscam", metavar="NAME", help="see `cluscam methods` (default: cluscam)")
    option("--weights", default="auto", metavar="FILE", help="auto (default), random, or a file")
    option("--tuned", metavar="FILE", help="take K and r from this file of `cluscam tune`")
    _add_data_root(parser)
    option(
        "--preprocess",
        default="standard",
        metavar="NAME",
        help="standard (default): the weights' own resize and crop; paper: the whole image squashed to a square",
    )
    option("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    _add_settings(parser)
    parser.set_defaults(run=_explain)
    return parser


def _add_settings(parser: Parser) -> None:
    """Options that are settings of the method; those that are not given keep the model's or method's own."""
    rows = [
        ("--clusters", "n_clusters", int, "K", "number of clusters"),
        ("--drop", "drop_ratio", float, "R", "fraction of the clusters that is dropped, 0 <= R < 1"),
        ("--temperature", "temperature", float, "T", "temperature of the softmax over scores, T > 0"),
        ("--space", "space", str, "NAME", "cluster the maps upsampled or raw"),
        ("--clustering", "clustering", str, "NAME", "kmeans, random, none, spectral, hdbscan or agglomerative"),
        ("--fill", "fill", str, "NAME", "what hidden pixels show: mean, black or blur"),
        ("--seed", "seed", _seed, "N", "seed of the clustering, and of random weights"),
        ("--batch-size", "batch_size", int, "N", "masked images per pass"),
    ]
    parser.set_defaults(flags={name: flag for flag, name, *_ in rows})
    group = parser.add_argument_group("settings of the method (default: those of the model, see `cluscam models`)")
    for flag, name, kind, metavar, text in rows:
        parser.names.append(flag)
        group.add_argument(flag, dest=name, type=kind, metavar=metavar, help=text, default=argparse.SUPPRESS)


def _add_data_root(parser: Parser) -> None:
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder with weights/ and data sets (default: $CLUSCAM_DATA)"
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {(1 << 32) - 1}")
    return int(text)


def _explain(arguments: argparse.Namespace) -> None:
    from .explain import explain

    explain(arguments)


def _list(arguments: argparse.Namespace) -> None:
    from .lists import print_list

    print_list(arguments.command, getattr(arguments, "data_root", None), arguments.json)
