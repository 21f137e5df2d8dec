"""The exit status of a process of its own: Arrow's threads, still at work when Python ends, would abort it."""

import ast
import subprocess
import sys

import pytest

from analysis.paths import ROOT

THREADED = {"read_table", "read_row_group", "read_row_groups", "to_pandas", "to_table", "read_feather", "read_parquet"}


def calls(source):
    """(name, keywords) of each call of an attribute."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, {keyword.arg: keyword.value for keyword in node.keywords}, node.lineno


def test_arrow_reads_in_the_thread_that_asks():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name} without use_threads=False"
        for package in ("analysis", "cluscam_lite")
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, keywords, line in calls(path.read_text(encoding="utf-8"))
        if name in THREADED and getattr(keywords.get("use_threads"), "value", None) is not False
    ]
    assert wrong == []


@pytest.fixture
def load():
    """Two processes that do nothing, as fast as they can."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for process in busy:
        process.kill()
        process.wait()


@pytest.mark.slow  # a dozen starts of Python with its packages on a busy machine
@pytest.mark.parametrize("options", [["--status"], []])
def test_a_finished_study_ends_well_under_load(undisturbed, start, load, options):
    for _ in range(6):
        process = start(undisturbed, *options)
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
