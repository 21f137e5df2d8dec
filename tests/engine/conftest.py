"""The toy study, registered; a folder that nothing happened to; and runs as processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from toy_study import PROFILE, TOY
from waiting import wait_for

from analysis.engine import run
from analysis.run import provenance
from analysis.studies import registry as studies

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(studies.REGISTRY, "toy", "toy_study:TOY")
    monkeypatch.setattr(provenance, "_device", lambda: "CPU")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "_device", lambda: "CPU")
        run(TOY, PROFILE, folder, quiet=True)
    return folder


@pytest.fixture
def profile_file(tmp_path):
    path = tmp_path / "toys.yaml"
    path.write_text(yaml.safe_dump(PROFILE))
    return path


@pytest.fixture
def processes():
    """Start a process; all are ended with the test."""
    started = []

    def start(command, **environment):
        path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
        environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | environment
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, process_group=0)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def start(processes, profile_file):
    """Start `cluscam study toy` as a process of its own."""

    def started(folder, *options, **environment):
        command = [sys.executable, str(HERE / "toy_study.py"), "study", "toy", "--profile", str(profile_file)]
        return processes([*command, "--out", str(folder), *options], **environment)

    return started


@pytest.fixture
def schedulers(processes, tmp_path):
    """Address -> process of each Dask scheduler of the test; `schedulers["new"]()` starts one and gives its address."""
    known = {}

    def new():
        file = tmp_path / f"scheduler-{len(known)}.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        process = processes([sys.executable, "-m", "distributed.cli.dask_scheduler", *options])
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        address = json.loads(file.read_text())["address"]
        known[address] = process
        return address

    known["new"] = new
    return known


@pytest.fixture
def scheduler(schedulers):
    """The address of a Dask scheduler without workers."""
    return schedulers["new"]()
