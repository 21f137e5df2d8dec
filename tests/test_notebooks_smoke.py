"""Every notebook of the book runs, on the smallest profile, and its pages say nothing of the machine."""

import json

import nbformat
import pytest

from analysis.notebooks import run_notebook
from analysis.parameters import ROOT, notebook_names, notebook_path, profile_parameters


@pytest.mark.parametrize("name", notebook_names())
def test_the_notebook_runs(name, tmp_path):
    output = tmp_path / f"{name}.ipynb"
    run_notebook(notebook_path(name), output, profile_parameters("smoke"))
    for cell in nbformat.read(output, as_version=4).cells:
        if cell.cell_type != "code" or "remove-output" in cell.metadata.get("tags", []):
            continue
        assert all(o.output_type != "error" and o.get("name") != "stderr" for o in cell.outputs), cell.source
        assert str(ROOT) not in json.dumps(cell.outputs), cell.source
