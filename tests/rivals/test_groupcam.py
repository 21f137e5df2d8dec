"""GroupCAM against its equations, group by group."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from callers import Counting, Failing, pyramid, untouched
from tiny import images, network
from torch import nn
from torchvision.transforms.v2.functional import gaussian_blur

from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError, NotApplicable
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.rivals.groupcam import GroupCAM, blur, percentile_of


def oracle(net, layer, x, c, n_groups, percentile):
    """One image x (3, H, W) as printed, tokens after one class token laid on a square grid. Returns its map (H, W)."""
    kept, size = [], x.shape[1:]
    handle = net.get_submodule(layer).register_forward_hook(lambda _m, _i, output: kept.append(output))
    logit = net(x[None])[0, c]
    handle.remove()
    (gradient,) = torch.autograd.grad(logit, kept[0])

    def grid(values):
        side = round((values.shape[1] - 1) ** 0.5)
        return values[0] if values.ndim == 4 else values[0, 1:].T.reshape(-1, side, side)

    maps, gradient = grid(kept[0].detach()), grid(gradient)
    weighted = [gradient[k].mean() * maps[k] for k in range(len(maps))]
    blurred = gaussian_blur(x, [51, 51], [50.0, 50.0])
    with torch.no_grad():
        base = net(blurred[None]).softmax(1)[0, c]
        total = torch.zeros(size)
        for members in np.array_split(np.arange(len(maps)), min(n_groups, len(maps))):
            mask = F.relu(sum(weighted[k] for k in members))
            threshold = float(np.percentile(mask.numpy(), percentile))
            mask = torch.where(mask > threshold, mask, 0)
            mask = F.interpolate(mask[None, None], size, mode="bilinear", align_corners=False)[0, 0]
            if mask.max() == mask.min():
                continue
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            score = net((x * mask + blurred * (1 - mask))[None]).softmax(1)[0, c] - base
            total += score * mask
    total = F.relu(total)
    if total.max() == total.min():
        return torch.zeros(size)
    return (total - total.min()) / (total.max() - total.min())


@pytest.mark.parametrize("n_groups", [1, 5, 6, 32])
@pytest.mark.parametrize("percentile", [0, 70])
def test_equals_the_equations(n_groups, percentile):
    net, x = network(), images(5, 53, 60)
    e = GroupCAM(net, n_groups=n_groups, percentile=percentile)(x, torch.arange(5))
    for i in range(len(x)):
        expected = oracle(net, "1", x[i], e.target[i], n_groups, percentile)
        torch.testing.assert_close(e.saliency[i], expected, rtol=0, atol=5e-4)
        assert e.uniform[i] == (expected.max() == 0)
    assert not e.uniform.all()  # some score above the blurred image


@pytest.mark.parametrize(
    ("name", "layer"), [("scene_cnn", "paper"), ("scene_vit", "paper"), ("scene_vit", "last_input")]
)
def test_equals_the_equations_on_the_embedded_networks(name, layer):
    spec, net = get_spec(name), load_model(name).module
    x = spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]
    e = GroupCAM(net, spec.layer(layer), n_groups=8)(x)
    expected = oracle(net, spec.layer(layer), x[0], e.target[0], 8, 70)
    torch.testing.assert_close(e.saliency[0], expected, rtol=0, atol=1e-3)


def test_percentile_is_numpys():
    maps = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).relu()
    for q in (0, 33, 70, 99.5):
        expected = np.percentile(maps.flatten(2).double().numpy(), q, axis=2)  # in float32 it hangs on NumPy's version
        np.testing.assert_allclose(percentile_of(maps, q)[..., 0, 0], expected, rtol=1e-6)
    assert percentile_of(torch.tensor([[[[0.0, 1.0, 3.0]]]]), 75).item() == 2  # between the second and the third


def test_blurs_small_images_as_far_as_it_can():
    x = images(1, 9, 12)
    torch.testing.assert_close(blur(x), gaussian_blur(x, [17, 17], [50.0, 50.0]))
    assert blur(x).std() < 0.2 * x.std()


def test_counts_its_passes():
    net = Counting(network())
    e = GroupCAM(net, "module.1", n_groups=4, percentile=0)(images(3))
    # one more image finds the layout
    assert net.images == 1 + 3 * e.forward_passes == 1 + 3 * 6 and e.backward_passes == 1
    assert e.layer == "module.1" and e.notes == ("maps: 24 maps of 8 x 9 (NCHW)",)


def test_a_batch_is_its_images():
    net, x = pyramid(), images(3)
    together = GroupCAM(net, n_groups=3, batch_size=2)(x)
    for i in range(3):
        alone = GroupCAM(net, n_groups=3)(x[i : i + 1])
        torch.testing.assert_close(together.saliency[i], alone.saliency[0], rtol=0, atol=1e-4)
        assert together.target[i] == alone.target[0] and together.uniform[i] == alone.uniform[0]


def test_leaves_the_model_as_it_was():
    net, x = pyramid(), images()
    with untouched(net), torch.no_grad():
        e = GroupCAM(net)(x)
    assert not e.output.requires_grad and not e.saliency.requires_grad
    for after in (0, 1, 3):  # while the layer is found, in the pass with gradients, and among the masks
        failing = Failing(pyramid(), after, "raise")
        with untouched(failing), pytest.raises(RuntimeError, match="out of order"):
            GroupCAM(failing, "module.6", batch_size=2)(x)


def test_works_where_every_parameter_is_frozen():
    net, x = network(), images()
    expected = GroupCAM(net)(x)
    with torch.no_grad():
        e = GroupCAM(net.requires_grad_(False))(x)
    torch.testing.assert_close(e.saliency, expected.saliency)


def test_what_the_class_token_does_not_see_is_said():
    spec, net = get_spec("scene_vit"), load_model("scene_vit").module
    x = spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]
    e = GroupCAM(net, spec.layer("last"))(x)
    assert e.uniform.all() and not e.saliency.any() and e.forward_passes == 2
    assert any(note.startswith("gradients: all zero") for note in e.notes)


def test_maps_without_contrast_give_zeros():
    flat = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    nn.init.zeros_(flat[0].weight)
    for layer in ("0", "1"):  # constant maps, and maps of one cell
        e = GroupCAM(flat, layer)(images())
        assert e.uniform.all() and not e.saliency.any() and e.forward_passes == 2


def test_one_sentence_for_what_cannot_be_done():
    class Detached(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.rest = network()[:2], network()[2:]

        def forward(self, x):
            return self.rest(self.first(x).detach())

    with pytest.raises(NotApplicable, match="does not depend differentiably on the layer 'first.1'"):
        GroupCAM(Detached(), "first.1")(images())
    for after in (0, 2):
        with pytest.raises(CluscamError, match="NaN"):
            GroupCAM(Failing(network(), after), "module.1")(images())
    with torch.inference_mode(), pytest.raises(CluscamError, match="no gradients in torch.inference_mode"):
        GroupCAM(network())(images())
    for bad in ({"n_groups": 0}, {"percentile": 100}, {"percentile": -1}, {"batch_size": 0}):
        with pytest.raises(CluscamError, match="expected at least 1"):
            GroupCAM(network(), **bad)
