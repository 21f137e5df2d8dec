"""OptiCAM against its equations, with Adam written out, and against its own aim."""

import pytest
import torch
import torch.nn.functional as F
from callers import Counting, Failing, pyramid, untouched
from tiny import images, network
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.rivals.opticam import OptiCAM, optimise


def oracle(net, maps, x, c, objective, iterations, rate):
    """One image as printed: maps (d, h, w), x (3, H, W). Returns its map (H, W) and the objective, step by step."""

    def mask(u):
        weights = u.exp() / u.exp().sum()
        s = sum(weights[k] * maps[k] for k in range(len(maps)))  # Eq. 8
        up = F.interpolate(s[None, None], x.shape[1:], mode="bilinear", align_corners=False)[0, 0]
        return (up - up.min()) / (up.max() - up.min())  # Eq. 4

    u = torch.zeros(len(maps))
    mean, square, objectives = 0, 0, []
    for t in range(1, iterations + 1):
        u.requires_grad_()
        logit = net((x * mask(u))[None])[0, c]  # Eq. 10
        value = logit if objective == "plain" else -(net(x[None])[0, c] - logit).abs()
        (gradient,) = torch.autograd.grad(-value, u)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        u = u.detach() - rate * (mean / (1 - 0.9**t)) / ((square / (1 - 0.999**t)).sqrt() + 1e-8)
        objectives.append(float(value.detach()))
    return mask(u), objectives


@pytest.mark.parametrize("objective", ["plain", "norm"])
def test_equals_the_equations(objective):
    net, x = pyramid(inplace=False), images()
    e = OptiCAM(net, objective=objective, iterations=6, learning_rate=0.2)(x, torch.tensor([3, 1]))
    maps, _ = HookedModel(net, e.layer).forward(x)
    _, losses = optimise(net, x, maps, e.target, e.output.gather(1, e.target[:, None])[:, 0], objective, 6, 0.2)
    for i in range(len(x)):
        expected, objectives = oracle(net, maps[i], x[i], e.target[i], objective, 6, 0.2)
        torch.testing.assert_close(e.saliency[i], expected.detach(), rtol=0, atol=2e-3)
        torch.testing.assert_close(-losses[:, i], torch.tensor(objectives), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("objective", ["plain", "norm"])
@pytest.mark.parametrize("name", ["tiny", "scene_cnn", "mobileone_s0"])
def test_comes_nearer_to_its_objective(name, objective, request):
    if name == "tiny":
        net, layer, x = network(), "1", images()
    elif name == "scene_cnn":
        spec, net = get_spec(name), load_model(name).module
        layer, x = spec.layer("paper"), spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]
    else:
        root = request.getfixturevalue("data_root")
        spec, net = get_spec(name), load_model(name, data_root=root).module
        image = load_dataset("ilsvrc", part="pilot", n=1, data_root=root)[0].image
        layer, x = spec.layer("paper"), spec.preprocess()(image)[None]
    maps, output = HookedModel(net, layer).forward(x)
    baseline, target = output.max(1)
    _, losses = optimise(net, x, maps, target, baseline, objective, 4 if name == "mobileone_s0" else 12)
    assert (losses[-1] < losses[0] - 1e-3).all()


def test_counts_its_passes_and_says_where_it_looked():
    net = Counting(network())
    e = OptiCAM(net, layer="module.1", iterations=7)(images(3))
    assert net.images == 3 * e.forward_passes == 3 * 8 and e.backward_passes == 7
    assert e.layer == "module.1" and e.notes[0].startswith("maps: 24 maps of 8 x 9")
    assert e.saliency.amin((1, 2)).tolist() == [0] * 3 and e.saliency.amax((1, 2)).tolist() == [1] * 3


def test_a_batch_is_its_images():
    net, x = pyramid(), images(3)
    together = OptiCAM(net, iterations=10)(x)
    by_two = OptiCAM(net, iterations=10, batch_size=2)(x)
    for i in range(3):
        alone = OptiCAM(net, iterations=10)(x[i : i + 1])
        for e in (together, by_two):
            assert e.target[i] == alone.target[0]
            torch.testing.assert_close(e.saliency[i], alone.saliency[0], rtol=0, atol=1e-3)


def test_says_when_it_came_no_nearer():
    e = OptiCAM(network(), iterations=2, learning_rate=1e-2)(images(1))
    assert not any(note.startswith("objective") for note in e.notes)
    huge = OptiCAM(pyramid(), iterations=3, learning_rate=1e3, objective="norm")(images(4))
    assert any("worse at the last step than at the first" in note for note in huge.notes)


def test_leaves_the_model_as_it_was():
    net, x = pyramid(), images()
    with untouched(net), torch.no_grad():
        e = OptiCAM(net, iterations=2)(x)
    assert not e.output.requires_grad and not e.saliency.requires_grad
    failing = Failing(pyramid(), 3, "raise")
    with untouched(failing), pytest.raises(RuntimeError, match="out of order"):
        OptiCAM(failing, "module.6", iterations=5)(x)


def test_works_where_every_parameter_is_frozen():
    net, x = pyramid(), images()
    expected = OptiCAM(net, iterations=3)(x)
    with torch.no_grad():
        e = OptiCAM(net.requires_grad_(False), iterations=3)(x)
    assert torch.equal(e.saliency, expected.saliency)


def test_maps_without_contrast_give_zeros():
    flat = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    nn.init.zeros_(flat[0].weight)
    for layer in ("0", "1"):  # constant maps, and maps of one cell
        e = OptiCAM(flat, layer, iterations=2)(images())
        assert e.uniform.all() and not e.saliency.any()


def test_one_sentence_for_what_cannot_be_done():
    class Detached(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x):
            return self.net(x).detach()

    with pytest.raises(NotApplicable, match="needs gradients.*does not depend differentiably on its input"):
        OptiCAM(Detached(), iterations=2)(images())
    with pytest.raises(CluscamError, match="NaN or infinite logits on a masked input"):
        OptiCAM(Failing(network(), 1), "module.1", iterations=2)(images())
    with pytest.raises(CluscamError, match="NaN or infinite logits; expected"):
        OptiCAM(Failing(network(), 0), "module.1", iterations=2)(images())
    with pytest.raises(UnknownName, match="objective"):
        OptiCAM(network(), objective="norms")
    with torch.inference_mode(), pytest.raises(CluscamError, match="no gradients in torch.inference_mode"):
        OptiCAM(network())(images())
    for bad in ({"iterations": 0}, {"learning_rate": 0}, {"batch_size": 0}):
        with pytest.raises(CluscamError, match="expected at least 1"):
            OptiCAM(network(), **bad)


def test_tokens_of_a_transformer():
    spec, net = get_spec("scene_vit"), load_model("scene_vit").module
    x = spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]
    for layer in ("paper", "last"):
        e = OptiCAM(net, spec.layer(layer), iterations=2)(x)
        assert e.saliency.amax() == 1 and not e.uniform.any()
