"""Algorithm 1: the fast path against the loops of the paper, and the promises of the class."""

import doctest
import importlib
import math
import warnings

import oracle
import pytest
import torch
from tiny import images, network
from torch import nn

from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError, ClusCAMWarning


class CountingModel(nn.Module):
    """Counts images and batches that pass."""

    def __init__(self, module):
        super().__init__()
        self.module, self.images, self.batches, self.biggest = module, 0, 0, 0

    def forward(self, x):
        self.images, self.batches, self.biggest = self.images + len(x), self.batches + 1, max(self.biggest, len(x))
        return self.module(x)


@pytest.mark.parametrize("space", ["upsampled", "raw"])
@pytest.mark.parametrize(("k", "r", "tau"), [(1, 0.5, None), (6, 0.37, None), (9, 0.0, 0.5), (24, 0.9, 2.0)])
def test_equals_algorithm_1(space, k, r, tau):
    net, x = network(), images()
    cam = ClusCAM(net, n_clusters=k, drop_ratio=r, temperature=tau, space=space, seed=3, batch_size=4)
    e = cam(x)
    maps, output = cam.model.forward(x)
    for i in range(len(x)):
        expected = oracle.cluscam(lambda z: net(z).detach(), maps[i], x[i], output[i].argmax(), k, r, tau, 3, space)
        assert torch.equal(e.labels[i], expected["labels"])
        for name in ("masks", "scores", "weights", "saliency"):
            torch.testing.assert_close(getattr(e, name)[i].double(), expected[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["scene_cnn", "scene_vit"])
def test_equals_algorithm_1_on_the_embedded_networks(name):
    from cluscam_lite import get_spec, load_dataset, load_model

    spec, net = get_spec(name), load_model(name).module
    x = spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]
    cam = ClusCAM.from_spec(spec, net)
    e = cam(x)
    maps, output = cam.model.forward(x)
    expected = oracle.cluscam(
        lambda z: net(z).detach(), maps[0], x[0], output[0].argmax(), spec.n_clusters, spec.drop_ratio
    )
    assert torch.equal(e.labels[0], expected["labels"])
    torch.testing.assert_close(e.saliency[0].double(), expected["saliency"], rtol=0, atol=1e-4)


def test_reads_as_documented():
    net, x = CountingModel(network()), images(3)
    e = ClusCAM(net, layer="module.1", n_clusters=7, batch_size=5)(x)
    assert e.forward_passes == 8 and net.images == 3 * 8 and net.biggest == 5 and e.backward_passes == 0
    assert e.saliency.shape == (3, 33, 40) and e.masks.shape == (3, 7, 33, 40) and e.labels.shape == (3, 24)
    assert e.masks.min() >= 0 and e.masks.max() <= 1 and e.saliency.amin((1, 2)).tolist() == [0] * 3
    torch.testing.assert_close(e.weights.sum(1), torch.ones(3))
    assert e.layer == "module.1" and e.output.shape == (3, 5) and torch.equal(e.target, e.output.argmax(1))


def test_reweigh_is_another_run_without_passes():
    net, x = CountingModel(network()), images()
    first = ClusCAM(net, layer="module.1", n_clusters=8, drop_ratio=0, temperature=1)(x)
    passes = net.images
    again = first.reweigh(drop_ratio=0.5, temperature=0.3)
    assert net.images == passes
    fresh = ClusCAM(net, layer="module.1", n_clusters=8, drop_ratio=0.5, temperature=0.3)(x)
    assert torch.equal(again.saliency, fresh.saliency) and torch.equal(again.weights, fresh.weights)
    assert again.reweigh().temperature.tolist() == pytest.approx([1 / math.log(5)] * 2)


def test_none_equals_as_many_clusters_as_maps():
    net, x = network(), images()
    settings = {"drop_ratio": 0, "temperature": 0.7}
    every = ClusCAM(net, n_clusters=24, **settings)(x)
    none = ClusCAM(net, clustering="none", **settings)(x)
    assert none.forward_passes == 25
    torch.testing.assert_close(none.saliency, every.saliency, rtol=0, atol=1e-5)


