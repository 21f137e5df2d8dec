"""Waiting for other processes, and a Dask worker as one."""

import sys
import time


def wait_for(condition, seconds=240):
    """Return when `condition()` holds; fail if that takes so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def worker(processes, address, **environment):
    """A worker of the Dask scheduler at an address, with one thread."""
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, *options]
    return processes(command, TOY_DEVICE="CPU", **environment)
