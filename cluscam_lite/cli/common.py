"""Shared by the commands: what they say, the device, an output folder that is removed on failure, short warnings."""

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from ..errors import CluscamError, ClusCAMWarning, check_known, printable
from ..files import output_folder

DEVICES = ("cpu", "cuda")


def say(*lines: str) -> None:
    """Print lines at once, with what is no text in them written out (`printable`)."""
    for line in lines:
        print(printable(line), flush=True)


def check_device(device: str) -> None:
    """Raise UnknownName for a device that is not known, CluscamError for one that cannot be used here."""
    check_known("device", device, DEVICES)
    if device == "cuda" and not torch.cuda.is_available():
        raise CluscamError("no CUDA device can be used here; leave --device out, or check driver and PyTorch's build")


@contextmanager
def made_folder(path: Path) -> Iterator[Path]:
    """The output folder, made if missing; on failure, folders that were made and are still empty are removed."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        yield output_folder(path)
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def short_warnings() -> Iterator[None]:
    """Print each warning as one line on standard error, once; at the end, how often it came where that was often."""
    times: Counter[str] = Counter()

    def show(message: Warning | str) -> None:
        text = printable(f"cluscam: note: {message}")
        times[text] += 1
        if times[text] == 1:
            print(text, file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", ClusCAMWarning)  # each is counted, also where Python would show it once
        warnings.showwarning = lambda message, *_: show(message)
        yield
    for text, n in times.items():
        if n > 1:
            print(f"{text} ({n} times in all)", file=sys.stderr, flush=True)
