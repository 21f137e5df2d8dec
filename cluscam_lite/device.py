"""Where the commands and the studies evaluate a network, and in how many bits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .errors import check_known

PASSES_IN = ("float32", "tf32", "bfloat16")


def placed(module: nn.Module, device: str | None = None) -> nn.Module:
    """The network in eval mode on `device`; None: on the GPU, or, where torch sees none, on the CPU.

    TF32, which PyTorch uses for convolutions on a GPU unless told otherwise, is switched off for the process: it keeps
    ten bits of the mantissa, and a change of the logit is the difference of two numbers that are nearly equal.
    """
    torch.backends.cudnn.allow_tf32 = False
    return module.eval().to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def in_precision(module: nn.Module, precision: str) -> Iterator[None]:
    """Within, every pass of the network runs in this precision, whoever makes it; all else stays in float32.

    Unlike the setting `precision` of ClusCAM, which is of the masked passes alone, this is of all: those that give maps
    and classes, those of rivals, with their gradients, and those of the metrics.

    Args:
        module: the network. It is the same afterwards.
        precision: "float32"; "tf32" (products and convolutions of a GPU keep ten bits of the mantissa; on a CPU it
            changes nothing); "bfloat16" (autocast: seven bits; a tensor of logits is given back as float32).

    Raises:
        UnknownName: another precision.
    """
    check_known("precision", precision, PASSES_IN)
    if precision == "bfloat16":
        with _autocast(module):
            yield
        return
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


@contextmanager
def _autocast(module: nn.Module) -> Iterator[None]:
    """Autocast begins and ends with each call of the network, so that no arithmetic outside of it is touched."""
    under_way: list[Any] = []

    def begin(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        device = next((value.device.type for value in inputs if isinstance(value, Tensor)), "cpu")
        under_way.append(torch.autocast(device, torch.bfloat16))
        under_way[-1].__enter__()

    def end(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> Any:
        under_way.pop().__exit__(None, None, None)
        return output.float() if isinstance(output, Tensor) else output

    with module.register_forward_pre_hook(begin), module.register_forward_hook(end, always_call=True):
        yield
