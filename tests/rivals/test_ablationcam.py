"""AblationCAM on the head alone gives the package's map, and the paper's where asked."""

import pytest
import torch
from callers import Counting
from packages import NETWORKS, ChannelsLast, directly
from tiny import images, network
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import CluscamError, NotApplicable
from cluscam_lite.models import load_model
from cluscam_lite.rivals.ablation import AblationCAM

grad_cam = pytest.importorskip("pytorch_grad_cam")


@pytest.mark.parametrize(("make", "layer"), NETWORKS)
@pytest.mark.parametrize("batch_size", [3, 32])
def test_ablationcam_on_the_head_is_the_packages_on_the_whole_network(make, layer, batch_size):
    counter, x = Counting(make()), images(2, 32, 40)
    e = AblationCAM(counter, f"module.{layer}", batch_size=batch_size)(x)
    kind = grad_cam.AblationLayer if HookedModel(counter.module, layer).forward(x)[0].is_contiguous() else None
    kind = kind or grad_cam.AblationLayerVit
    expected = directly("AblationCAM", counter.module, layer, x, e.target, ablation_layer=kind(), batch_size=batch_size)
    torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-5)
    assert (e.forward_passes, e.backward_passes) == (1, 0) and "passes of what comes after" in e.notes[1]


@pytest.mark.parametrize(("name", "which"), [("scene_cnn", "paper"), ("scene_vit", "last_input")])
def test_ablationcam_of_shipped_networks_is_the_packages(name, which):
    loaded = load_model(name)
    layer, x = loaded.spec.layer(which), images(1, 96, 96)
    e = AblationCAM(loaded.module, layer)(x)
    kind = grad_cam.AblationLayer if which == "paper" else grad_cam.AblationLayerVit
    expected = directly("AblationCAM", loaded.module, layer, x, e.target, ablation_layer=kind())
    torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-5)


def test_ablationcam_of_a_real_network_is_the_packages(data_root):
    loaded = load_model("mobileone_s0", data_root=data_root)
    layer, x = loaded.spec.layer("paper"), images(1, 64, 64)
    e = AblationCAM(loaded.module, layer)(x)
    expected = directly("AblationCAM", loaded.module, layer, x, e.target)
    torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-5)


def test_ablationcam_with_zeros_is_the_papers_and_does_not_depend_on_the_batch_size():
    model, x = ChannelsLast(), images(1, 32, 40)
    found = [AblationCAM(model, "body", "zero", n)(x) for n in (1, 4, 32)]
    maps, output = HookedModel(model, "body").forward(x)
    c, raw = int(output.argmax()), 0
    for k in range(maps.shape[1]):  # Eqs. 3 and 4 by the letter
        without = maps.clone()
        without[:, k] = 0
        handle = model.body.register_forward_hook(lambda *_, without=without: without.permute(0, 2, 3, 1))
        after = model(x)[0, c].item()
        handle.remove()
        raw = raw + (output[0, c].item() - after) / output[0, c].item() * maps[0, k]
    raw = raw.clamp(min=0)
    small = (raw - raw.min()) / (raw.max() - raw.min())
    expected = nn.functional.interpolate(small[None, None], size=(32, 40), mode="bilinear")[0]
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    for e in found:
        torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-4)
        assert not any(note.startswith("ablation") for note in e.notes)
    assert AblationCAM(model, "body")(x).notes[-1].startswith("ablation: the layer's minimum is not zero")


def test_division_by_zero_does_not_apply():
    model = network()
    x = images(1)
    with torch.no_grad():
        model[4].weight[:] = 0
        model[4].bias[:] = 0
    with pytest.raises(NotApplicable, match="divides by the logit"):
        AblationCAM(model, "1")(x, 0)


def test_no_batch_size_is_the_packages():
    assert AblationCAM(network(), "1", batch_size=None).batch_size == 32
    with pytest.raises(CluscamError, match="batch_size is 0"):
        AblationCAM(network(), "1", batch_size=0)
