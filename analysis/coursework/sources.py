"""The sources of the assignments, notebooks in nbgrader's format, and what is wrong with one.

A source holds the solution: what stands between `### BEGIN SOLUTION` and `### END SOLUTION` is taken out of the
hand-out, and a written answer (a Markdown cell that is graded by hand) is emptied.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.paths import ROOT

SOURCES = ROOT / "coursework"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
KINDS = {  # what a cell is for -> (its cell_type, grade, solution) in nbgrader's metadata
    "answer": ("code", False, True),
    "check": ("code", True, False),
    "text": ("markdown", True, True),
}


def assignments() -> dict[str, Path]:
    """Name -> source, in alphabetical order."""
    return {path.stem: path for path in sorted(SOURCES.glob("*.ipynb"))}


def read(path: Path) -> Any:
    """The notebook in the file `path`."""
    import nbformat

    return nbformat.read(path, as_version=4)


def kind_of(cell: Any) -> str:
    """ "answer" (code to write), "check" (code that grades), "text" (a written answer), or "" for any other cell."""
    marked = cell.metadata.get("nbgrader")
    if not marked:
        return ""
    found = (cell.cell_type, marked["grade"], marked["solution"])
    return next((kind for kind, wanted in KINDS.items() if wanted == found), "unknown")


def solution_lines(notebook: Any) -> Iterator[str]:
    """The lines that a hand-out must not hold: those of solutions, and the whole of written answers."""
    for cell in notebook.cells:
        inside = kind_of(cell) == "text"
        for line in cell.source.split("\n"):
            if BEGIN in line or END in line:
                inside = BEGIN in line
            elif inside and line.strip():
                yield line.strip()


def faults(notebook: Any) -> list[str]:
    """What is wrong with a source: cells that are no kind of cell, ids that occur twice, solutions left open."""
    found, ids = [], []
    for cell in notebook.cells:
        kind, begins, ends = kind_of(cell), cell.source.count(BEGIN), cell.source.count(END)
        name = cell.metadata.get("nbgrader", {}).get("grade_id", cell.source[:40])
        ids += [name] if kind else []
        if kind == "unknown":
            found.append(f"{name} is neither an answer, a check nor a text")
        if begins != ends or begins != (kind == "answer"):
            found.append(f"{name} begins {begins} solutions and ends {ends}")
        if kind in ("check", "text") and not cell.metadata["nbgrader"].get("points", 0) > 0:
            found.append(f"{name} has no points")
    found += [f"{name} is there twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    return found


def points(notebook: Any) -> float:
    """How many points an assignment gives."""
    return sum(cell.metadata["nbgrader"].get("points", 0) for cell in notebook.cells if kind_of(cell))


def leaks(handout: Any, source: Any) -> list[str]:
    """The lines of the solution that a hand-out still holds; what says nothing, `else:` for instance, is let pass."""
    shown = {line.strip() for cell in handout.cells for line in cell.source.split("\n")}
    given = {line.strip() for cell in source.cells if not kind_of(cell) for line in cell.source.split("\n")}
    telling = (line for line in solution_lines(source) if len(re.findall(r"\w+", line)) > 2)
    return [line for line in telling if line in shown - given]
