"""What a user can get wrong with ClusCAM: one sentence each."""

import math

import numpy as np
import pytest
import torch
from tiny import images, network
from torch import nn

from cluscam_lite import ClusCAM, load_image, load_model, read
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.methods import method


class Broken(nn.Module):
    """NaN for inputs that are partly hidden, or for all."""

    def __init__(self, always):
        super().__init__()
        self.net, self.always = network(), always

    def forward(self, x):
        output = self.net(x)
        hidden = (x.abs().mean((1, 2, 3)) < 0.75)[:, None] | torch.tensor(self.always)
        return output.masked_fill(hidden, math.nan)


@pytest.mark.parametrize("always", [True, False])
def test_nan_raises(always):
    with pytest.raises(CluscamError, match="gave NaN"):
        ClusCAM(Broken(always), layer="net.1", n_clusters=4)(images())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_clusters": 0}, "expected 1 to 24"),
        ({"n_clusters": 25}, "expected 1 to 24"),
        ({"drop_ratio": 37.12}, "0 <= r < 1"),
        ({"temperature": 0}, "tau > 0"),
        ({"batch_size": 0}, "at least 1"),
        ({"seed": -1}, "from 0 to"),
        ({"space": "row"}, "nearest: raw"),
        ({"fill": "means"}, "nearest: mean"),
        ({"clustering": "kmeens"}, "nearest: kmeans"),
        ({"layer": "8"}, "unknown layer"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(CluscamError, match=message):
        ClusCAM(network(), **arguments)(images())


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (5, "0 to 4"),
        (-1, "0 to 4"),
        (torch.tensor([0, 9]), "0 to 4"),
        (torch.tensor([1, 2, 3]), "3 classes for 2 images"),
        (1.5, "expected None, a class number"),
        (lambda output: output, "one number per row"),
    ],
)
def test_bad_targets(target, message):
    with pytest.raises(CluscamError, match=message):
        ClusCAM(network(), n_clusters=3)(images(), target)


@pytest.mark.parametrize(
    "x", [torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.full((1, 3, 32, 32), math.nan), None]
)
def test_bad_inputs(x):
    with pytest.raises(CluscamError):
        ClusCAM(network(), n_clusters=3)(x)


def test_a_model_without_logits():
    with pytest.raises(CluscamError, match=r"expected logits \(B, C\)"):
        ClusCAM(nn.Conv2d(3, 4, 3), layer="")(images())
    with pytest.raises(UnknownName):
        ClusCAM(nn.Conv2d(3, 4, 3), layer="weight")


class Own:
    """A model that gives its own maps."""

    def __init__(self, net):
        self.net = net

    def forward(self, x):
        return x, self.net(x)

    def output(self, x):
        return self.net(x)


def test_a_reading_of_any_layer_will_do_where_none_was_asked_for():
    net = load_model("scene_cnn").module
    x = torch.rand(1, 3, 96, 96)
    cam, reading = ClusCAM(net, n_clusters=5), read(net, x, layer="stage2")
    before = cam.explain(reading)
    cam(x)  # chooses a layer for itself
    assert torch.equal(cam.explain(reading).saliency, before.saliency)


def test_a_reading_of_another_network_or_layer_or_without_maps_is_refused():
    net, other = load_model("scene_cnn"), load_model("scene_vit")
    x = net.spec.preprocess()(load_image("scene:3"))[None]
    of_stage2 = read(net.module, x, layer="stage2")
    e = ClusCAM(net.module, n_clusters=5).explain(of_stage2)  # which takes the layer as it comes
    assert e.layer == "stage2"
    assert torch.equal(e.saliency, ClusCAM(net.module, "stage2", n_clusters=5)(x).saliency)
    for cam, reading, words in (
        (ClusCAM(net.module, "stage4", n_clusters=5), of_stage2, "is of the layer 'stage2', .* explains 'stage4'"),
        (ClusCAM(other.module, n_clusters=5), of_stage2, "of another network"),
        (ClusCAM(net.module, n_clusters=5), read(net.module, x, maps=False), "without maps"),
        (ClusCAM(net.module, n_clusters=5), None, "the reading is a NoneType"),
        (ClusCAM(Own(net.module), n_clusters=5), read(Own(net.module), x), "of another network"),
    ):
        with pytest.raises(CluscamError, match=words):
            cam.explain(reading)


