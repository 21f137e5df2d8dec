"""The assignments: sources in nbgrader's format, hand-outs without solutions, checks that fail without an answer."""

import ast
import re
import subprocess

import nbformat
import pytest
import yaml

from analysis.coursework import build
from analysis.coursework.sources import BEGIN, END, assignments, faults, kind_of, leaks, points, read, solution_lines
from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError, UnknownName

NAMES = ["algorithm", "claim", "metric"]
V4 = nbformat.v4


def cell(kind, source, name="one", **more):
    wanted = {"answer": (V4.new_code_cell, False, True), "check": (V4.new_code_cell, True, False),
              "text": (V4.new_markdown_cell, True, True)}  # fmt: skip
    make, grade, solution = wanted[kind]
    made = make(source)
    about = {"grade": grade, "grade_id": name, "locked": not solution, "schema_version": 3, "solution": solution}
    made.metadata["nbgrader"] = about | {"task": False} | ({"points": 2} if grade else {}) | more
    return made


def source_of(*cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return V4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})


ANSWER = f"def double(x):\n    {BEGIN}\n    return x + x\n    {END}"
CHECK = "from analysis.coursework.answers import answer\nassert answer(double, 2) == 4"


def test_there_are_three_assignments():
    assert list(assignments()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_an_assignment_of_nbgrader(name):
    notebook = read(assignments()[name])
    nbformat.validate(notebook)
    assert faults(notebook) == []
    assert points(notebook) in (10, 20)
    assert all(not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code")
    answers = [c for c in notebook.cells if kind_of(c) == "answer"]
    checks = [c for c in notebook.cells if kind_of(c) == "check"]
    assert len(answers) >= 4 and len(checks) >= len(answers)
    for c in notebook.cells:
        if c.cell_type == "code":
            ast.parse(c.source)
            assert c.source.count("\n") < 20, c.source
    for c in answers:
        ast.parse(re.sub(rf"( *){BEGIN}.*?{END}", rf"\1{build.STUB}", c.source, flags=re.S))  # the hand-out's cell


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_out_has_no_solution_and_locked_checks(name):
    pytest.importorskip("nbgrader", reason="`make coursework` installs nbgrader")
    source = read(assignments()[name])
    handout = build.handout_of(read(assignments()[name]))
    assert leaks(handout, source) == []
    text = "\n".join(c.source for c in handout.cells)
    assert BEGIN not in text and END not in text and "Grading:" not in text
    for before, after in zip(source.cells, handout.cells, strict=True):
        if kind_of(before) == "answer":
            assert build.STUB in after.source
        elif kind_of(before) == "text":
            assert after.source == build.TEXT_STUB
        else:
            assert after.source == before.source
        if kind_of(before) == "check":
            assert after.metadata["editable"] is False and after.metadata["nbgrader"]["checksum"]


def test_what_is_wrong_with_a_source_is_said():
    good = source_of(cell("answer", ANSWER), cell("check", CHECK, "two"))
    assert faults(good) == []
    assert list(solution_lines(good)) == ["return x + x"]
    assert faults(source_of(cell("answer", "x = 1"))) == ["one begins 0 solutions and ends 0"]
    assert faults(source_of(cell("check", CHECK, points=0))) == ["one has no points"]
    assert faults(source_of(cell("answer", ANSWER), cell("check", CHECK))) == ["one is there twice"]
    assert faults(source_of(V4.new_code_cell(ANSWER))) == [f"{ANSWER[:40]} begins 1 solutions and ends 1"]
    assert faults(source_of(cell("check", CHECK, solution=True))) == ["one is neither an answer, a check nor a text"]


def test_a_leak_is_found():
    source = source_of(V4.new_code_cell("x = y + z"), cell("answer", ANSWER), cell("text", "All of the answer."))
    blank = source_of(V4.new_code_cell("x = y + z"), cell("answer", f"def double(x):\n    {build.STUB}"))
    assert leaks(blank, source) == []
    assert leaks(source_of(V4.new_code_cell("# see\nreturn x + x")), source) == ["return x + x"]
    assert leaks(source_of(V4.new_markdown_cell("All of the answer.")), source) == ["All of the answer."]


def test_versions_are_told_apart_by_running_them():
    """One kernel for each version: the solution passes, the hand-out fails in its check, and only there."""
    setup, check = V4.new_code_cell("import math"), cell("check", CHECK, "two")
    solution = build.executed(source_of(setup, cell("answer", ANSWER), check))
    build.check_solution(solution, "toy")
    with pytest.raises(CluscamError, match="the hand-out of toy passes the check 'from analysis.*' without an answer"):
        build.check_handout(solution, "toy")
    handout = build.executed(source_of(setup, cell("answer", f"def double(x):\n    {build.STUB}"), check))
    build.check_handout(handout, "toy")
    with pytest.raises(CluscamError, match="the solution of toy fails in the cell 'from analysis.*: NotRight: double"):
        build.check_solution(handout, "toy")


def failed(made, name, said):
    made.outputs = [V4.new_output("error", ename=name, evalue=said, traceback=[])]
    return made


def test_a_hand_out_that_fails_elsewhere_is_refused():
    early = source_of(failed(V4.new_code_cell("1 / 0"), "ZeroDivisionError", "no"), cell("answer", ANSWER))
    with pytest.raises(CluscamError, match="fails before the first answer, in '1 / 0': ZeroDivisionError: no"):
        build.check_handout(early, "toy")
    bare = source_of(cell("answer", ANSWER), failed(cell("check", CHECK, "two"), "NameError", "double"))
    with pytest.raises(CluscamError, match="gives no sentence of its own, but NameError: double"):
        build.check_handout(bare, "toy")


def test_an_unknown_assignment_is_one_sentence(tmp_path, capsys):
    with pytest.raises(UnknownName, match="unknown assignment 'metrics'; nearest: metric"):
        build.build("metrics", tmp_path)
    assert build.main(["metrics", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "Error: unknown assignment 'metrics'; nearest: metric\n"
    assert not list(tmp_path.iterdir())


def test_make_and_the_workflow_know_the_coursework():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True)
    assert "make coursework" in done.stdout and "make notebook" in done.stdout
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    steps = [step.get("run", "") for step in jobs["test"]["steps"]]
    assert steps.index("make coursework") < steps.index("make test")  # it installs nbgrader, which the tests then use


def test_the_pages_name_each_assignment_and_its_points():
    page = (ROOT / "book" / "teach" / "assignments.md").read_text(encoding="utf-8")
    for name, path in assignments().items():
        title = read(path).cells[0].source.split("\n")[0].partition(": ")[2]
        assert f"`{name}`" in page and title.lower() in page.lower()
        assert f"{points(read(path)):g} points" in page
