"""The same rows however a run was cut up, stopped, killed or shared."""

import ast
import signal
import subprocess
import sys
import time

import pytest
from same_rows import same_rows
from toy_study import CELLS, PROFILE, TOY, Toy, files, keep_some, parquets
from waiting import wait_for

from analysis.engine import read, run, status
from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError


@pytest.mark.parametrize("first", [[0, 3], [5, 1]])
def test_cells_made_in_another_order_give_the_same_rows(undisturbed, tmp_path, first, capsys):
    keep_some(undisturbed, tmp_path, first)
    with pytest.raises(CluscamError, match="not complete: 2 of 6 cells are done"):
        read(TOY, tmp_path)
    partial = read(TOY, tmp_path, allow_partial=True)
    assert 0 < len(partial) < 40 and partial["model"].is_monotonic_increasing
    assert run(TOY, PROFILE, tmp_path).complete
    assert "toy: 4 of 6 cells to make" in (shown := capsys.readouterr().out) and "[3/6]" in shown
    assert same_rows(read(TOY, tmp_path), read(TOY, undisturbed))


MOMENTS = ["run:1", "run:4", "table:1", "table:3", "replaced:1", "replaced:2", "replaced:7", "text:1", "text:2"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_moment_and_started_again(undisturbed, tmp_path, start, moment):
    process = start(tmp_path / "out", TOY_KILL=moment)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert run(TOY, PROFILE, tmp_path / "out").complete
    assert same_rows(read(TOY, tmp_path / "out"), read(TOY, undisturbed))
    assert files(tmp_path / "out") == files(undisturbed)  # nothing half-written is left


def test_killed_again_and_again_from_outside(undisturbed, tmp_path, start):
    out = tmp_path / "out"
    for k in range(1, CELLS):
        process = start(out, TOY_SECONDS="0.2")
        wait_for(lambda k=k: len(parquets(out)) >= k)
        time.sleep(0.03 * k)
        process.kill()
        process.communicate()
    assert run(TOY, PROFILE, out).complete
    assert same_rows(read(TOY, out), read(TOY, undisturbed))


def test_two_processes_share_the_cells_and_make_none_twice(undisturbed, tmp_path, start):
    log = tmp_path / "log"
    both = [start(tmp_path / "out", TOY_SECONDS="0.3", TOY_LOG=str(log)) for _ in range(2)]
    shown = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], shown
    made = log.read_text().splitlines()
    assert len(made) == len(set(made)) == CELLS
    assert any("complete, all 6 cells" in out for out, _ in shown)
    assert same_rows(read(TOY, tmp_path / "out"), read(TOY, undisturbed))
    assert files(tmp_path / "out") == files(undisturbed)


def test_a_cell_in_work_is_left_alone_until_its_process_dies(undisturbed, tmp_path, start, capsys):
    out = tmp_path / "out"
    process = start(out, TOY_SECONDS="60", TOY_LOG=str(tmp_path / "log"))
    wait_for(lambda: (tmp_path / "log").exists())
    assert run(TOY, PROFILE, out, quiet=True).done == CELLS - 1
    assert "5 of 6 cells are done, 1 being made by other processes" in capsys.readouterr().out
    assert status(TOY, PROFILE, out).at_work == 1
    with pytest.raises(CluscamError, match="another process is at work in .* end it before --discard"):
        run(TOY, PROFILE | {"K": 4}, out, discard=True)
    process.kill()
    process.communicate()
    assert status(TOY, PROFILE, out).at_work == 0
    assert run(TOY, PROFILE, out).complete
    assert same_rows(read(TOY, out), read(TOY, undisturbed))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_it_with_one_sentence(tmp_path, start, sent):
    out = tmp_path / "out"
    process = start(out, TOY_SECONDS="0.2")
    wait_for(lambda: parquets(out))
    process.send_signal(sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    done = len(parquets(out))
    assert error.count("\n") == 1 and f"{done} of 6 cells of the study toy are done" in error
    assert "run the same command again to go on" in error
    assert files(out) == ["cells/" + path.name for path in parquets(out)] + ["configuration.json"]


def test_one_process_does_not_run_twice_in_a_folder(tmp_path, monkeypatch):
    def again(self, cell, progress):
        return run(TOY, PROFILE, tmp_path)

    monkeypatch.setattr(Toy, "run", again)
    with pytest.raises(CluscamError, match="this process is at work in"):
        run(TOY, PROFILE, tmp_path)


def test_without_file_locks_it_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.engine.locks.fcntl", None)
    with pytest.raises(CluscamError, match="needs the file locks of Linux or macOS"):
        run(TOY, PROFILE, tmp_path)


# a finished study: Arrow's threads, if they are still at work when Python ends, abort the process

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
