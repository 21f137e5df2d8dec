"""Every notebook runs, on the smallest profile and on a reader's own; its pages say nothing of the machine.

The kernels start in the notebooks' folder, as JupyterLab's do; `make book` starts them in the project's.
"""

import json

import nbformat
import pytest

from analysis.paths import ROOT
from analysis.run.notebooks import run_notebook
from analysis.run.parameters import (
    NOTEBOOKS,
    declared_parameters,
    notebook_names,
    notebook_path,
    profile_parameters,
    taken_of,
)

OWN = {"profile": "a-readers-own", "dataset": "scenes", "part": "", "models": ["scene_cnn"], "n_images": 2, "seed": 0}
QUICK = ("groundtruth", "temperature")
SLOW = ("ablation", "faithfulness", "hyperparameters", "localisation", "logits", "metrics", "runtime", "stability")


@pytest.mark.parametrize("name", notebook_names())
def test_the_notebook_runs(name, tmp_path):
    check_run(name, tmp_path, profile_parameters("smoke"))


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_a_study_runs_on_a_readers_own_network_and_images(name, tmp_path):
    check_run(name, tmp_path, OWN)


def check_run(name, folder, parameters):
    """The notebook runs, and shows neither an error nor where it ran."""
    output = folder / f"{name}.ipynb"
    path = notebook_path(name)
    run_notebook(path, output, taken_of(parameters, declared_parameters(path)), cwd=NOTEBOOKS)
    for cell in nbformat.read(output, as_version=4).cells:
        if cell.cell_type != "code" or "remove-output" in cell.metadata.get("tags", []):
            continue
        assert all(o.output_type != "error" and o.get("name") != "stderr" for o in cell.outputs), cell.source
        assert str(ROOT) not in json.dumps(cell.outputs), cell.source
