"""Run the notebooks of a profile: `python -m analysis.run.notebooks --profile embedded`.

papermill executes each notebook with a kernel (a process) of its own, started in the repository's root. The executed
copy is written whole or not at all. It records a hash of its inputs, and is not run again while they are the same.
"""

import sys

if __name__ == "__main__":
    from cluscam_lite.__main__ import one_sentence

    one_sentence("Interrupted", quiet="--one-of-several" in sys.argv)

import argparse
import json
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from analysis.paths import ROOT
from analysis.run.inputs import digest_of
from analysis.run.jobs import end_with_parent, run_jobs
from analysis.run.parameters import (
    PLANS,
    PROFILES,
    check,
    declared_parameters,
    notebook_names,
    notebook_path,
    profile_parameters,
    strict,
    taken_of,
    typed,
)
from analysis.run.provenance import git_state
from cluscam_lite.cli.ending import ended_by_signals
from cluscam_lite.dataroot import data_root
from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.files import atomic_path, output_folder

__all__ = ["main", "run", "run_notebook", "strict"]

EXECUTED = ROOT / "book" / "executed"
RESULTS = ROOT / "results"
NO_ANSWER = "before replying to kernel_info"  # what nbclient says of a kernel that did not start


def run_notebook(path: Path, output: Path, parameters: Mapping[str, Any], cwd: Path = ROOT) -> None:
    """Execute the notebook `path` with `parameters` in a kernel started in `cwd`; write the result to `output`.

    Raises UnknownName or CluscamError for a parameter before anything runs, and CluscamError naming the cell if one
    fails; `output` is then not written.
    """
    import nbformat

    check(declared_parameters(path), parameters, path.stem)
    output_folder(output.parent)
    inputs = inputs_hash(path, parameters)
    executed = _execute(path, dict(parameters), cwd)
    for declared, injected in pairwise(executed.cells):
        if "injected-parameters" in injected.metadata.get("tags", []):
            # a reader sees the values of this run, not the declaration; on the landing page (`remove-cell`) neither
            tags = {*declared.metadata["tags"]}
            injected.metadata["tags"] += sorted(tags - {"parameters", "remove-input"})
            declared.metadata["tags"] = sorted({*tags, "remove-input"})
    executed.metadata.papermill["input_path"] = f"notebooks/{path.name}"
    executed.metadata["cluscam"] = {"inputs": inputs, **git_state()}
    with atomic_path(output) as temporary:
        nbformat.write(executed, temporary)


def _execute(path: Path, parameters: dict[str, Any], cwd: Path, tries: int = 3) -> Any:
    """The executed notebook. Two kernels that start at once may pick the same port: the one that loses starts again."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from analysis.run.kernel import OwnKernel

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # a kernel's end is told here, in one sentence
    try:
        return papermill.execute_notebook(
            str(path),
            None,
            parameters=parameters,
            kernel_name="python3",
            kernel_manager_class=OwnKernel,
            cwd=str(cwd),
            progress_bar=False,
            extra_arguments=["--log-level=CRITICAL"],  # errors are reported here, not by the kernel's log
        )
    except PapermillExecutionError as error:
        raise CluscamError(_describe(path, error, injected=bool(parameters))) from error
    except DeadKernelError as error:
        raise CluscamError(
            f"the kernel of notebooks/{path.name} died while it ran; it may have run out of memory"
        ) from error
    except RuntimeError as error:
        if NO_ANSWER not in str(error):
            raise
        if tries > 1:
            return _execute(path, parameters, cwd, tries - 1)
        raise CluscamError(f"the kernel of notebooks/{path.name} does not start; run the command again") from error


def _describe(path: Path, error: Any, injected: bool) -> str:
    """Which cell of the notebook failed, and why. The cell of parameters that papermill injects is not counted."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [i for i, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", [])]
    number = error.cell_index - (1 if injected and tagged and error.cell_index > tagged[0] else 0)
    reason = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
    first_line = error.source.strip().splitlines()[0]
    return f"notebooks/{path.name}, cell {number + 1} of {len(cells)} ({first_line}) failed with {reason}"


def inputs_hash(path: Path, parameters: Mapping[str, Any]) -> str:
    """SHA-256 of a run's inputs: notebook, parameters, plans, code, versions, rows, sizes of the data root's files."""
    root = data_root(parameters.get("data_root"))
    files = sorted(root.glob("*/*")) if root else []
    sizes = [f"{file.relative_to(root)} {file.stat().st_size}" for file in files]
    return digest_of([RESULTS, PROFILES, PLANS], path.read_text(encoding="utf-8"), dict(parameters), sizes)


