"""`make notebook NAME=...`: what it opens, and one sentence where there is no such notebook."""

import subprocess
import sys
from pathlib import Path

import pytest

from analysis.paths import ROOT
from analysis.run import lab
from analysis.run.parameters import notebook_names
from cluscam_lite.errors import CluscamError, UnknownName


@pytest.mark.parametrize("name", notebook_names())
def test_each_notebook_opens_with_the_project_as_its_folder(name):
    command = lab.command_for(name, ["--no-browser"])
    assert command[:4] == [sys.executable, "-m", "jupyterlab", "--no-browser"]
    assert command[4:] == [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/notebooks/{name}.ipynb"]


def test_a_notebook_from_elsewhere_opens_in_its_own_folder(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text("{}")
    assert lab.command_for(str(path))[3:] == [
        f"--ServerApp.root_dir={tmp_path.resolve()}",
        "--LabApp.default_url=/lab/tree/mine.ipynb",
    ]


def test_no_name_and_a_wrong_name_are_one_sentence(capsys):
    with pytest.raises(CluscamError, match="which notebook.*NAME=method.; there are ablation, agreement"):
        lab.command_for("")
    with pytest.raises(UnknownName, match="unknown notebook 'metod'; nearest: method"):
        lab.command_for("metod")
    assert lab.main(["metod"]) == 1
    assert capsys.readouterr().err == "Error: unknown notebook 'metod'; nearest: method\n"


def test_without_jupyterlab_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert lab.main(["method", "--check"]) == 0  # only whether there is such a notebook
    assert lab.main(["method"]) == 1
    assert capsys.readouterr().err.startswith("Error: JupyterLab is not installed; `make notebook` installs it")


def test_it_starts_jupyterlab_with_a_data_root_that_kernels_find(monkeypatch, capsys):
    started = {}

    def run(command, env, check):
        started.update(command=command, root=env["CLUSCAM_DATA"])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(lab, "find_spec", lambda name: True)
    monkeypatch.setattr(lab.subprocess, "run", run)
    monkeypatch.setenv("CLUSCAM_DATA", "somewhere")
    assert lab.main(["method", "--no-browser"]) == 0
    assert started["root"] == str(Path("somewhere").resolve()) and "--no-browser" in started["command"]
    assert capsys.readouterr().out.startswith("Opening method in JupyterLab")


def test_make_says_the_sentence_and_installs_nothing_for_it(tmp_path):
    """With a stand-in for the environment, so that nothing is installed."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".installed").touch()
    command = [
        "make",
        "notebook",
        "NAME=metod",
        "LOCKED=",
        f"VENV={tmp_path}",
    ]  # whatever these tests were started with
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Error: unknown notebook 'metod'; nearest: method" in done.stderr
    assert "Installing" not in done.stdout and not (tmp_path / ".lab").exists()
