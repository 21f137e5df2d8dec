"""Open a notebook in JupyterLab: `python -m analysis.run.lab method`, or `make notebook NAME=method`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from analysis.paths import ROOT
from analysis.run.parameters import notebook_names, notebook_path
from cluscam_lite.dataroot import VARIABLE
from cluscam_lite.errors import CluscamError


def command_for(name: str, options: Sequence[str] = ()) -> list[str]:
    """The command that opens a notebook, given by name ("method") or by path, in this Python's JupyterLab.

    JupyterLab's folder is the project's, or, for a notebook from elsewhere, the notebook's. `options` go to JupyterLab.
    Raises UnknownName with the nearest names, CluscamError for no name at all.
    """
    if not name:
        raise CluscamError(f"which notebook? `make notebook NAME=method`; there are {', '.join(notebook_names())}")
    path = notebook_path(name).resolve()
    folder = ROOT if path.is_relative_to(ROOT) else path.parent
    return [
        *(sys.executable, "-m", "jupyterlab", *options),
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{path.relative_to(folder).as_posix()}",
    ]


def environment() -> dict[str, str]:
    """This environment for JupyterLab, whose kernels start in a notebook's folder: the data root as a whole path."""
    named = os.environ.get(VARIABLE)
    return os.environ | ({VARIABLE: str(Path(named).resolve())} if named else {})


def main(argv: list[str] | None = None) -> int:
    """The command line; returns its exit status. What it does not know, such as --no-browser, goes to JupyterLab."""
    parser = argparse.ArgumentParser(prog="python -m analysis.run.lab", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="", help="a notebook's name, or the path of one")
    parser.add_argument("--check", action="store_true", help="only see whether there is such a notebook")
    options, others = parser.parse_known_args(argv)
    try:
        command = command_for(options.name, others)
        if options.check:
            return 0
        if find_spec("jupyterlab") is None:
            raise CluscamError("JupyterLab is not installed; `make notebook` installs it, or pip with '.[lab]'")
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"Opening {Path(options.name).stem} in JupyterLab; Ctrl-C twice ends it.", flush=True)
    try:
        return subprocess.run(command, env=environment(), check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
