"""ClusCAM as an ``explain_func`` of Quantus (extra ``quantus``).

>>> from cluscam_lite.interop.quantus import explain
>>> metric(model, x_batch, y_batch, explain_func=explain, explain_func_kwargs={"layer": "layer4"})    # doctest: +SKIP
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from ..cluscam import ClusCAM, check_names
from ..errors import CluscamError


def explain(
    model: nn.Module,
    inputs: Any,
    targets: Any,
    layer: str | nn.Module | None = None,
    device: Any = None,
    **settings: Any,
) -> np.ndarray:
    """Saliency of a batch, with the signature of Quantus' explanation functions.

    Args:
        model: a torch module that gives logits.
        inputs: (B, 3, H, W), an array or a tensor, normalised as the network needs it.
        targets: (B,) classes; None explains each image's first class.
        layer: the module whose maps are read, or its dotted name; None takes the deepest that gives maps.
        device: what Quantus passes on; images go where the model is.
        settings: of `ClusCAM`.

    Returns:
        (B, 1, H, W) float32 in [0, 1].

    Raises:
        CluscamError: as `ClusCAM`; for a model that is not of PyTorch, too.
    """
    if not isinstance(model, nn.Module):
        raise CluscamError(f"model is a {type(model).__name__}; expected a torch module (Quantus' PyTorch models)")
    x = torch.as_tensor(np.asarray(inputs) if not isinstance(inputs, torch.Tensor) else inputs)
    target = None if targets is None else _classes(np.asarray(targets))
    check_names(settings)
    found = ClusCAM(model, layer, **settings)(x.float(), target)
    return found.saliency[:, None].cpu().numpy().astype(np.float32)


def _classes(targets: np.ndarray) -> torch.Tensor:
    if targets.dtype.kind not in "iuf" or (targets != np.trunc(targets)).any():
        raise CluscamError(f"targets are {targets.tolist()!r}; expected a class for each image, whole numbers")
    return torch.as_tensor(targets).long().reshape(-1)
