"""Odd targets, and networks that compute again or rule gradients out: right, or refused; and left as they were."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.targets import asks_for_classes
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import METHODS, method

GRADIENTS = [name for name, info in METHODS.items() if info.gradients and not name.startswith("polycam")]


def plain():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    ).eval()  # fmt: skip


def settings_of(name):
    few = {"n_clusters": 4, "iterations": 3}
    return {key: value for key, value in few.items() if key in METHODS[name].parameters}


def images(n=1):
    return torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("target", [[lambda row: row[0]], (lambda row: row[0],), lambda output: output[:, 0]])
@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("cluscam", "inverted")])
def test_a_method_that_explains_classes_takes_no_function_in_a_list_either(name, target):
    assert not asks_for_classes(target)
    with pytest.raises(CluscamError, match="this method explains a class"):
        method(name, plain(), layer="1", **settings_of(name))(images(), target)


@pytest.mark.parametrize("wrong", [-1, 5, "a", True, 1.0, None])
def test_classes_beside_functions_are_classes_of_the_network(wrong):
    with pytest.raises(CluscamError, match="target 1 is .* of 5 classes"):
        ClusCAM(plain(), "1", n_clusters=4)(images(2), [lambda row: row[1], wrong])
    e = ClusCAM(plain(), "1", n_clusters=4)(images(2), [lambda row: row[1], 3])
    expected = ClusCAM(plain(), "1", n_clusters=4)(images(2), torch.tensor([1, 3]))
    assert torch.equal(e.saliency, expected.saliency)


class Noise(nn.Module):
    """Noise, but in eval mode."""

    def forward(self, x):
        return x + torch.randn_like(x) if self.training else x


class Checkpointed(nn.Module):
    """What is forgotten in the forward pass is computed again in the backward pass."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.maps = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), Noise(), nn.BatchNorm2d(16), nn.ReLU())
        self.classes = nn.Linear(16, 5)

    def forward(self, x):
        return self.classes(checkpoint(self.maps, x, use_reentrant=False).mean((2, 3)))


@pytest.mark.parametrize("name", GRADIENTS)
def test_what_is_computed_again_is_computed_in_eval_mode(name):
    net = Checkpointed()
    explain = method(name, net, layer="maps", **settings_of(name))
    expected = explain(images(), 2) if net.eval() is net else None
    before = {key: value.clone() for key, value in net.train().state_dict().items()}
    assert torch.equal(explain(images(), 2).saliency, expected.saliency)
    assert net.training and all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_a_network_made_in_inference_mode(name):
    with torch.inference_mode():
        net = plain()
    explain = method(name, net, layer="1", **settings_of(name))
    if name in GRADIENTS:
        with pytest.raises(NotApplicable, match=r"was made in torch\.inference_mode"):
            explain(images(), 1)
    elif not name.startswith("polycam"):
        assert torch.isfinite(explain(images(), 1).saliency).all()
    assert all(parameter.requires_grad for parameter in net.parameters())


class Inferring(nn.Module):
    """A network that enters inference mode itself."""

    def __init__(self):
        super().__init__()
        self.net = plain()

    @torch.inference_mode()
    def forward(self, x):
        return self.net(x)


@pytest.mark.parametrize("name", METHODS)
def test_a_network_that_enters_inference_mode(name):
    explain = method(name, Inferring().eval(), layer="net.1", **settings_of(name))
    try:
        e = explain(images(), 1)
    except CluscamError as error:
        assert name in GRADIENTS or name.startswith("polycam"), error
    else:
        assert torch.equal(e.saliency, method(name, plain(), layer="1", **settings_of(name))(images(), 1).saliency)
