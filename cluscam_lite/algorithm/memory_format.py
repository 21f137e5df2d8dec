"""How masked inputs lie in memory: on a CPU most convolutions are faster with the channels last."""

from collections.abc import Callable

import torch
from torch import Tensor

REFUSAL = "view size is not compatible"  # what torch says to `view` on such a tensor


class Passes:
    """Runs a network on inputs (n, 3, H, W): with the channels last on a CPU, as they are elsewhere.

    A network that takes its maps apart with ``x.view(len(x), -1)`` refuses that: it is asked again with a contiguous
    input, and gets no other from then on.
    """

    def __init__(self, device: torch.device):
        self.format = torch.channels_last if device.type == "cpu" else torch.contiguous_format

    def __call__(self, output: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """The network's output for x."""
        try:
            return output(x.contiguous(memory_format=self.format))
        except RuntimeError as error:
            if self.format is not torch.channels_last or REFUSAL not in str(error):
                raise
        self.format = torch.contiguous_format
        return output(x.contiguous())
