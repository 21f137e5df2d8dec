"""Is there a network? Asked once before a download, because the hubs' own clients retry for a minute first."""

import threading
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def reachable(url: str, timeout: float = 5.0) -> bool:
    """True if the host of `url` answers at all, through the system's proxies, within `timeout` seconds."""
    answers: list[bool] = []
    # a thread, because looking up a host's address has no time limit of its own
    probe = threading.Thread(target=lambda: answers.append(_answers(url, timeout)), daemon=True)
    probe.start()
    probe.join(timeout)
    return bool(answers and answers[0])


def _answers(url: str, timeout: float) -> bool:
    try:
        with urlopen(Request(url, method="HEAD"), timeout=timeout):
            return True
    except HTTPError:
        return True  # refused, but by somebody
    except (OSError, ValueError):
        return False
