"""The code that a page shows can be read and run by itself: nothing of it is made in a cell that the page hides."""

import json
import subprocess
import sys

import pytest

from analysis.run.parameters import notebook_names, notebook_path

LINES, LETTERS, CELLS = 20, 79, 150
HIDDEN = {"remove-input", "remove-cell", "hide-input"}


def shown(name):
    """The code cells that a page shows, each as text."""
    cells = json.loads(notebook_path(name).read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in code if not HIDDEN & {*cell["metadata"].get("tags", [])}]


def parameters(name):
    cells = json.loads(notebook_path(name).read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", [])]


def undefined(files):
    """What ruff says of names that are used before anything gives them a value."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821", "--output-format"]
    done = subprocess.run([*command, "json", *map(str, files)], capture_output=True, text=True)
    return [f"{one['filename']}: {one['message']}" for one in json.loads(done.stdout)]


def test_no_visible_cell_uses_a_name_that_only_a_hidden_cell_gives(tmp_path):
    files = [tmp_path / f"{name}.py" for name in notebook_names()]
    for file in files:
        file.write_text("\n".join(parameters(file.stem) + shown(file.stem)), encoding="utf-8")
    assert undefined(files) == []
    files[0].write_text("print(made_elsewhere)\n", encoding="utf-8")
    assert len(undefined(files)) == 1


@pytest.mark.parametrize("name", notebook_names())
def test_visible_cells_fit_a_page(name):
    for source in shown(name):
        lines = source.splitlines()
        assert len(lines) <= LINES, lines[0]
        assert [line for line in lines if len(line) > LETTERS] == []


def test_most_code_is_shown():
    assert sum(len(shown(name)) for name in notebook_names()) >= CELLS
