"""Random networks, layers and images: an explanation without NaN, or one sentence."""

import pytest
import torch
from fuzzing import examples, try_all
from hypothesis import strategies as st
from torch import nn

from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import METHODS, method

LIGHT = [name for name, info in METHODS.items() if "grad-cam" not in info.reference]  # its import takes seconds
SETTINGS = {"n_clusters": 2, "iterations": 2, "n_groups": 2}


class Tokens(nn.Module):
    def __init__(self, width, prefix):
        super().__init__()
        self.prefix, self.mix = prefix, nn.Linear(width, width)

    def forward(self, x):
        tokens = x.flatten(2).mT
        first = tokens.mean(1, keepdim=True).expand(-1, self.prefix, -1)
        return self.mix(torch.cat([first, tokens], 1))


class First(nn.Module):
    def forward(self, x):
        return x[:, 0]


@st.composite
def networks(draw):
    width, stride = draw(st.sampled_from([1, 2, 5, 8])), draw(st.sampled_from([1, 2, 4, 7]))
    parts = [nn.Conv2d(3, width, stride, stride)]
    for kind in draw(st.lists(st.sampled_from(["relu", "norm", "pool", "conv", "sigmoid"]), max_size=3)):
        made = {
            "relu": nn.ReLU(draw(st.booleans())),
            "norm": nn.BatchNorm2d(width),
            "pool": nn.MaxPool2d(2, ceil_mode=True),
            "conv": nn.Conv2d(width, width, 3, padding=1),
            "sigmoid": nn.Sigmoid(),
        }
        parts.append(made[kind])
    classes = draw(st.sampled_from([1, 2, 7]))
    if draw(st.booleans()):
        parts += [Tokens(width, draw(st.sampled_from([1, 2, 5]))), First(), nn.Linear(width, classes)]
    else:
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]
    torch.manual_seed(draw(st.integers(0, 3)))
    network = nn.Sequential(*parts).eval()
    for p in network.parameters():
        nn.init.normal_(p, std=0.5)
    layer = draw(st.sampled_from([None, *(name for name, _ in network.named_modules() if name)]))
    size = draw(st.tuples(*[st.sampled_from([7, 16, 28, 33, 64])] * 2))
    images = torch.randn(draw(st.sampled_from([1, 2])), 3, *size)
    if draw(st.integers(0, 9)) == 0:
        images = torch.zeros_like(images)
    return network, layer, images, draw(st.sampled_from(LIGHT))


@examples(60, 1000)
@pytest.mark.filterwarnings("ignore")
def test_any_layer_of_any_network(n):
    seen = {True: 0, False: 0}

    def check(example):
        network, layer, x, name = example
        before = [(key, value.clone()) for key, value in network.state_dict().items()]
        settings = {key: value for key, value in SETTINGS.items() if key in METHODS[name].parameters}
        try:
            e = method(name, network, layer=layer, mean=(0.5,) * 3, std=(0.2,) * 3, **settings)(x)
        except CluscamError as error:
            assert str(error) and "\n" not in str(error)
            seen[False] += 1
        else:
            assert e.saliency.shape == (len(x), *x.shape[2:]) and torch.isfinite(e.saliency).all()
            assert e.saliency.min() >= 0 and e.saliency.max() <= 1
            seen[True] += 1
        assert not any(part._forward_hooks or "forward" in vars(part) for part in network.modules())
        assert not any(part.training for part in network.modules())
        assert all(torch.equal(value, network.state_dict()[key]) for key, value in before)

    try_all(n, networks(), check)
    assert min(seen.values()) > 0