def test_one_image_is_what_it_was_in_a_batch():
    net, x = network(), images(4)
    cam = ClusCAM(net, n_clusters=6, seed=2)
    together = cam(x)
    for i in range(4):
        alone = cam(x[i : i + 1])
        assert torch.equal(alone.labels[0], together.labels[i])
        torch.testing.assert_close(alone.saliency[0], together.saliency[i], rtol=0, atol=1e-4)


def test_same_seed_and_chunks_same_bits():
    net, x = network(), images()
    a, b, c = (ClusCAM(net, n_clusters=9, seed=s, batch_size=4)(x) for s in (0, 0, 1))
    assert torch.equal(a.saliency, b.saliency) and torch.equal(a.scores, b.scores)
    assert not torch.equal(a.labels, c.labels)


def test_chunk_size_only_rounds():
    net, x = network(), images()
    sizes = [ClusCAM(net, n_clusters=9, batch_size=n)(x).saliency for n in (1, 7, None)]
    for other in sizes[1:]:
        torch.testing.assert_close(sizes[0], other, rtol=0, atol=1e-4)


def test_order_of_channels_does_not_matter_given_the_partition():
    """Permuting the channels is a new seed for K-Means, and nothing else."""
    net, x = network(), images(1)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    shuffled = network()
    with torch.no_grad():
        shuffled[0].weight.copy_(net[0].weight[order])
        shuffled[0].bias.copy_(net[0].bias[order])
        shuffled[4].weight.copy_(net[4].weight[:, order])
    e = ClusCAM(net, n_clusters=6)(x)
    labels = e.labels[0].numpy()
    given = ClusCAM(shuffled, n_clusters=6, clustering=lambda p, k, s: labels[order.numpy()])(x)
    torch.testing.assert_close(given.saliency, e.saliency, rtol=0, atol=1e-4)


@pytest.mark.parametrize("target", [3, torch.tensor([3, 3]), lambda output: output[:, 3]])
def test_targets(target):
    x = images()
    e = ClusCAM(network(), n_clusters=5)(x, target)
    ref = ClusCAM(network(), n_clusters=5)(x, 3)
    assert torch.equal(e.saliency, ref.saliency)
    assert e.target.tolist() == ([-1, -1] if callable(target) else [3, 3])


def test_each_image_has_its_own_target():
    x = images(1).expand(2, -1, -1, -1)
    e = ClusCAM(network(), n_clusters=5)(x, torch.tensor([0, 4]))
    for i, c in enumerate((0, 4)):
        torch.testing.assert_close(e.scores[i], ClusCAM(network(), n_clusters=5)(x[:1], c).scores[0])


@pytest.mark.parametrize("fill", ["black", "blur", torch.full((1, 3, 1, 1), 0.5)])
def test_fills_by_hand(fill):
    net, x = network(), images(1)
    e = ClusCAM(net, n_clusters=4, fill=fill, normalization=((0.5,) * 3, (0.25,) * 3))(x)
    if isinstance(fill, str):
        from torchvision.transforms.v2.functional import gaussian_blur

        hidden = torch.full_like(x, -2) if fill == "black" else gaussian_blur(x, [11, 11], [2.0, 2.0])
    else:
        hidden = fill.expand_as(x)
    for j in range(4):
        shown = x * e.masks[:, j] + hidden * (1 - e.masks[:, j])
        expected = (net(shown) - net(x))[0, e.target[0]].item()
        assert e.scores[0, j].item() == pytest.approx(expected, abs=1e-5)


def test_black_needs_the_normalisation():
    with pytest.raises(CluscamError, match="normalization"):
        ClusCAM(network(), fill="black", n_clusters=3)(images())


class Session:
    """What stands in for a torch module: numpy in, numpy out, as an ONNX Runtime session."""

    def __init__(self, net):
        self.net, self.passes = net, 0

    def forward(self, x):
        array = x.numpy()
        maps = self.net[:2](torch.from_numpy(array)).detach().numpy()
        return torch.from_numpy(maps), self.output(x)

    def output(self, x):
        self.passes += len(x)
        return torch.from_numpy(self.net(x).detach().numpy())


def test_anything_that_gives_maps_and_outputs_will_do():
    net, x = network(), images()
    session = Session(net)
    e = ClusCAM(session, n_clusters=6)(x)
    assert session.passes == 2 * 7
    torch.testing.assert_close(e.saliency, ClusCAM(net, n_clusters=6)(x).saliency)
    with pytest.raises(CluscamError, match="layer has no meaning"):
        ClusCAM(session, layer="1")
    with pytest.raises(CluscamError, match="expected a torch module"):
        ClusCAM(lambda x: x)


