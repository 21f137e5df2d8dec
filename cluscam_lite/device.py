"""Where the commands and the studies evaluate a network, in all bits of float32."""

import torch
from torch import nn


def placed(module: nn.Module, device: str | None = None) -> nn.Module:
    """The network in eval mode on `device`; None: on the GPU, or, where torch sees none, on the CPU.

    TF32, which PyTorch uses for convolutions on a GPU unless told otherwise, is switched off for the process: it keeps
    ten bits of the mantissa, and a change of the logit is the difference of two numbers that are nearly equal.
    """
    torch.backends.cudnn.allow_tf32 = False
    return module.eval().to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
