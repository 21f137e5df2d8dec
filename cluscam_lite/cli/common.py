"""What commands have in common: the device, an output folder that leaves no trace of a failure, short warnings."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from ..errors import CluscamError, unknown
from ..files import output_folder

DEVICES = ("cpu", "cuda")


def check_device(device: str) -> None:
    """Raise UnknownName for a device that is not known, CluscamError for one that cannot be used here."""
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    if device == "cuda" and not torch.cuda.is_available():
        raise CluscamError("no CUDA device can be used here; leave --device out, or check driver and PyTorch's build")


@contextmanager
def made_folder(path: Path) -> Iterator[Path]:
    """The output folder, made if missing; on failure what was made and is still empty goes again."""
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
    """Warnings as one line each."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"cluscam: note: {message}", file=sys.stderr)
        yield
