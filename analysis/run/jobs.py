"""Several notebooks at once: each in a process of its own, the runner itself with one notebook to run.

Those that measure time run after all others, one by one.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence

from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError

TIMED = ("cheap", "runtime")
POLL = 0.1  # seconds
PATIENCE = 30  # seconds for a process to end its kernel
# glibc keeps big blocks instead of having them zeroed again at the next pass; not where time is measured (see Makefile)
KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "268435456"}


def run_jobs(names: Iterable[str], options: Sequence[str], jobs: int) -> None:
    """Run the runner for each notebook, `jobs` at a time, with its `options`.

    Raises CluscamError if one fails, after which none is started and the others are stopped; so does an interrupt.
    """
    names = list(names)
    timed = [name for name in names if os.path.basename(name).removesuffix(".ipynb") in TIMED]
    _run([name for name in names if name not in timed], options, jobs, KEEP)
    _run(timed, options, 1, {})


def _run(names: Sequence[str], options: Sequence[str], jobs: int, variables: Mapping[str, str]) -> None:
    waiting, running = list(names), []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_start(waiting.pop(0), options, min(jobs, len(names)), variables))
            time.sleep(POLL)
            for process in [process for process in running if process.poll() is not None]:
                running.remove(process)
                if process.returncode:
                    raise CluscamError("a notebook failed, and no more were run; its message is above")
    finally:
        _stop(running)


def _start(name: str, options: Sequence[str], jobs: int, variables: Mapping[str, str]) -> subprocess.Popen:
    """The runner with one notebook, on its share of the cores; an interrupt of the terminal reaches it through us."""
    defaults = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs)), **variables}
    command = [sys.executable, "-m", "analysis.run.notebooks", "--notebook", name, "--one-of-several", *options]
    return subprocess.Popen(command, cwd=ROOT, env=defaults | os.environ, start_new_session=True)


def _stop(running: Sequence[subprocess.Popen]) -> None:
    """Interrupt the processes, each of which ends its kernel, and wait for them."""
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
