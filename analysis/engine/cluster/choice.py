"""Which workers make the cells: some that are started for the run, or those of a scheduler that exists."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from cluscam_lite.errors import CluscamError

SCHEMES = ("tcp", "tls", "ucx", "ws", "wss")


@dataclass(frozen=True)
class Cluster:
    """`workers`: start so many on this machine; `scheduler`: the address of a Dask scheduler, "tcp://HOST:PORT".

    Raises CluscamError unless exactly one is given, for more workers than cores, an address that is none, and where
    Dask is not installed.
    """

    workers: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if (self.workers is None) == (self.scheduler is None):
            raise CluscamError("give either --workers or --scheduler: a cluster is started here, or it exists")
        try:
            import distributed  # noqa: F401
            from dask.system import CPU_COUNT
        except ModuleNotFoundError as error:
            raise CluscamError(
                f"--workers and --scheduler need the package {error.name}, which is not installed; "
                "pip install 'cluscam-lite[cluster]'"
            ) from error
        if self.workers is not None and not 1 <= self.workers <= CPU_COUNT:
            raise CluscamError(f"--workers is from 1 to this machine's {CPU_COUNT} cores, got {self.workers}")
        if self.scheduler is not None:
            object.__setattr__(self, "scheduler", _address(self.scheduler))


def _address(text: str) -> str:
    """The address with its scheme. Raises CluscamError if it lacks a host or a port."""
    whole = text if "://" in text else f"tcp://{text}"
    try:
        parts = urlsplit(whole)
        if parts.scheme in SCHEMES and parts.hostname and parts.port:
            return whole
    except ValueError:  # a port that is no number
        pass
    raise CluscamError(
        f"--scheduler {text!r} is not the address of a Dask scheduler; give it as `dask scheduler` prints it, "
        "tcp://HOST:8786"
    )