def test_works_without_gradients_and_in_later_autograd():
    net = network().requires_grad_(False)
    with torch.inference_mode(False):
        e = ClusCAM(net, n_clusters=4)(images())
    assert not e.saliency.requires_grad
    x = images().requires_grad_()
    (x * e.saliency[:, None]).sum().backward()
    assert torch.equal(x.grad, e.saliency[:, None].expand_as(x))


def test_noise_leaves_the_partition_and_short_rows_are_padded():
    def two_or_three(points, k, seed):
        order = points.sum(1).argsort().argsort()
        labels = order % (2 if points.sum() > two_or_three.cut else 3)
        labels[order == 0] = -1
        return labels

    net, x = network(), images(2)
    sums = []
    two_or_three.cut = -math.inf
    ClusCAM(net, n_clusters=2, clustering=lambda p, k, s: (sums.append(p.sum()), two_or_three(p, k, s))[1])(x)
    two_or_three.cut = sum(sums) / 2
    e = ClusCAM(net, n_clusters=2, clustering=two_or_three)(x)
    short = int(e.valid.sum(1).argmin())
    assert e.valid.sum(1).tolist().count(3) == 1 and e.forward_passes == 4
    assert e.scores[short, 2] == -math.inf and e.weights[short, 2] == 0 and (e.labels == -1).sum() == 2
    assert "as few as 2 of 3" in " ".join(e.notes)


def test_all_noise_is_an_error():
    with pytest.raises(CluscamError, match="every map noise"):
        ClusCAM(network(), n_clusters=2, clustering=lambda p, k, s: (p[:, 0] * 0 - 1).astype(int))(images())


def test_fewer_clusters_than_asked_for_is_said():
    net = network()
    with torch.no_grad():
        net[0].weight[4:] = 0
        net[0].bias[4:] = -1  # dead channels: equal maps
    with pytest.warns(ClusCAMWarning, match="of 8 clusters"):
        e = ClusCAM(net, n_clusters=8)(images(1))
    assert e.valid.shape == (1, 8) and e.valid.sum() == e.forward_passes - 1 <= 5


def test_constant_maps_give_a_flagged_zero_map():
    net = network()
    with torch.no_grad():
        net[0].weight.zero_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusCAMWarning)
        e = ClusCAM(net, n_clusters=3)(images())
    assert e.uniform.all() and e.saliency.abs().max() == 0 and "without contrast" in " ".join(e.notes)


def test_one_pixel_maps_are_constant_maps():
    net = nn.Sequential(nn.Conv2d(3, 6, 16, stride=16), nn.Flatten(), nn.Linear(6, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusCAMWarning)
        e = ClusCAM(net, layer="0", n_clusters=2)(images(1, 16, 16))
    assert e.uniform.all() and e.saliency.abs().max() == 0


def test_uniform_weights_of_equation_10_are_said():
    e = ClusCAM(network(), n_clusters=4, drop_ratio=0)(images())
    assert torch.equal(e.weights, torch.full((2, 4), 0.25)) and "uniform" in " ".join(e.notes)


def test_memory_error_halves_the_chunk():
    class Small(CountingModel):
        def forward(self, x):
            if len(x) > 3:
                raise torch.OutOfMemoryError("too much")
            return super().forward(x)

    net = Small(network())
    e = ClusCAM(net, layer="module.1", n_clusters=10, batch_size=8)(images())
    torch.testing.assert_close(e.scores, ClusCAM(network(), n_clusters=10)(images()).scores)
    assert net.biggest <= 3 and e.forward_passes == 11


def test_low_precision_models_are_scored_in_float32():
    net, x = network().bfloat16(), images().bfloat16()
    e = ClusCAM(net, n_clusters=4)(x)
    assert e.scores.dtype == e.saliency.dtype == torch.float32
    torch.testing.assert_close(e.saliency, ClusCAM(network(), n_clusters=4)(images()).saliency, rtol=0, atol=0.2)


def test_the_example_of_the_docstring():
    done = doctest.testmod(importlib.import_module("cluscam_lite.cluscam"))
    assert done.attempted and not done.failed
