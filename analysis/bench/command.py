"""`cluscam bench`: added to the command line by the entry point `bench` of the group "cluscam.commands"."""

import argparse
from collections.abc import Callable

from cluscam_lite.cli.options import add_input, whole
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import as_path

EXAMPLES = """examples:
  cluscam bench --explainer mine:explain --out out/      # the function `explain` of mine.py in this folder
  cluscam bench --explainer mine:explain --explainer other.py:explain --n 30 --out out/
  cluscam bench --explainer scorecam --model scene_vit --beside cluscam smooth --out out/
  cluscam bench --explainer analysis.bench.examples:occlusion --out out/
"""


def bench(add: Callable[..., argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of the command with `add`, argparse's `add_parser`, and return it."""
    parser = add(
        "bench",
        help="try an explainer of yours on scenes with known reasons, beside others",
        description="Try anyone's function (model, x, target) -> map on scenes with known reasons, on AD, IC and AG\n"
        "beside null methods, on stability and on cost. Writes report.md, summary.csv and rows.parquet.",
        epilog=EXAMPLES,
    )
    option = parser.add_argument
    option(
        "--explainer",
        required=True,
        action="append",
        metavar="MODULE:FUNCTION",
        help="a function of a module or of FILE.py, or a registered method (`cluscam methods`); again for another",
    )
    option(
        "--model",
        default="scene_cnn",
        metavar="NAME",
        help="the network that is explained, also one from elsewhere, FILE.py:FUNCTION for one (default: scene_cnn)",
    )
    option(
        "--n",
        type=whole(2, what="a number of scenes"),
        default=16,
        metavar="N",
        help="scenes of each part (default: 16)",
    )
    option(
        "--beside",
        nargs="*",
        metavar="NAME",
        help="registered methods that run beside it (default: cluscam, gradcam, gradcampp, xgradcam, layercam, the "
        "null methods smooth and donor); the trivial maps centre, edges and random always do",
    )
    option("--out", required=True, metavar="DIR", help="the folder to write to; it is made if missing")
    option("--data-root", metavar="DIR", help="folder with weights/ (default: $CLUSCAM_DATA)")
    add_input(parser.add_argument_group("a network from elsewhere: what it does not say itself"))
    parser.set_defaults(run=_run)
    return parser


def _run(arguments: argparse.Namespace) -> None:
    try:
        from analysis.bench.explainers import FIRST, NULLS
        from analysis.bench.report import report, write_files
        from analysis.bench.run import bench, entries_of, few_threads
        from analysis.bench.summary import summary
        from analysis.bench.words import verdict
        from cluscam_lite.cli.common import made_folder, short_warnings
        from cluscam_lite.cli.job import spec_of
        from cluscam_lite.cli.onnx import check_input
        from cluscam_lite.show.report import versions
    except ModuleNotFoundError as error:
        raise CluscamError(
            f"the bench needs the package {error.name}, which is not installed; pip install 'cluscam-lite[book,rivals]'"
        ) from error
    named = None if arguments.beside is None else ",".join(arguments.beside).split(",")  # with spaces or commas
    beside = FIRST + NULLS if named is None else tuple(filter(None, named))
    check_input(arguments)
    entries, spec = entries_of(arguments.explainer, beside), spec_of(arguments)
    with made_folder(as_path(arguments.out).absolute()) as out, short_warnings(), few_threads(spec):
        found = bench(entries, spec, arguments.n, arguments.data_root)
        table = summary(found.rows)
        verdicts = [verdict(found.rows, name) for name in found.names]
        run = {
            "network": f"{found.model.spec.title}, {found.model.source}; of the shortcut: scene_shortcut",
            "scenes of each part": arguments.n,
            "cases": int(table["cases"].max()),
            "versions": ", ".join(f"{name} {number}" for name, number in versions().items()),
        }
        page = report(table, verdicts, {"asked": arguments.explainer, "run": run})
        files = write_files(out, page, table, found.rows)
    for one in verdicts:
        if one.explainer in arguments.explainer:
            print(one.text())
    print(f"wrote {', '.join(map(str, files))}", flush=True)
