"""Global average pooling as a weighted sum, and the gradient behind it (Zhou et al. 2016; Selvaraju et al. 2016)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cluscam_lite import HookedModel
from cluscam_lite.errors import NotApplicable
from cluscam_lite.rivals.cam import classifier
from cluscam_lite.rivals.gradients import differentiable_output, gradient_of


@dataclass(frozen=True)
class PooledLogit:
    """The terms of one class's logit: `maps` (d, h, w), `weights` (d,), the `bias`, and the network's `logit`."""

    maps: Tensor
    weights: Tensor
    bias: float
    logit: float

    @property
    def terms(self) -> Tensor:
        """The contribution of each map to the logit, weight times mean: (d,)."""
        return self.weights * self.maps.mean((1, 2))

    @property
    def places(self) -> Tensor:
        """CAM before any ReLU, (h, w). Its mean is logit - bias."""
        return torch.einsum("d,dhw->hw", self.weights, self.maps)


@torch.no_grad()
def pooled_logit(module: nn.Module, layer: str, x: Tensor, target: int) -> PooledLogit:
    """The logit of `target` for one image x (1, 3, H, W) as a sum over the maps of `layer`.

    Raises NotApplicable unless the network averages these maps and classifies the averages linearly.
    """
    maps, output = HookedModel(module, layer).forward(x)
    name, weights = classifier(module, maps, output)
    if weights is None:
        raise NotApplicable(
            f"the logits are not a linear function of the means of {layer!r}; choose a network with global average "
            "pooling before its classifier, and the layer before the pooling"
        )
    bias = module.get_submodule(name).bias
    added = 0.0 if bias is None else float(bias[target])
    return PooledLogit(maps[0], weights[target], added, float(output[0, target]))


def mean_gradients(module: nn.Module, layer: str, x: Tensor, target: int) -> Tensor:
    """GradCAM's weights: the mean over the places of the logit's derivative by each map of `layer`, (d,)."""
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[-1]

    handle = module.get_submodule(layer).register_forward_hook(keep)
    try:
        logit = differentiable_output(module, x)[:, target]
    finally:
        handle.remove()
    return gradient_of(logit, kept[-1], "the maps")[0].mean((1, 2))
