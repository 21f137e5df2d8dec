"""A Dask cluster on this machine, for one run: each worker has a GPU, or a share of the cores."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging import CRITICAL
from typing import Any

import dask
from dask.system import CPU_COUNT
from distributed import Nanny, Scheduler, SpecCluster

HOST = "127.0.0.1"
FAILURES = 2  # workers that a cell may end before it is named and left: one may be chance, three are not
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PATIENCE = 10  # seconds in which the cluster is taken down
GPUS = "CUDA_VISIBLE_DEVICES"


@contextmanager
def local_cluster(workers: int) -> Iterator[SpecCluster]:
    """A scheduler in this process and `workers` processes, all gone at the end. They listen on this machine alone."""
    with _environment(workers):
        options = {"host": HOST, "nthreads": 1, "memory_limit": 0, "dashboard": False, "silence_logs": CRITICAL}
        options |= {"quiet": True, "preload": ["analysis.engine.cluster.deaf"]}
        shares = gpu_shares(workers)
        specs = {i: {"cls": Nanny, "options": options | {"env": shares[i]}} for i in range(workers)}
        web = {"dashboard": True, "dashboard_address": f"{HOST}:0"}  # any free port
        scheduler = {"cls": Scheduler, "options": {"host": HOST, "allowed_failures": FAILURES} | web}
        cluster = SpecCluster(workers=specs, scheduler=scheduler, silence_logs=CRITICAL)
        try:
            yield cluster
        finally:
            _end(cluster)


def gpu_shares(workers: int) -> list[dict[str, str]]:
    """The environment of each worker: one GPU each, in turns; nothing where there is none."""
    gpus = _gpus()
    return [{GPUS: gpus[i % len(gpus)]} if gpus else {} for i in range(workers)]


def _gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    torch = sys.modules.get("torch")
    if torch is None:  # a study that has not loaded it has no network to place
        return []
    count = torch.cuda.device_count()
    named = [name for name in os.environ.get(GPUS, "").split(",") if name]
    return (named or [str(i) for i in range(count)])[:count]


@contextmanager
def _environment(workers: int) -> Iterator[None]:
    """Each worker gets its share of the cores, unless the environment says how many threads there are.

    Dask sets these for itself too, to one thread, and makes memory go back to the system, which slows small networks.
    """
    share = str(max(1, CPU_COUNT // workers))
    before = dict(os.environ)
    # MKL and OpenBLAS follow this one, too, where nothing is said of their own
    share = before.get("OMP_NUM_THREADS", share)
    wanted: dict[str, Any] = {name: before.get(name, share) for name in THREADS}
    started_again = "distributed.deploy.lost-worker-timeout"  # Dask gives a worker up that takes longer
    with dask.config.set({"distributed.nanny.pre-spawn-environ": wanted, started_again: "1 hour"}):
        try:
            yield
        finally:
            for name in [name for name in os.environ if name not in before]:
                del os.environ[name]
            os.environ.update(before)


def _end(cluster: SpecCluster) -> None:
    """End the workers at once: what they are making is lost in any case, and a cell may take minutes."""
    for nanny in list(cluster.workers.values()):
        nanny.close_gracefully()  # what Dask calls not starting it again
        if pid := nanny.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with suppress(TimeoutError):  # whatever is left ends with this process
        cluster.close(timeout=PATIENCE)
