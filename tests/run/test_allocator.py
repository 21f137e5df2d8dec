"""The allocator's setting: big blocks are kept, even in a process that was told to give every one back."""

import os
import subprocess
import sys

import pytest

from analysis.run import jobs
from analysis.run.allocator import KEEP, keep_memory

FAULTS = """
import resource, sys
import numpy as np
from analysis.run.allocator import keep_memory
if sys.argv[1] == "keep" and not keep_memory():
    sys.exit("no mallopt")
def passes():
    for _ in range(20):
        np.ones(4_000_000)
passes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
passes()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    """How often the system had to hand out memory in twenty passes of 32 MB, in a process like Dask's workers."""
    environment = os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is glibc's")
def test_a_worker_keeps_its_memory():
    given_back, kept = faults("leave"), faults("keep")
    assert kept < 100 < given_back


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert keep_memory() is False


def test_processes_and_workers_have_one_setting():
    assert jobs.KEEP is KEEP
