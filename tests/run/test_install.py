"""The installer shows one line of progress, keeps pip's words in a log, and names it when pip fails."""

import importlib.util
import sys

import pytest

from analysis.paths import ROOT

PATIENT = """import time
print("Collecting torch>=2.4", flush=True)
time.sleep(0.3)
print("  Downloading torch-2.9.0-cp311-cp311-linux.whl (899.8 MB)", flush=True)
time.sleep(0.3)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LOG", tmp_path / "pip.log")
    monkeypatch.setattr(module, "POLL", 0.02)
    monkeypatch.setattr(module, "EVERY", 0.0)
    return module


@pytest.mark.parametrize(
    "line, words",
    [
        ("Collecting torch>=2.4 (from cluscam-lite==1.0)", "looking for torch"),
        ("  Downloading torch-2.9.0-cp311-cp311-linux.whl (899.8 MB)", "fetching torch-2.9.0 (899.8 MB)"),
        (
            "  Downloading https://x.org/a/b/timm-1.0.22-py3-none-any.whl.metadata (63 kB)",
            "fetching timm-1.0.22 (63 kB)",
        ),
        ("  Using cached numpy-2.3.4-cp311-cp311-linux.whl (16 MB)", "fetching numpy-2.3.4 (16 MB)"),
        ("Installing collected packages: a, b, c", "unpacking 3 packages"),
        ("WARNING: Location 'file:///x' is ignored", None),
    ],
)
def test_what_pip_writes_is_said_in_a_few_words(install, line, words):
    assert install.step(line) == words


def test_progress_is_shown_and_pips_own_words_go_into_the_log(install, monkeypatch, capsys):
    monkeypatch.setattr(install, "PIP", [sys.executable, "-c", PATIENT])
    assert install.main([]) == 0
    out, error = capsys.readouterr()
    assert "s: looking for torch\n" in out and "s: fetching torch-2.9.0 (899.8 MB)\n" in out
    assert "Collecting" not in out + error
    assert install.LOG.read_text().startswith("Collecting torch>=2.4\n")


def test_a_failure_shows_the_last_lines_and_names_the_log(install, monkeypatch, capsys):
    failing = "print('WARNING: slow'); print('ERROR: No matching distribution'); raise SystemExit(1)"
    monkeypatch.setattr(install, "PIP", [sys.executable, "-c", failing])
    assert install.main([]) == 1
    error = capsys.readouterr().err
    assert error == f"ERROR: No matching distribution\nAll that pip said is in {install.LOG}.\n"
