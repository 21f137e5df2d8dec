"""Several seeds of one explanation: against calling the explainer seed by seed, and what is refused."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from tiny import images, network

from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import correlation, overlap
from cluscam_lite.rivals.gradcam_family import GradCAM
from cluscam_lite.rivals.nulls import Donor, Inverted, Smooth
from cluscam_lite.rivals.trivial import Random
from cluscam_lite.stability import over_seeds, seeds_of


def cam(seed=0, **settings):
    return ClusCAM(network(), **({"n_clusters": 6, "drop_ratio": 0.3, "seed": seed} | settings))


@pytest.mark.parametrize("start", [0, 7])
def test_it_is_what_separate_calls_give(start):
    x, net = images(), network()
    found = over_seeds(ClusCAM(net, n_clusters=6, seed=start), x, 4)
    assert found.seeds == tuple(range(start, start + 4))
    apart = [ClusCAM(net, n_clusters=6, seed=seed)(x) for seed in found.seeds]
    for i, e in enumerate(apart):
        assert torch.equal(found.maps[i], e.saliency) and torch.equal(found.explanations[i].labels, e.labels)
    for b in range(len(x)):
        maps = [e.saliency[b].double() for e in apart]
        mean = sum(maps) / 4
        spread = (sum((one - mean) ** 2 for one in maps) / 3).sqrt()
        torch.testing.assert_close(found.spread[b].double(), spread, atol=1e-6, rtol=0)
        mean = (mean - mean.min()) / (mean.max() - mean.min())
        torch.testing.assert_close(found.mean[b].double(), mean, atol=1e-6, rtol=0)
        pairs = list(itertools.combinations(maps, 2))
        assert float(found.agreement[b]) == pytest.approx(sum(correlation(*pair) for pair in pairs) / 6)
        assert float(found.overlap[b]) == pytest.approx(sum(overlap(*pair) for pair in pairs) / 6)
    assert found.undefined.tolist() == [0, 0]


def test_the_maps_are_read_once():
    class Counted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.images = network(), 0

        def forward(self, x):
            self.images += len(x)
            return self.net(x)

    model = Counted()
    explainer = ClusCAM(model, layer="net.0", n_clusters=6, batch_size=6)
    model.images = 0
    found = over_seeds(explainer, images(1), 5)
    assert found.forward_passes == 1 + 5 * 6 == model.images


@pytest.mark.parametrize("method", [Donor, Smooth, Inverted, Random])
def test_every_method_with_a_seed_is_taken(method):
    x, net = images(1, 32, 32), network()
    settings = {} if method is Random else {"n_clusters": 5}
    found = over_seeds(method(net, seed=3, **settings), x, 3)
    for i, seed in enumerate((3, 4, 5)):
        apart = method(net, seed=seed, **settings)(x)
        assert torch.equal(found.maps[i], apart.saliency)
    assert found.forward_passes == 3 * apart.forward_passes


def test_every_seed_explains_the_class_of_the_first():
    found = over_seeds(cam(), images(), [4, 2], target=3)
    assert found.seeds == (4, 2) and all(e.target.tolist() == [3, 3] for e in found.explanations)


def test_equal_maps_agree_wholly_and_maps_without_contrast_say_nothing():
    alike = {"clustering": lambda points, k, seed: np.arange(len(points)) % k}  # whatever the seed
    same = over_seeds(cam(**alike), images(), 2)
    assert same.agreement.tolist() == pytest.approx([1, 1]) and float(same.spread.max()) == 0
    assert "all give the same map to the last bit" in same.sentence(1)
    with pytest.raises(CluscamError, match="the image is 2; expected a number from 0 to 1"):
        same.sentence(2)
    flat = over_seeds(cam(**alike), torch.zeros(1, 3, 33, 40), 3)  # constant maps of a constant image
    assert math.isnan(float(flat.agreement[0])) and flat.undefined.tolist() == [3]
    assert float(flat.mean.abs().max()) == 0 and "no contrast" in flat.sentence()
    report = flat.report()
    assert report["agreement"] is None and report["overlap"] is None and report["pairs_without_contrast"] == 3
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize(
    ("agreement", "overlap", "words"),
    [
        (0.95, 0.8, "hardly depends"),
        (0.95, 0.53, "keeps its outline over the seeds, but not its brightest part"),
        (0.7, 0.9, "map depends"),
        (-0.2, 0.1, "more on the seed than on the image"),
    ],
)
def test_the_sentence_says_how_far_they_agree(agreement, overlap, words):
    found = over_seeds(cam(), images(1), 2)
    object.__setattr__(found, "agreement", torch.tensor([agreement]))
    object.__setattr__(found, "overlap", torch.tensor([overlap]))
    assert words in found.sentence() and f"{agreement:.2f}" in found.sentence()


@pytest.mark.parametrize("seeds", [0, 1, -1, True, "five", [3], [3, 3], [], 2.0, None, [-1, 0], [0, 2**32]])
def test_bad_seeds_are_one_sentence(seeds):
    with pytest.raises(CluscamError, match="seed"):
        over_seeds(cam(), images(1), seeds)


def test_a_method_without_a_seed_is_refused():
    with pytest.raises(CluscamError, match="GradCAM has no seed"):
        seeds_of(GradCAM(network()), 5)
    with pytest.raises(CluscamError, match="seed is 4294967296"):
        over_seeds(cam(seed=2**32 - 1), images(1), 2)


def test_one_reading_serves_several_seeds_and_refuses_a_bad_one():
    from cluscam_lite import read

    one = cam()
    reading = read(one.model, images())
    assert torch.equal(one.explain(reading).saliency, one(images()).saliency)
    assert torch.equal(one.explain(reading, 9).saliency, cam(9)(images()).saliency)
    with pytest.raises(CluscamError, match="seed is -1"):
        one.explain(reading, -1)


@pytest.mark.parametrize("clustering", ["none", "agglomerative", "hdbscan"])
def test_a_clustering_without_chance_has_no_seeds(clustering):
    k = 6 if clustering == "agglomerative" else None
    with pytest.raises(CluscamError, match=f"the clustering '{clustering}' has nothing random"):
        over_seeds(cam(clustering=clustering, n_clusters=k), images(), 2)


def test_seeds_are_whole_numbers_of_any_kind_and_a_method_has_one():
    assert over_seeds(cam(), images(), np.int64(2)).seeds == (0, 1)
    with pytest.raises(CluscamError, match=r"the method has the seeds \[1, 2\], one for each image; give it one"):
        over_seeds(Smooth(network(), n_clusters=4, seed=[1, 2]), images(), 2)


def test_an_explainer_that_gives_a_bare_map_is_refused():
    class Bare:
        seed = 0

        def __call__(self, x, target):
            return x[:, 0]

    with pytest.raises(CluscamError, match="Bare gives a Tensor; expected an `Explanation`"):
        over_seeds(Bare(), images(), 2)


def test_seeds_may_be_an_array():
    assert seeds_of(cam(), np.array([3, 5])) == (3, 5)
