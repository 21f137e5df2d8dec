"""Cells on the workers of a Dask cluster: the same rows, whatever is lost on the way."""

import os
import signal

import psutil
import pyarrow.parquet as pq
import pytest
from same_rows import same_rows
from toy_study import CELLS, TOY, files, parquets
from waiting import wait_for

from analysis.engine import Cluster, read, run
from analysis.studies.registry import find_study


def alive(pid):
    """Whether a process runs; one that has ended and was not asked how does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def begun(log):
    """(name of the cell, id of the process) for each time that a cell was begun."""
    return [tuple(line.split()) for line in log.read_text().splitlines()] if log.exists() else []


def test_a_worker_killed_in_mid_run_costs_the_cell_that_it_was_making(undisturbed, tmp_path, start):
    out, log = tmp_path / "out", tmp_path / "log"
    process = start(out, "--workers", "2", TOY_SECONDS="0.6", TOY_LOG=str(log), TOY_PIDS="1")
    wait_for(lambda: len(begun(log)) >= 3 or process.poll() is not None)
    os.kill(int(begun(log)[-1][1]), signal.SIGKILL)
    shown, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    assert error == "" and "is gone; what it was making is made again" in shown
    names = [name for name, _ in begun(log)]
    assert len(names) == CELLS + 1 and len(set(names)) == CELLS
    assert len({pid for _, pid in begun(log)}) >= 2
    assert same_rows(read(TOY, out), read(TOY, undisturbed))
    assert files(out) == files(undisturbed)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process_and_one_sentence(tmp_path, start, sent):
    out, log = tmp_path / "out", tmp_path / "log"
    process = start(out, "--workers", "1", TOY_SECONDS="30", TOY_LOG=str(log), TOY_PIDS="1")
    wait_for(lambda: begun(log) or process.poll() is not None)
    everyone = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    if sent == signal.SIGINT:  # as a terminal does: to all of them
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    assert error.count("\n") == 1 and "0 of 6 cells of the study toy are done" in error
    wait_for(lambda: not any(map(alive, everyone)))
    assert parquets(out) == []


def test_a_study_of_a_network_gives_the_same_bits_on_a_worker(tmp_path):
    study = find_study("faithfulness")
    methods = ["cluscam", "centre"]  # grad-cam takes seconds to import
    profile = {"profile": "own", "dataset": "scenes", "models": ["scene_cnn"], "n_images": 2, "seed": 3}
    profile |= {"methods": methods, "part": "", "layer": "last", "data_root": ""}
    run(study, profile, tmp_path / "here", quiet=True)
    done = run(study, profile, tmp_path / "there", quiet=True, cluster=Cluster(workers=1))
    assert done.complete and done.cells == len(methods)
    here, there = read(study, tmp_path / "here"), read(study, tmp_path / "there")
    assert len(here) > 0 and same_rows(here, there)
    for path in parquets(tmp_path / "here"):  # types, too: the same schema
        other = tmp_path / "there" / "cells" / path.name
        assert pq.read_schema(path).remove_metadata().equals(pq.read_schema(other).remove_metadata())
