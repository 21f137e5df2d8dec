"""A device that runs out of memory gets less at once, and it is said."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch

from cluscam_lite.errors import CluscamError, ClusCAMWarning

Result = TypeVar("Result")


class Shrinking:
    """How much is done at once: `size` of `what`, and half as much from when the device has no memory for it."""

    def __init__(self, size: int, what: str, least: int = 1):
        self.size, self.what, self.least = size, what, least

    def __call__(self, work: Callable[[int], Result]) -> Result:
        """What ``work(size)`` gives, with the largest size that fits.

        Warns when the size is halved. Raises CluscamError if the least does not fit.
        """
        while (found := self._tried(work)) is None:
            if self.size <= self.least:
                raise CluscamError(
                    f"the device has no memory for the least number of {self.what} at once, {self.size}; use a smaller "
                    "network or input, or a CPU"
                )
            before, self.size = self.size, max(self.least, self.size // 2)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            warnings.warn(
                f"{before} {self.what} at once do not fit in the device's memory; going on with {self.size}",
                ClusCAMWarning,
                stacklevel=2,
            )
        return found[0]

    def _tried(self, work: Callable[[int], Result]) -> tuple[Result] | None:
        """The result, or None; outside of the handler, which would keep what had been allocated."""
        try:
            return (work(self.size),)
        except torch.OutOfMemoryError:
            return None
