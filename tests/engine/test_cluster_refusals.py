"""A cluster that cannot make the cells is one sentence: nobody answers, another version, other files, bad options."""

import shutil
import socket
import sys
from types import SimpleNamespace
from uuid import uuid4

import cloudpickle
import pytest
from toy_study import PROFILE, TOY, parquets
from waiting import worker

from analysis.engine import Cluster, run
from analysis.engine.cluster import connect, spread
from analysis.engine.cluster import worker as remote
from analysis.engine.cluster.code import code_hash, code_title
from analysis.engine.cluster.local import gpu_shares
from analysis.paths import ROOT
from cluscam_lite.cli import main
from cluscam_lite.errors import CluscamError


@pytest.mark.parametrize("listens", [True, False])
def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch, listens):
    monkeypatch.setattr(connect, "ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if not listens:
            server.close()
        with pytest.raises(CluscamError, match=f"the scheduler {address} does not answer within 0.5 s; start it"):
            run(TOY, PROFILE, tmp_path, cluster=Cluster(scheduler=address), quiet=True)
    assert parquets(tmp_path) == []


def test_a_worker_with_another_version_of_the_project_is_refused(tmp_path, scheduler, processes):
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("analysis", "cluscam_lite"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package, ignore=ignored)
    with (tmp_path / "other" / "analysis" / "paths.py").open("a") as file:
        file.write("# another version\n")
    worker(processes, scheduler, PYTHONPATH=f"{tmp_path / 'other'}", PYTHONSAFEPATH="1")
    words = r"the worker tcp://\S+ runs another version of the project \(\S+, code \w{8}\) than .*same checkout"
    with pytest.raises(CluscamError, match=words):
        run(TOY, PROFILE, tmp_path / "out", cluster=Cluster(scheduler=scheduler), quiet=True)
    assert parquets(tmp_path / "out") == []


def order(**changes):
    cells = remote.digest(TOY.cells(PROFILE))
    whole = {"token": str(uuid4()), "code": code_hash(), "title": code_title(), "data_root": None, "cells": cells}
    return whole | {"study": cloudpickle.dumps(TOY), "profile": PROFILE} | changes


def answer(nthreads=1, **changes):
    there = SimpleNamespace(address="tcp://there:1", state=SimpleNamespace(nthreads=nthreads))
    return remote.accept(there, order(**changes))


def test_what_a_worker_is_asked_before_it_makes_cells(tmp_path, monkeypatch):
    assert answer() == {}
    assert "makes 4 cells at once" in answer(nthreads=4)["refused"]
    assert "finds other images, weights or plans" in answer(cells="another")["refused"]
    assert "runs another version" in answer(code="another")["refused"]
    assert "cannot load the study" in answer(study=b"cno_such_module\nStudy\n.")["refused"]
    monkeypatch.delenv("CLUSCAM_DATA", raising=False)
    missing = {"data_root": str(tmp_path / "missing")}
    assert f"does not see the data root {tmp_path / 'missing'}" in answer(**missing)["refused"]
    monkeypatch.setenv("CLUSCAM_DATA", str(tmp_path))
    assert answer(**missing) == {}  # its own copy


def test_a_worker_without_the_project(monkeypatch):
    monkeypatch.setitem(sys.modules, "analysis.engine.cluster.worker", None)
    call = cloudpickle.loads(cloudpickle.dumps(spread._on_worker("accept")))
    refusal = call({}, dask_worker=SimpleNamespace(address="tcp://there:1"))
    assert "does not have this version of the project" in refusal["refused"] and refusal["worker"] == "tcp://there:1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--workers 0", "--workers is from 1 to this machine's"),
        ("--workers -3", "--workers is from 1 to this machine's"),
        ("--workers 99999", "cores, got 99999"),
        ("--workers 1 --status", "--status makes nothing; leave --workers and --scheduler out"),
        ("--workers two", "invalid int value: 'two'"),
        ("--workers 1 --scheduler tcp://there:8786", "give either --workers or --scheduler"),
        ("--scheduler there", "'there' is not the address of a Dask scheduler"),
        ("--scheduler http://there:8787", "is not the address of a Dask scheduler"),
        ("--scheduler tcp://there:port", "is not the address of a Dask scheduler"),
        ("--scheduler tcp://:8786", "is not the address of a Dask scheduler"),
    ],
)
def test_bad_options(options, words, tmp_path, profile_file, capsys):
    given = ["study", "toy", "--profile", str(profile_file), "--out", str(tmp_path / "out"), *options.split()]
    assert main(given) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert words in sentence
    assert not (tmp_path / "out").exists()


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CluscamError, match=r"pip install 'cluscam-lite\[cluster\]'"):
        Cluster(workers=1)


def test_gpus_are_given_in_turns(monkeypatch):
    gpus = SimpleNamespace(cuda=SimpleNamespace(device_count=lambda: 2))
    monkeypatch.setitem(sys.modules, "torch", gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [share["CUDA_VISIBLE_DEVICES"] for share in gpu_shares(3)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-5,GPU-7")
    assert [share["CUDA_VISIBLE_DEVICES"] for share in gpu_shares(2)] == ["GPU-5", "GPU-7"]
    gpus.cuda.device_count = lambda: 0
    assert gpu_shares(2) == [{}, {}]


def test_the_address_of_a_worker_is_not_a_schedulers(monkeypatch):
    async def kind(address):
        return "Worker"

    monkeypatch.setattr(connect, "_type_of", kind)
    with pytest.raises(CluscamError, match="at tcp://there:9 is a Dask worker; give --scheduler the address of its"):
        connect.check_scheduler("tcp://there:9")


def test_tls_that_is_not_set_up():
    with pytest.raises(CluscamError, match="the scheduler tls://127.0.0.1:9 does not answer"):
        connect.check_scheduler("tls://127.0.0.1:9")