def test_whole_numbers_of_numpy_are_seeds():
    net = load_model("scene_cnn")
    x = net.spec.preprocess()(load_image("scene:3"))[None]
    seeds = (3, np.int64(3))
    first, second = (ClusCAM(net.module, n_clusters=5, seed=seed)(x) for seed in seeds)
    assert torch.equal(first.labels, second.labels)
    with pytest.raises(CluscamError, match="expected a whole number"):
        ClusCAM(net.module, seed=np.float64(3))


@pytest.mark.parametrize("clustering", ["none", "hdbscan"])
def test_a_number_of_groups_goes_with_a_clustering_that_takes_one(clustering):
    with pytest.raises(CluscamError, match=f"the clustering '{clustering}' has its own number of groups; leave"):
        ClusCAM(network(), n_clusters=2, clustering=clustering)
    cam = ClusCAM.from_spec("scene_cnn", clustering=clustering)  # whose K is left then
    assert cam.n_clusters is None
    loaded = load_model("scene_cnn")
    assert method("cluscam", loaded.module, loaded.spec, clustering=clustering).n_clusters is None


@pytest.mark.parametrize(
    "images_asked", [[], [2], [-1], [True, False], [0.5], ["a"], torch.tensor([3]), None, 0], ids=repr
)
def test_images_that_a_reading_has_not(images_asked):
    with pytest.raises(CluscamError, match="expected numbers from 0 to 1"):
        read(network(), images(), layer="1").of(images_asked)


def test_parts_of_a_reading_by_lists_and_arrays():
    reading = read(network(), images(), layer="1")
    for order in ([1, 0], torch.tensor([1, 0]), np.array([1, 0]), range(1, -1, -1)):
        assert torch.equal(reading.of(order).maps, reading.maps.flip(0))


def test_masks_and_scores_that_are_not_of_the_images():
    reading = read(network(), images(), layer="1")
    groups = reading.group(3)
    for masks, valid, words in (
        (groups.centroids[:1], None, r"the masks are \(1, 3, .*expected centroids \(2, K, h, w\)"),
        (groups.centroids[0], None, "expected centroids"),
        (groups.centroids * math.nan, None, "or not finite"),
        ("masks", None, "the masks are a str"),
        (groups.centroids, groups.valid[:, :2], r"valid is torch.bool \(2, 2\); expected bool \(2, 3\)"),
        (groups.centroids, groups.valid.float(), "valid is torch.float32"),
        (groups.centroids, groups.valid.tolist(), "valid is a list"),
        (lambda image, group: None, torch.ones(1, 3, dtype=torch.bool), r"expected bool \(2, K\)"),
    ):
        with pytest.raises(CluscamError, match=words):
            reading.score(masks, valid)
    scores = reading.score(groups.centroids)
    with pytest.raises(CluscamError, match="the groups are a NoneType"):
        reading.explain(None, scores, 0.3)
    for wrong in (scores[:, :2], scores[:1], scores * math.nan, scores.tolist()):
        with pytest.raises(CluscamError, match=r"expected a number for each group, \(2, 3\)"):
            reading.explain(groups, wrong, 0.3)
    for settings, words in (
        ({"seed": "0"}, "seed is '0'"),
        ({"clustering": "none"}, "n_clusters is 3, but the clustering 'none' has its own number"),
        ({"clustering": "spectral", "backend": "nonsense"}, "unknown backend 'nonsense'"),
    ):
        with pytest.raises(CluscamError, match=words):
            reading.group(3, **settings)


def test_a_normalisation_of_other_channels_than_the_image():
    net = nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    x = torch.rand(1, 4, 16, 16)
    with pytest.raises(CluscamError, match="the normalisation is of 3 channels, and x has 4; give a mean and a"):
        ClusCAM(net, "1", n_clusters=2, fill="black", normalization=((0.5,) * 3, (0.2,) * 3))(x)
    ClusCAM(net, "1", n_clusters=2, fill="black", normalization=((0.5,) * 4, (0.2,) * 4))(x)