def up_to_date(output: Path, inputs: str) -> bool:
    """Whether `output` is a notebook executed from these inputs."""
    try:
        metadata = json.loads(output.read_text(encoding="utf-8"))["metadata"]
        return metadata["cluscam"]["inputs"] == inputs
    except (OSError, ValueError, KeyError, TypeError):
        return False


def planned_runs(
    names: Sequence[str], base: Mapping[str, Any], given: Mapping[str, str], of_several: bool = False
) -> list[tuple[Path, dict[str, Any]]]:
    """Each notebook's path and parameters: those of the profile and those `given` as text, as far as it declares them.

    Raises UnknownName for one that none of the notebooks declares, unless they are `of_several` that are run by other
    processes, and as `check` does.
    """
    paths = [notebook_path(name) for name in names]
    if not paths:
        raise CluscamError("there is no notebook in the folder notebooks/; run this from a clone of the repository")
    declared = {path: declared_parameters(path) for path in paths}
    together = {name: kind for found in declared.values() for name, kind in found.items()}
    whose = f"the notebook {paths[0].stem} has" if len(paths) == 1 else "these notebooks have"
    for name in given:
        if name not in together and not of_several:
            raise unknown("parameter", name, together, hint=f"{whose} no other parameters")
    planned = []
    for path in paths:
        parameters = taken_of(base, declared[path])
        parameters |= {name: typed(text, together[name]) for name, text in given.items() if name in declared[path]}
        check(declared[path], parameters, path.stem)
        planned.append((path, parameters))
    return planned


def run(
    notebooks: Iterable[str] = (),
    profile: str = "embedded",
    output_dir: Path = EXECUTED,
    force: bool = False,
    given: Mapping[str, str] | None = None,
    jobs: int = 1,
    of_several: bool = False,
) -> None:
    """Execute `notebooks` (names; none means all) with a profile into `output_dir`, `jobs` at a time.

    `given` are parameters as typed on the command line, which override the profile's. A notebook takes those that it
    declares; one that none of them declares is a mistake, unless these are `of_several`. All names and parameters of
    all notebooks are checked before the first one runs. Raises as `run_notebook` does.
    """
    if jobs < 1:
        raise CluscamError(f"the number of jobs is {jobs}; expected at least 1")
    planned = planned_runs(list(notebooks) or notebook_names(), profile_parameters(profile), given or {}, of_several)
    pending = []
    for path, parameters in planned:
        if not force and up_to_date(output_dir / path.name, inputs_hash(path, parameters)):
            print(f"  {path.stem}: up to date", flush=True)
        else:
            pending.append((path, parameters))
    if jobs > 1 and len(pending) > 1:
        options = ["--profile", profile, "--output", str(Path(output_dir).resolve()), "--force"]
        options += [text for name, value in (given or {}).items() for text in ("-p", name, value)]
        run_jobs([str(path.resolve()) for path, _ in pending], options, jobs)
        return
    for path, parameters in pending:
        print(f"  {path.stem}: running", flush=True)
        start = time.monotonic()
        run_notebook(path, output_dir / path.name, parameters)
        print(f"  {path.stem}: done in {time.monotonic() - start:.0f} s", flush=True)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m analysis.run.notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="embedded", help="a name in notebooks/profiles, or a .yaml file")
    parser.add_argument("--notebook", nargs="+", default=[], metavar="NAME", help="only these (default: all)")
    parser.add_argument("--output", type=Path, default=EXECUTED, metavar="DIR", help="default: book/executed")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many notebooks at a time (default: 1)")
    parser.add_argument("--force", action="store_true", help="run what is up to date, too")
    parser.add_argument("--one-of-several", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")
    options = parser.parse_args(argv)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # silences a debugger's note in each kernel
    try:
        given, several = dict(options.p), options.one_of_several
        if several:
            end_with_parent()
        with ended_by_signals():
            run(options.notebook, options.profile, options.output, options.force, given, options.jobs, several)
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it would print the cell that was cut off
        if not options.one_of_several:  # the process that started them says it once
            print("Interrupted; nothing is left half-written.", file=sys.stderr)
        return getattr(stop, "status", 130)
    return 0


if __name__ == "__main__":
    sys.exit(main())
