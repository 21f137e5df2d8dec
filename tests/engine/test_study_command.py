"""`cluscam study`: how far it is, every mistake in one sentence, and commands that packages add."""

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml
from same_rows import same_rows
from toy_study import CELLS, PROFILE, THERE, TOY, keep_some

from analysis.__main__ import COMMANDS
from analysis.engine import read
from analysis.paths import ROOT
from analysis.studies import registry as studies
from analysis.studies.command import own_parameters
from cluscam_lite.cli import GROUP, main
from cluscam_lite.errors import UnknownName


def command(capsys, *arguments, status=0):
    assert main(["study", *map(str, arguments)]) == status
    shown = capsys.readouterr()
    assert len(shown.err.splitlines()) == (0 if status == 0 else 1), shown.err
    return shown.out if status == 0 else shown.err


def test_the_command_runs_a_study_and_says_how_far_it_is(undisturbed, tmp_path, profile_file, capsys):
    out = tmp_path / "out"
    arguments = ["toy", "--profile", profile_file, "--out", out]
    assert "0 of 6 cells are done" in command(capsys, *arguments, "--status")
    assert not out.exists()
    keep_some(undisturbed, out, (1, 3, 5))
    assert "3 of 6 cells are done" in command(capsys, *arguments, "--status")
    assert "complete, all 6 cells" in command(capsys, *arguments, "--quiet")
    assert "complete, all 6 cells" in command(capsys, *arguments, "--status")
    assert same_rows(read(TOY, out), read(TOY, undisturbed))


def test_a_terminal_has_a_bar_with_the_time_left_and_still_the_lines(tmp_path, profile_file):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 120))
    command = [sys.executable, str(Path(__file__).with_name("toy_study.py")), "study", "toy"]
    done = subprocess.Popen(
        [*command, "--profile", str(profile_file), "--out", str(tmp_path / "out")],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TOY_SECONDS": "0.2"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = ""
    with contextlib.suppress(OSError):  # Linux: the other end is closed
        while part := os.read(ours, 4096):
            shown += part.decode(errors="replace")
    assert done.wait() == 0, shown
    assert re.search(r"\[3/6\] cnn .*: +40%.* 8/20 \[00:0\d<00:0\d", shown)
    assert shown.count(" rows in ") == CELLS and "complete, all 6 cells" in shown.splitlines()[-1]


def test_from_a_clone_where_nothing_is_installed():
    """`python -m analysis` has what an installation adds, and finds it without one."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    assert {entry.name: entry.value for entry in COMMANDS} == scripts
    code = (
        "import sys; from importlib import metadata; metadata.entry_points = None; sys.argv[1:] = ['study', '--help']; "
    )
    code += "import runpy; runpy.run_module('analysis', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "faithfulness" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("toi PROFILE", "unknown study 'toi'; nearest: toy"),
        ("toy --profile embeded", "unknown profile 'embeded'; nearest: embedded"),
        ("toy", "--profile"),
        ("PROFILE", "NAME"),
        ("toy PROFILE --discards", "unknown option '--discards'; nearest: --discard"),
        ("toy PROFILE --shard 1/2", "unknown option '--shard'; "),
        ("toy PROFILE --out FILE/deeper", "cannot write to the output folder"),
        ("toy PROFILE --out FILE", "cannot write to the output folder"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, words, tmp_path, profile_file, capsys):
    (tmp_path / "file").touch()
    given = arguments.replace("PROFILE", f"--profile {profile_file}").replace("FILE", str(tmp_path / "file"))
    assert words in command(capsys, *given.split(), status=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "toys.yaml"]


def test_fewer_images_than_asked_for_is_the_data_sets_sentence(tmp_path, profile_file, capsys):
    profile_file.write_text(yaml.safe_dump(PROFILE | {"n_images": 99}))
    arguments = ["toy", "--profile", profile_file, "--out", tmp_path / "out"]
    assert f"99 images were asked for but the toy data set has {THERE}" in command(capsys, *arguments, status=2)
    assert not (tmp_path / "out").exists()


def test_studies_are_found_by_name():
    assert studies.find_study("toy") is TOY
    with pytest.raises(UnknownName, match="nearest: toy"):
        studies.find_study("toys")


def test_the_command_line_knows_added_commands_without_loading_them():
    code = (
        "import sys; from cluscam_lite.cli import GROUP, main; s = main({}); "
        "sys.exit(s or 99 * any(name in sys.modules for name in {}))"
    )
    for arguments, heavy in (
        (["--help"], ["analysis.studies.command", "pandas"]),
        (["study", "--help"], ["pandas", "torch"]),
    ):
        done = subprocess.run([sys.executable, "-c", code.format(arguments, heavy)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "study" in done.stdout


def test_a_command_that_cannot_be_loaded_is_one_sentence(monkeypatch, capsys):
    entry = EntryPoint("broken", "no_such_package:command", "cluscam.commands")
    monkeypatch.setattr("cluscam_lite.cli.entry_points", lambda group: [entry])
    assert main(["broken"]) == 2
    assert "the command broken cannot be loaded: No module named 'no_such_package'" in capsys.readouterr().err
    assert main(["methods"]) == 0
    assert main(["brokn"]) == 2
    assert "unknown command 'brokn'; nearest: broken" in capsys.readouterr().err


def test_a_package_that_studies_need_is_named(monkeypatch, capsys, profile_file):
    monkeypatch.setitem(sys.modules, "analysis.engine", None)
    assert "pip install 'cluscam-lite[book]'" in command(capsys, "toy", "--profile", profile_file, status=2)


def test_parameters_of_ones_own_make_a_profile_of_ones_own():
    own = own_parameters("embedded", [("models", "[scene_cnn]"), ("n_images", "2"), ("part", "test")])
    assert (own["models"], own["n_images"], own["part"], own["profile"]) == (["scene_cnn"], 2, "test", "own")
    assert own_parameters("embedded", [])["profile"] == "embedded"
