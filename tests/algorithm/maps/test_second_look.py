"""Networks that are easily read wrongly: layers that run twice, sequences, rankings and probabilities."""

import warnings

import pytest
from tiny import images, network
from torch import nn

from cluscam_lite import ClusCAM, HookedModel, method
from cluscam_lite.errors import CluscamError, ClusCAMWarning
from cluscam_lite.rivals.head import Head


class Twice(nn.Module):
    """A network run on the images and, later, on others."""

    def __init__(self):
        super().__init__()
        self.net, self.other = network(), images(1, seed=5)

    def forward(self, x):
        return self.net(x) - self.net(self.other.expand_as(x))


class Columns(nn.Module):
    """Reads the maps column by column, as networks for text lines do."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.ReLU())
        self.read, self.last = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 5)

    def forward(self, x):
        columns = self.maps(x).mean(2).transpose(1, 2)  # (B, w, 8)
        return self.last(self.read(columns)[0][:, -1])


class Closed(nn.Module):
    def __init__(self, close):
        super().__init__()
        self.net, self.close = network(classes=10), close

    def forward(self, x):
        return self.close(self.net(x))


@pytest.mark.parametrize("name", ["cluscam", "gradcam", "ablationcam", "opticam"])
def test_a_layer_that_runs_twice_is_noted(name):
    settings = {"iterations": 2} if name == "opticam" else {"n_clusters": 4} if name == "cluscam" else {}
    with pytest.warns(ClusCAMWarning, match="the layer 'net.1' ran 2 times in one pass, and the maps of its last run"):
        method(name, Twice(), layer="net.1", **settings)(images(2))


def test_a_layer_that_runs_once_is_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HookedModel(network(), "1").forward(images(2))
        Head(network(), "1", images(2))


def test_columns_of_a_sequence_are_no_patches():
    x = images(2, 32, 48)  # twelve columns: nine patches and three more tokens, it would seem
    assert ClusCAM(Columns(), n_clusters=4)(x).layer == "maps"
    with pytest.raises(CluscamError, match="layer 'read' gives"):
        ClusCAM(Columns(), "read", n_clusters=4)(x)


def test_a_ranking_is_no_logits():
    with pytest.raises(CluscamError, match="the model gives values with their classes, as topk does, for 2 images"):
        ClusCAM(Closed(lambda logits: logits.topk(3)), "net.1", n_clusters=4)(images(2))


@pytest.mark.parametrize(
    ("close", "words"),
    [
        (lambda logits: logits.softmax(1), "since each row sums to 1: .*; leave its closing softmax out"),
        (lambda logits: logits.log_softmax(1), "the exponentials of each row sum to 1: .* closing log-softmax out"),
        (lambda logits: logits.sigmoid(), "since all lie between 0 and 1: .* closing sigmoid out"),
    ],
    ids=["softmax", "log softmax", "sigmoid"],
)
def test_probabilities_and_their_logarithms_are_noted(close, words):
    with pytest.warns(ClusCAMWarning, match=words):
        ClusCAM(Closed(close), "net.1", n_clusters=4)(images(2))


def test_a_sigmoid_of_few_logits_is_seen_at_the_networks_end():
    net = nn.Sequential(network(classes=1), nn.Sigmoid())
    with pytest.warns(ClusCAMWarning, match="since it ends in a sigmoid: .* leave its closing sigmoid out"):
        ClusCAM(net, n_clusters=4)(images(2))


def test_logits_are_not_taken_for_probabilities():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(20):
            ClusCAM(network(classes=10, seed=seed), n_clusters=4)(images(2))


def test_a_network_for_grey_images_says_so():
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    with pytest.raises(CluscamError, match="the network does not take images of 3 channels .*; expected"):
        ClusCAM(net, n_clusters=4)(images(2))
