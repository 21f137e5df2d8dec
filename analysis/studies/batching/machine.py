"""How a machine works through a cell: how many images at once, and who decodes them.

These settings change no row but by rounding, so they are no part of a cell, and a machine may differ from the next.
They are read from the environment, which the command line and a profile write.
"""

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.errors import CluscamError

PREFIX = "CLUSCAM_"  # of the variables: CLUSCAM_BATCH, CLUSCAM_LOADERS, CLUSCAM_CHANNELS_LAST
ON_A_GPU = 32  # images explained at once
MOST_LOADERS = 4


@dataclass(frozen=True)
class Machine:
    """The settings of one process; None: chosen by the device.

    Attributes:
        batch: images explained at once. On a CPU one, which is as fast there, and gives to the bit the maps that
            an image gets alone; elsewhere 32.
        loaders: processes that read and decode images ahead of the device, where processes can be forked (Linux). On
            a CPU none: they would take the cores that the network needs.
        channels_last: 1 if the network's weights are to lie with the channels last, which suits convolutions in low
            precision on a GPU. On a CPU the inputs of masked passes lie so in any case.
    """

    batch: int | None = None
    loaders: int | None = None
    channels_last: int = 0

    @classmethod
    def here(cls) -> "Machine":
        """The settings that the environment has. Raises CluscamError for one that is no whole number, or too small."""
        found = {field.name: os.environ.get(PREFIX + field.name.upper()) for field in fields(cls)}
        return cls(**{name: _number(name, text) for name, text in found.items() if text})

    def images(self, device: torch.device) -> int:
        """Images explained at once on `device`."""
        return self.batch or (1 if device.type == "cpu" else ON_A_GPU)

    def group(self, x: Tensor) -> int:
        """Images whose masked copies share passes: those explained at once, or more where a pass takes more."""
        return max(self.images(x.device), default_batch_size(x))

    def workers(self, device: torch.device) -> int:
        """Processes that decode for `device`; none where this process may have no children, or cannot be forked."""
        if multiprocessing.current_process().daemon or multiprocessing.get_start_method() != "fork":
            return 0
        if self.loaders is not None:
            return self.loaders
        return 0 if device.type == "cpu" else min(MOST_LOADERS, max(1, (os.cpu_count() or 1) - 1))


@contextmanager
def named_machine(given: Mapping[str, Any]) -> Iterator[None]:
    """The settings of `Machine` among those `given` are what the environment says within."""
    names = {PREFIX + field.name.upper(): given.get(field.name) for field in fields(Machine)}
    chosen = {name: str(value) for name, value in names.items() if value is not None}
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        Machine.here()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _number(name: str, text: str) -> int:
    least = 1 if name == "batch" else 0
    if not text.strip().isdecimal() or int(text) < least:
        raise CluscamError(f"{name} is {text!r}; expected a whole number of at least {least}")
    return int(text)
