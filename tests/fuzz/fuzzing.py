"""How the fuzz tests run: few examples with all tests, many in `make verify`, always the same."""

import io
import time
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import HealthCheck, given, settings

from cluscam_lite.cli import main

FAST = ["--model", "scene_cnn", "--weights", "random", "--clusters", "3", "--no-figures"]
PATIENCE = 60.0  # seconds that one example may take


def examples(few, many):
    """A parameter `n`: so many examples."""
    return pytest.mark.parametrize("n", [few, pytest.param(many, marks=pytest.mark.slow)])


def try_all(n, strategy, check):
    """`check` on n examples of `strategy`."""
    seen = []

    @settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(example):
        start = time.monotonic()
        check(example)
        seen.append(example)
        assert time.monotonic() - start < PATIENCE

    run()
    assert len(seen) >= min(n, 5)


def told(arguments, out):
    """The exit status, and the one line where it fails: then nothing is left in `out`; temporary files never."""
    error = io.StringIO()
    with redirect_stderr(error), redirect_stdout(io.StringIO()):
        status = main(arguments)
    lines = [line for line in error.getvalue().splitlines() if not line.startswith("cluscam: note: ")]
    left = sorted(path.name for path in out.rglob("*")) if out.exists() else []
    assert not [name for name in left if ".part" in name or name.startswith(".")], left
    if status == 0:
        assert not lines and left
    else:
        assert status in (2, 3) and len(lines) == 1 and lines[0].startswith("cluscam: "), (status, lines)
        assert lines[0].isprintable() and "Traceback" not in lines[0] and not left, (lines, left)
    return status, " ".join(lines)
