"""How a command ends: an interrupt in its imports, what a killed process left of a file, and a full disk."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import alone_in, atomic_path


@pytest.mark.parametrize("module", ["cluscam_lite", "analysis", "analysis.run.notebooks"])
def test_an_interrupt_in_the_imports_is_one_sentence(tmp_path, module):
    (tmp_path / "argparse.py").write_text("raise KeyboardInterrupt\n")  # in place of Python's own
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-m", module], env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == -signal.SIGINT, done.stderr
    assert done.stderr.count("\n") == 1 and "nterrupted; nothing was begun" in done.stderr


def test_what_a_killed_process_left_of_a_file_is_removed_by_the_next_writer(tmp_path):
    code = "import os, sys, pathlib; from cluscam_lite.files import atomic_path\n"
    code += "with atomic_path(sys.argv[1]) as path: path.write_text('half'); os.kill(os.getpid(), 9)"
    path = tmp_path / "a.b [1].json"
    for _ in range(2):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        assert subprocess.run([sys.executable, "-c", code, path], env=environment).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "half" and left.name.startswith(".a.b [1].") and left.suffix == ".json"
    (tmp_path / ".a.b [1].original.json").write_text("a user's")
    (tmp_path / ".a.0123abcd.part.json").write_text("another file's")
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole" and not left.exists() and len(list(tmp_path.iterdir())) == 3


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    with atomic_path(tmp_path / "a.json") as mine, atomic_path(tmp_path / "a.json") as other:
        assert mine != other and mine.exists()
        other.write_text("second")
        mine.write_text("first")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("where", ["before", "within"])
def test_an_interrupt_at_any_moment_leaves_no_temporary_file(tmp_path, monkeypatch, where):
    real = os.open

    def interrupted(*arguments):
        handle = real(*arguments)
        os.close(handle)
        raise KeyboardInterrupt  # the file is there, and its handle has not reached us

    if where == "before":
        monkeypatch.setattr("cluscam_lite.files.os.open", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "a.json"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_one_processs_at_a_time_and_no_lock_is_left(tmp_path):
    code = "import sys, time, pathlib; from cluscam_lite.files import alone_in\n"
    code += "with alone_in(pathlib.Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "in\n"
    with pytest.raises(CluscamError, match="another run is writing into .* until it has ended"), alone_in(tmp_path):
        pass
    process.kill()
    process.communicate()
    with alone_in(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_was_removed_meanwhile_is_no_lock(tmp_path, monkeypatch):
    real, calls = fcntl.flock, []

    def flock(file, operation):
        real(file, operation)
        calls.append(time.monotonic())
        if len(calls) == 1:
            (tmp_path / ".lock").unlink()  # by the process that had it, as it ended

    monkeypatch.setattr("cluscam_lite.files.fcntl.flock", flock)
    with alone_in(tmp_path):
        assert len(calls) == 2 and (tmp_path / ".lock").exists()


def test_a_terminal_without_some_letters_shows_their_codes(tmp_path):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "cluscam_lite", "explain", "scene:3", "--model", "scene_cnn", "--clusters", "3"]
    done = subprocess.run(
        [*command, "--no-figures", "--out", tmp_path / "\u00fc"], env=environment, capture_output=True, cwd=ROOT
    )
    assert done.returncode == 0 and rb"\xfc" in done.stdout, done


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded"),
     OSError("65536 requested and 0 written")],
    ids=["system", "quota", "numpy"],
)  # fmt: skip
def test_a_full_disk_names_the_file_and_what_to_do(tmp_path, error, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    expected = pytest.raises(CluscamError, match=r"cannot write .*map\.npz: no space is left there; free some")
    with expected, atomic_path(tmp_path / "map.npz"):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_another_kind_is_not_called_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "map.npz"):
        open(tmp_path / "nothing").close()
    with pytest.raises(OSError, match="an odd one"), atomic_path(tmp_path / "map.npz"):
        raise OSError("an odd one")
