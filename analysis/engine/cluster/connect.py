"""A client of the cluster that was chosen."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client

from analysis.engine.cluster.choice import Cluster
from analysis.engine.cluster.local import local_cluster
from cluscam_lite.errors import CluscamError, reason_of

ANSWER = 10.0  # seconds in which a scheduler answers


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
                say(f"{cluster.workers} workers are started on this machine{_dashboard(client)}")
                yield client


@contextmanager
def _client(address: Any) -> Iterator[Client]:
    try:
        client = Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CluscamError(
            f"the scheduler {address} does not answer within {ANSWER:.0f} s ({reason_of(error)}); "
            "start it with `dask scheduler`, or correct --scheduler"
        ) from error
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
