"""Several notebooks at once: each is run by a process of its own, which is the runner with that notebook alone.

Notebooks that measure time run after all others, one by one.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from analysis.paths import ROOT
from analysis.run.allocator import KEEP
from cluscam_lite.errors import CluscamError

TIMED = ("cheap", "files", "runtime")
POLL = 0.1  # seconds
PATIENCE = 30  # seconds for a process to end its kernel


def run_jobs(names: Iterable[str], options: Sequence[str], jobs: int) -> None:
    """Run each notebook by the runner with these `options`, `jobs` at a time.

    Raises CluscamError if one fails. After that, or an interrupt, none is started and the others are stopped.
    """
    names = list(names)
    timed = [name for name in names if os.path.basename(name).removesuffix(".ipynb") in TIMED]
    _run([name for name in names if name not in timed], options, jobs, KEEP)
    _run(timed, options, 1, {})  # as users start a process


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
    """Start the runner with one notebook, on its share of the cores, in a session of its own.

    Ctrl-C in the terminal then reaches this process only, which interrupts the others (`_stop`).
    """
    defaults = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs)), **variables}
    command = [sys.executable, "-m", "analysis.run.notebooks", "--notebook", name, "--one-of-several", *options]
    environment = defaults | os.environ
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, stdin=subprocess.PIPE)


def _stop(running: Sequence[subprocess.Popen]) -> None:
    """Interrupt the processes, each of which ends its kernel, and wait for them; a second interrupt kills them."""
    try:
        for process in running:
            process.send_signal(signal.SIGINT)
        end = time.monotonic() + PATIENCE
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
    finally:
        for process in running:
            process.kill()  # a kernel ends by itself when its process is gone


def end_with_parent() -> None:
    """Have this process, one of several, interrupted when the one that started it ends, however that ends.

    Its standard input is a pipe that nobody writes to, and that the system closes with the parent.
    """

    def watch() -> None:
        if not os.read(sys.__stdin__.fileno(), 1):
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
