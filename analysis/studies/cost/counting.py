"""A network that counts: images that go through it, forward and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Count:
    """Images that went through a network or its head, and images whose output was differentiated."""

    forward: int = 0
    backward: int = 0


@contextmanager
def counting(module: nn.Module) -> Iterator[Count]:
    """Count what goes through `module` inside the block."""
    count = Count()

    def before(_module: nn.Module, inputs: tuple) -> None:
        count.forward += len(inputs[0])

    def back(gradient: Tensor) -> None:
        count.backward += len(gradient)

    def after(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
        if torch.is_grad_enabled() and output.requires_grad:
            output.register_hook(back)

    handles = [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        yield count
    finally:
        for handle in handles:
            handle.remove()
