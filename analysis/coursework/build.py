"""Hand-outs and solutions from one source each: `python -m analysis.coursework.build`, or `make coursework`.

`build/coursework` becomes a course of nbgrader: `source/NAME/NAME.ipynb` to grade with, `release/NAME/NAME.ipynb` to
hand out, and beside them `solution/NAME.ipynb`, the source as it ran. All are checked: the solution passes every check,
the hand-out holds no line of it and fails every check in one sentence.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from analysis.coursework.sources import assignments, faults, kind_of, leaks, points, read
from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError, check_known
from cluscam_lite.files import atomic_path, output_folder

BUILT = ROOT / "build" / "coursework"
STUB = "raise NotImplementedError  # your code here"
TEXT_STUB = "*Your answer here.*"
SECONDS = 600  # for each cell
CONFIG = """# The settings of this course for nbgrader; run its commands in this folder.
c = get_config()
c.CourseDirectory.course_id = "cluscam"
c.ClearSolutions.code_stub = {{"python": {stub!r}}}
c.ClearSolutions.text_stub = {text!r}
c.ExecutePreprocessor.timeout = {seconds}
"""


def handout_of(source: Any) -> Any:
    """The notebook to hand out, made by nbgrader: solutions and outputs taken out, checks locked and with checksums."""
    try:
        from nbgrader import preprocessors
    except ImportError as error:
        raise CluscamError("nbgrader is not installed; `make coursework` installs it, or pip with '.[lab]'") from error
    from traitlets.config import Config

    config = Config()
    config.ClearSolutions.code_stub = {"python": STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    steps = ("LockCells", "ClearSolutions", "ClearOutput", "CheckCellMetadata", "ComputeChecksums")
    notebook, resources = source.copy(), {}
    for step in steps:
        notebook, resources = getattr(preprocessors, step)(config=config).preprocess(notebook, resources)
    return notebook


def executed(notebook: Any) -> Any:
    """The notebook as it ran in an empty folder, with the errors of its cells as outputs."""
    from nbclient import NotebookClient

    from analysis.run.kernel import OwnKernel

    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            kernel_manager_class=OwnKernel,
            allow_errors=True,
            extra_arguments=["--log-level=CRITICAL"],  # errors are read from the cells, not from the kernel's log
            resources={"metadata": {"path": folder}},
        )
        return client.execute()


def error_of(cell: Any) -> str:
    """What a cell that ran stopped with, as "NotRight: sentence"; "" if it did not."""
    said = [f"{o.ename}: {o.evalue}" for o in cell.get("outputs", []) if o.output_type == "error"]
    return said[0] if said else ""


def check_solution(notebook: Any, name: str) -> None:
    """Raise CluscamError unless every cell of the executed solution ran without an error."""
    for cell in notebook.cells:
        if error := error_of(cell):
            raise CluscamError(f"the solution of {name} fails in the cell {_first_line(cell)}: {error}")


def check_handout(notebook: Any, name: str) -> None:
    """Raise CluscamError unless the executed hand-out fails where an answer is missing, and only there.

    Every check fails with one sentence of its own; what stands before the first answer runs.
    """
    answers = 0
    for cell in notebook.cells:
        error, kind = error_of(cell), kind_of(cell)
        answers += kind == "answer"
        if kind == "check" and not error:
            raise CluscamError(f"the hand-out of {name} passes the check {_first_line(cell)} without an answer")
        if kind == "check" and not error.startswith("NotRight: "):
            raise CluscamError(f"the check {_first_line(cell)} of {name} gives no sentence of its own, but {error}")
        if error and not answers:
            raise CluscamError(f"the hand-out of {name} fails before the first answer, in {_first_line(cell)}: {error}")


def _first_line(cell: Any) -> str:
    return repr(cell.source.split("\n")[0])


def build(name: str, folder: Path = BUILT) -> None:
    """Make and check one assignment in `folder`. Raises CluscamError with the first thing that is wrong."""
    import nbformat

    known = assignments()
    check_known("assignment", name, known)
    source = read(known[name])
    if wrong := faults(source):
        raise CluscamError(f"the source of {name} is not right: {'; '.join(wrong)}")
    handout = handout_of(read(known[name]))
    if left := leaks(handout, source):
        raise CluscamError(f"the hand-out of {name} holds a line of the solution: {left[0]!r}")
    check_handout(executed(nbformat.from_dict(handout)), name)
    solution = executed(read(known[name]))
    check_solution(solution, name)
    made = {
        f"source/{name}/{name}.ipynb": source,
        f"release/{name}/{name}.ipynb": handout_of(read(known[name])),
        f"solution/{name}.ipynb": solution,
    }
    for place, notebook in made.items():
        output_folder((folder / place).parent)
        with atomic_path(folder / place) as temporary:
            nbformat.write(notebook, temporary)


def main(argv: list[str] | None = None) -> int:
    """Make and check the assignments; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m analysis.coursework.build", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    parser.add_argument("--output", type=Path, default=BUILT, metavar="DIR", help="default: build/coursework")
    options = parser.parse_args(argv)
    try:
        for name in options.names or assignments():
            start = time.monotonic()
            build(name, options.output)
            worth = points(read(assignments()[name]))
            print(f"  {name}: {worth:g} points, made and checked in {time.monotonic() - start:.0f} s", flush=True)
        config = CONFIG.format(stub=STUB, text=TEXT_STUB, seconds=SECONDS)
        (output_folder(options.output) / "nbgrader_config.py").write_text(config, encoding="utf-8")
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
