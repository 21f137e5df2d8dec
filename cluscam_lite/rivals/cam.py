"""CAM: the class activation maps of networks that average their last maps and classify linearly."""

import torch
from torch import Tensor, nn

from ..algorithm.borrowed import eval_mode
from ..algorithm.targets import Target
from ..errors import NotApplicable
from ..explanation import Explanation
from .common import Rival, finish, hooked, read_class

TOLERANCE = 1e-3  # of the largest logit


class CAM(Rival):
    r"""The last maps, weighed by the classifier's own weights (Zhou et al. 2016, arXiv 1512.04150).

    Where the logits are :math:`y_c = \sum_k w_k^c \, \mathrm{mean}(A_k) + b_c`, the map is :math:`\sum_k w_k^c A_k`
    (Eqs. 1, 2), with no ReLU: its mean is the logit less the bias. Whether the network is of this kind is tested on
    the images themselves: it is if some linear layer, or convolution of 1 x 1, turns the means of the maps into the
    logits (within 1e-3 of the largest).

    Args:
        model: a torch module that gives logits (B, C).
        layer: dotted name of the layer to read; None takes the deepest that gives maps.
    """

    def __init__(self, model: nn.Module, layer: str | None = None):
        self.model = hooked(model, layer)

    @torch.no_grad()
    def _explain(self, x: Tensor, target: Target) -> Explanation:
        reading = read_class(self.model, x, target)
        with eval_mode(self.model.module):  # reading a weight may compute it, and in train mode change its state
            name, weights = classifier(self.model.module, reading.maps, reading.output)
        if weights is None:
            raise NotApplicable(
                f"CAM needs a network that averages the maps of its last layer and classifies them linearly, and after "
                f"{self.model.layer_name!r} this one does something else; use GradCAM, which CAM is a case of"
            )
        return finish(
            class_activation(reading.maps, weights[reading.target]),
            reading.size,
            reading,
            layer=self.model.layer_name,
            notes=(f"maps: {self.model.layout}", f"classifier: {name!r}"),
        )


def class_activation(maps: Tensor, weights: Tensor) -> Tensor:
    """Eq. 2: maps (B, d, h, w) weighed by the weights (B, d) of each image's class, (B, h, w)."""
    return torch.einsum("bd,bdhw->bhw", weights.to(maps), maps)


def classifier(module: nn.Module, maps: Tensor, output: Tensor) -> tuple[str, Tensor | None]:
    """Name and weights (C, d) of the part of `module` that makes `output` (B, C) of the means of `maps`, or None."""
    means = maps.mean((2, 3))  # (B, d)
    for name, part in module.named_modules():
        if not isinstance(part, nn.Linear | nn.Conv2d) or part.weight.shape[:2] != (output.shape[1], maps.shape[1]):
            continue
        weights = part.weight.flatten(1)  # (C, d), or more columns if a convolution is larger than 1 x 1
        if weights.shape[1] != maps.shape[1]:
            continue
        logits = nn.functional.linear(means.to(weights), weights, part.bias)  # (B, C)
        if (logits - output).abs().max() <= TOLERANCE * output.abs().max():
            return name, weights.detach()
    return "", None
