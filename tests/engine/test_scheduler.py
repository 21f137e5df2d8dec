"""Cells on the workers of a scheduler that exists, and that may be lost."""

import threading

import pytest
from same_rows import same_rows
from toy_study import CELLS, PROFILE, TOY, files, parquets
from waiting import wait_for, worker

from analysis.engine import Cluster, read, run
from analysis.engine.cluster import local
from cluscam_lite.errors import CluscamError


def test_a_scheduler_killed_and_started_again(undisturbed, tmp_path, scheduler, schedulers, processes, capsys):
    out, log = tmp_path / "out", tmp_path / "log"
    environment = {"TOY_LOG": str(log), "TOY_SECONDS": "0.4"}
    worker(processes, scheduler, **environment)

    def kill():
        wait_for(lambda: len(parquets(out)) >= 2)
        schedulers[scheduler].kill()

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(CluscamError, match=rf"the scheduler {scheduler} is lost; [2345] of 6 cells are done"):
        run(TOY, PROFILE, out, cluster=Cluster(scheduler=scheduler))
    thread.join()
    shown = capsys.readouterr().out
    assert f"the scheduler {scheduler} answers" in shown
    kept, begun = {path.stem for path in parquets(out)}, len(log.read_text().split())
    assert len(kept) < CELLS
    again = schedulers["new"]()
    worker(processes, again, **environment)
    assert run(TOY, PROFILE, out, cluster=Cluster(scheduler=again), quiet=True).complete
    assert kept.isdisjoint(log.read_text().split()[begun:])
    assert same_rows(read(TOY, out), read(TOY, undisturbed))
    assert files(out) == files(undisturbed)


def test_a_cell_that_ends_its_workers_is_named_and_the_others_in_work_are_kept(tmp_path, monkeypatch, capsys):
    deadly = TOY.cells(PROFILE)[3]
    monkeypatch.setattr(local, "FAILURES", 0)
    monkeypatch.setenv("TOY_DEVICE", "CPU")
    monkeypatch.setenv("TOY_DEADLY", deadly.name)
    words = r"the cell vit last toycam, 4 images from image-00 ended each of 1 workers .*see their logs"
    with pytest.raises(CluscamError, match=words):
        run(TOY, PROFILE, tmp_path, cluster=Cluster(workers=1))
    assert [path.stem for path in parquets(tmp_path)] == sorted(cell.name for cell in TOY.cells(PROFILE)[:3])
    assert "is gone; what it was making is made again" not in capsys.readouterr().out
