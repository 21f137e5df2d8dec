"""Networks of each layout, and the package grad-cam called as its documentation has it: the adapters' oracle."""

import pytest
import torch
from callers import pyramid
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.maps.layouts import to_maps


class Tokens(nn.Module):
    """Patch tokens with a class token that attends to them, which alone is read; and a part without use."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.token = nn.Conv2d(3, 8, 8, stride=8), nn.Parameter(torch.randn(1, 1, 8))
        self.norm, self.mix, self.last, self.head = nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 5)
        self.aside = nn.Conv2d(3, 4, 8, stride=8)

    def forward(self, x):
        self.aside(x)
        t = self.embed(x).flatten(2).mT
        t = self.norm(torch.cat([self.token.expand(len(x), -1, -1), t], 1))
        t = t + nn.functional.scaled_dot_product_attention(t, t, self.mix(t))
        return self.head(self.last(t)[:, 0].tanh())


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.body, self.fc = nn.Conv2d(3, 6, 4, stride=4), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.body(self.stem(x).permute(0, 2, 3, 1)).tanh().mean((1, 2)))


def directly(name, model, layer, x, target, **settings):
    """A call of the package as its documentation has it."""
    hooked = HookedModel(model, layer)
    hooked.forward(x)
    transform = None if hooked.layout.kind == "NCHW" else (lambda output: to_maps(output, hooked.layout))
    grad_cam = pytest.importorskip("pytorch_grad_cam")
    targets = [grad_cam.utils.model_targets.ClassifierOutputTarget(int(c)) for c in target]
    module = model.get_submodule(layer)
    with getattr(grad_cam, name)(model, [module], reshape_transform=transform, **settings) as cam:
        return torch.from_numpy(cam(x, targets))


NETWORKS = [
    (lambda: pyramid(inplace=False), "6"),
    (lambda: pyramid(inplace=False), "3"),
    (Tokens, "norm"),
    (Tokens, "embed"),
    (ChannelsLast, "body"),
]
