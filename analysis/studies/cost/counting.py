"""A network that counts: images that go through it, forward and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cluscam_lite.algorithm.maps.outputs import class_logits


@dataclass
class Count:
    """Images that went through a network or its head, and images whose output was differentiated."""

    forward: int = 0
    backward: int = 0


@contextmanager
def counting(module: nn.Module) -> Iterator[Count]:
    """Count what goes through `module` inside the block."""
    count = Count()

    def before(_module: nn.Module, inputs: tuple, named: dict) -> None:
        count.forward += len(next((value for value in (*inputs, *named.values()) if isinstance(value, Tensor)), ()))

    def back(gradient: Tensor) -> None:
        count.backward += len(gradient)

    def after(_module: nn.Module, _inputs: tuple, output: Any) -> None:
        logits = output if isinstance(output, Tensor) else class_logits(output)
        if isinstance(logits, Tensor) and torch.is_grad_enabled() and logits.requires_grad:
            logits.register_hook(back)

    handles = [module.register_forward_pre_hook(before, with_kwargs=True), module.register_forward_hook(after)]
    try:
        yield count
    finally:
        for handle in handles:
            handle.remove()
