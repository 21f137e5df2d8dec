"""Networks whose logits depend on chance or on the batch, or that take one image at a time: never in silence."""

import warnings

import pytest
import torch
from tiny import images, network
from torch import nn
from torch.nn import functional as F

from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError, ClusCAMWarning
from cluscam_lite.methods import method
from cluscam_lite.metrics import deletion, evaluate


class Dropping(nn.Module):
    """Dropout that eval mode does not switch off."""

    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return F.dropout(self.net(x), 0.5, training=True)


class Sharing(nn.Module):
    """Every image's logits hold the mean of the batch's."""

    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        logits = self.net(x)
        return logits + logits.mean(0)


class One(nn.Module):
    """Takes one image: `how` it goes wrong with more."""

    def __init__(self, how):
        super().__init__()
        self.net, self.how = network(), how

    def forward(self, x):
        if self.how == "reshapes":
            x = x.reshape(1, 3, *x.shape[-2:])
        elif self.how == "asserts":
            assert len(x) == 1
        logits = self.net(x)
        return logits[:1] if self.how == "drops" else logits


def without_statistics():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8, track_running_stats=False), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip


def test_chance_in_the_logits_is_noted():
    with pytest.warns(ClusCAMWarning, match="logits that differ by .*: they depend on chance, and so do all scores"):
        ClusCAM(Dropping(), n_clusters=4)(images(1))


def test_logits_of_the_batch_are_noted():
    with pytest.warns(ClusCAMWarning, match="depend on chance or on the other images of the batch"):
        ClusCAM(Sharing(), n_clusters=4)(images(3))


def test_a_normalisation_by_the_batch_is_noted():
    with pytest.warns(ClusCAMWarning, match="the layer '1' normalises by the images that share a pass"):
        ClusCAM(without_statistics(), "2", n_clusters=4)(images(1))
    with pytest.warns(ClusCAMWarning, match="the layer '1' normalises"):
        method("opticam", without_statistics(), layer="2", iterations=2)(images(1))


@pytest.mark.parametrize("n", [1, 3])
def test_nothing_is_noted_of_a_steady_network(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ClusCAM(network(), n_clusters=4)(images(n))
        ClusCAM(network().half().float(), n_clusters=4)(images(n))


@pytest.mark.parametrize(("how", "message"), [
    ("reshapes", r"takes one image, and not 4 in a pass \(shape .*\); set batch_size=1, and give one image in a call"),
    ("asserts", r"takes one image, and not 4 in a pass \(.*\); set batch_size=1"),
    ("drops", r"gives a tensor of shape \(1, 5\) for 4 images; .*, or one image at a time: set batch_size=1"),
])  # fmt: skip
def test_a_network_that_takes_one_image_alone_says_so(how, message):
    x = images(1)
    with pytest.raises(CluscamError, match=message):
        ClusCAM(One(how), "net.1", n_clusters=4)(x)
    with pytest.raises(CluscamError, match="batch_size=1"):
        ClusCAM(One(how), "net.1", n_clusters=4)(images(2))
    e = ClusCAM(One(how), "net.1", n_clusters=4, batch_size=1)(x)
    assert torch.equal(e.saliency, ClusCAM(network(), "1", n_clusters=4, batch_size=1)(x).saliency)


def test_what_is_wrong_with_one_image_too_is_passed_on():
    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x):
            raise RuntimeError("a mistake of its own")

    with pytest.raises(RuntimeError, match="a mistake of its own"):
        ClusCAM(Wrong(), "net.1", n_clusters=4)(images(2))


def test_the_metrics_say_it_too():
    with pytest.raises(CluscamError, match="set batch_size=1"):
        evaluate(One("asserts"), images(1, 32, 32), torch.rand(32, 32), 0, ["mean"])


def test_the_metrics_ask_one_by_one_if_they_are_told_to():
    x, grid = images(1, 32, 32), torch.rand(32, 32, generator=torch.Generator().manual_seed(1))

    def odds(net, n):
        return [row["log_odds_masked"] for row in evaluate(net, x, grid, 0, ["mean", "blur"], batch_size=n)]

    assert odds(One("asserts"), 1) == pytest.approx(odds(network(), 4), abs=1e-5)
    (auc, curve), (other, same) = (
        deletion(net, x, grid, 0, batch_size=n) for net, n in ((One("asserts"), 1), (network(), 4))
    )
    assert auc == pytest.approx(other, abs=1e-5) and torch.allclose(curve, same, atol=1e-5)
