"""A client of the cluster that was chosen."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from distributed import Client, SpecCluster
from distributed.comm import connect
from distributed.security import Security

from analysis.engine.cluster.choice import Cluster
from analysis.engine.cluster.local import local_cluster
from cluscam_lite.errors import CluscamError

ANSWER = 10.0  # seconds in which a scheduler answers at first
PATIENCE = 60.0  # seconds in which one that is known does, however busy it is


@contextmanager
def connected(cluster: Cluster, say: Callable[[str], None]) -> Iterator[Client]:
    """A client of the cluster; what was started for it ends with it. Raises CluscamError if nobody answers."""
    with _quiet():
        if cluster.workers is None:
            with _client(cluster.scheduler) as client:
                say(f"the scheduler {cluster.scheduler} answers{_dashboard(client)}")
                yield client
        else:
            with local_cluster(cluster.workers) as started, _client(started) as client:
                many = "1 worker is" if cluster.workers == 1 else f"{cluster.workers} workers are"
                say(f"{many} started on this machine{_dashboard(client)}")
                yield client


def check_scheduler(address: str) -> None:
    """Raise CluscamError unless a Dask scheduler answers there. `Client` would wait for ever for a deaf one."""
    with ThreadPoolExecutor(1) as thread:  # a thread of its own: a notebook has a running loop in this one
        asked = thread.submit(asyncio.run, asyncio.wait_for(_type_of(address), ANSWER))
        try:
            kind = asked.result()
        except (OSError, ValueError, TypeError, RuntimeError) as error:  # the last three: TLS is not set up
            raise CluscamError(
                f"the scheduler {address} does not answer within {ANSWER:g} s; start it with `dask scheduler`, or "
                "correct --scheduler"
            ) from error
    if kind != "Scheduler":
        raise CluscamError(f"at {address} is a Dask {kind.lower()}; give --scheduler the address of its scheduler")


async def _type_of(address: str) -> str:
    """What Dask says of itself at an address: "Scheduler", "Worker" or "Nanny"."""
    comm = await connect(address, timeout=ANSWER, **Security().get_connection_args("client"))
    try:
        await comm.write({"op": "identity", "reply": True})
        return (await comm.read())["type"]
    finally:
        comm.abort()


@contextmanager
def _client(place: str | SpecCluster) -> Iterator[Client]:
    if isinstance(place, str):
        check_scheduler(place)
    client = Client(place, timeout=PATIENCE, set_as_default=False)
    try:
        yield client
    finally:
        with suppress(TimeoutError):
            client.close(timeout=ANSWER)


def _dashboard(client: Client) -> str:
    """Where a browser shows the cluster at work; nothing where Dask has no dashboard."""
    link = client.dashboard_link
    return f"; watch it at {link}" if link else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's log is silent: what a user can act on is said in sentences."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
