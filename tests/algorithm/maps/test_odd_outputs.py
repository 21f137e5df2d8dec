"""What is no row of logits for each image is refused by every method and metric, never read as something else."""

import sys

import pytest
import torch
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.maps.layers import layers, map_layers
from cluscam_lite.errors import NotApplicable
from cluscam_lite.interop.gradcam import ClusterCAM
from cluscam_lite.methods import METHODS, method
from cluscam_lite.metrics import deletion, evaluate, insertion

X = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
ODD = {
    "a row less": lambda y: y[: max(1, len(y) - 1)],
    "one row": lambda y: y[:1],
    "no row": lambda y: y[:0],
    "no class": lambda y: y[:, :0],
    "one line of all": torch.flatten,
    "complex": lambda y: y + 0j,
    "truth values": lambda y: y > 0,
    "more axes": lambda y: y[:, None, :, None],
    "sparse": torch.Tensor.to_sparse,
    "text": lambda _: "logits",
    "nothing": lambda _: None,
    "an array": lambda y: y.detach().numpy(),
    "an empty dictionary": lambda _: {},
    "a generator": lambda y: (row for row in y),
    "infinite": lambda y: y / 0,
}


class Gives(nn.Module):
    """A network whose output is changed by `how`."""

    def __init__(self, how=lambda y: y):
        super().__init__()
        torch.manual_seed(0)
        self.maps, self.classes, self.how = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 4), how

    def forward(self, x):
        return self.how(self.classes(torch.relu(self.maps(x)).mean((2, 3))))


def explained(name, net, x=X):
    settings = {"n_clusters": 4} if "n_clusters" in METHODS[name].parameters else {}
    return method(name, net, layer="maps", **settings)(x, 0)


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_refuses_what_are_no_logits(name, how):
    with pytest.raises(CluscamError) as caught:
        explained(name, Gives(ODD[how]).eval())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "how", [how for how in ODD if "row" not in how or how == "no row"]
)  # of one image they are right
@pytest.mark.parametrize("metric", [evaluate, insertion, deletion])
def test_metrics_refuse_it_too(metric, how):
    options = {"fills": ["mean"]} if metric is evaluate else {}
    with pytest.raises(CluscamError):
        metric(Gives(ODD[how]).eval(), X[:1], torch.rand(32, 32), 0, **options)


def test_a_row_that_is_missing_in_a_masked_pass_alone():
    """Some networks drop rows that they take for padding."""
    net = Gives().eval()
    net.how = lambda y: y if len(y) <= 2 else y[:-1]
    with pytest.raises(
        CluscamError, match=r"the model gives a tensor of shape \(\d, 4\) for \d images; expected logits"
    ):
        ClusCAM(net, "maps", n_clusters=4, batch_size=4)(X)


def test_a_function_as_target_may_read_anything():
    found = ClusCAM(Gives(lambda y: {"rows": y[:, None]}).eval(), "maps", n_clusters=4)(X, lambda o: o["rows"][:, 0, 1])
    expected = ClusCAM(Gives().eval(), "maps", n_clusters=4)(X, 1)
    assert torch.equal(found.saliency, expected.saliency)


def test_metrics_run_a_network_in_its_own_precision():
    half, whole = Gives().half().eval(), Gives().eval()
    e = torch.linspace(0, 1, 32 * 32).reshape(32, 32)
    found, expected = (evaluate(net, X[:1], e, 1, fills=["mean"])[0] for net in (half, whole))
    assert found["probability"] == pytest.approx(expected["probability"], abs=2e-3)
    assert insertion(half, X[:1], e, 1)[0] == pytest.approx(insertion(whole, X[:1], e, 1)[0], abs=2e-3)


def test_what_are_no_images_and_no_network():
    for x in (None, "x", X.numpy()):
        with pytest.raises(CluscamError, match="x is .*expected a normalised float tensor"):
            map_layers(Gives(), x)
    with pytest.raises(CluscamError, match="the network is a int; expected a torch module"):
        layers(3, X)


@pytest.mark.parametrize("target_layers", [None, nn.ReLU(), "maps", 3, []], ids=repr)
def test_target_layers_that_are_no_list_of_modules(target_layers):
    with pytest.raises(CluscamError, match="target_layers is .*expected"):
        ClusterCAM(Gives(), target_layers)


@pytest.mark.parametrize("name", METHODS)
def test_a_process_without_a_standard_output(name, monkeypatch):
    """As pythonw has none, and a service."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    try:
        explained(name, Gives().eval())
    except NotApplicable:
        assert name == "cam" or name.startswith("polycam")  # which need more of a network
