"""The adapters give the package's own maps, say what they cost, and leave the caller's network as it was."""

import sys
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from callers import Counting, Failing, pyramid, untouched
from packages import NETWORKS, Tokens, directly
from tiny import images, network
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.scoring import score_masks
from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.rivals.gradcam_family import (
    AblationCAM,
    GradCAM,
    GradCAMPlusPlus,
    LayerCAM,
    ScoreCAM,
    ShapleyCAM,
    XGradCAM,
)

grad_cam = pytest.importorskip("pytorch_grad_cam")

GRADIENTS = [GradCAM, GradCAMPlusPlus, XGradCAM, LayerCAM, ShapleyCAM]
ALL = [*GRADIENTS, ScoreCAM, AblationCAM]
REAL = ["resnet50_v1", "mobileone_s0", "squeezenet1_1", "vit_tiny_patch16_224"]


@pytest.mark.parametrize(("make", "layer"), NETWORKS)
@pytest.mark.parametrize("method", [GradCAM, GradCAMPlusPlus, XGradCAM, LayerCAM])
def test_the_map_is_the_packages(make, layer, method):
    model, x = make(), images(2, 32, 40)
    e = method(model, layer)(x)
    expected = directly(method.__name__, model, layer, x, e.target)
    torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-5)
    assert e.layer == layer and (e.forward_passes, e.backward_passes) == (1, 1) and not e.uniform.any()
    assert e.saliency.dtype == torch.float32 and torch.equal(e.target, e.output.argmax(1))


@pytest.mark.parametrize("name", REAL)
def test_gradcam_of_real_networks_is_the_packages(name, data_root):
    loaded = load_model(name, data_root=data_root)
    x = loaded.spec.preprocess()(load_dataset("ilsvrc", part="pilot", n=1, data_root=data_root)[0].image)[None]
    for which in loaded.spec.layers if "vit" in name else ["paper"]:
        e = GradCAM(loaded.module, loaded.spec.layer(which))(x)
        expected = directly("GradCAM", loaded.module, e.layer, x, e.target)
        torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-5)
        assert bool(e.uniform) == (which == "last" and "vit" in name)
        assert any("gradients: all zero" in note for note in e.notes) == bool(e.uniform)


# ScoreCAM


def test_scores_of_the_same_masks_are_the_packages(data_root):
    loaded = load_model("squeezenet1_1", data_root=data_root)
    model, layer, d = loaded.module, loaded.spec.layer("paper"), 24
    x = loaded.spec.preprocess()(load_dataset("ilsvrc", part="pilot", n=1, data_root=data_root)[0].image)[None]
    hooked = HookedModel(model, layer)
    maps, output = hooked.forward(x)
    maps, c = maps[:, 100 : 100 + d], int(output.argmax())  # some of the 512, for the time it takes
    with grad_cam.ScoreCAM(model, [model.get_submodule(layer)]) as cam:
        target = grad_cam.utils.model_targets.ClassifierOutputTarget(c)
        expected = torch.from_numpy(cam.get_cam_weights(x, None, [target], maps.numpy(), None))
    # the package's masks: aligned corners, then min-max
    masks = nn.functional.interpolate(maps, size=x.shape[-2:], mode="bilinear", align_corners=True)
    low, high = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
    masks = (masks - low) / (high - low + 1e-8)
    scores = score_masks(
        hooked.output, x, lambda i, k: masks[i, k][:, None], torch.ones(1, d, dtype=torch.bool), output[:, c],
        lambda output, _images: output[:, c],
    )  # fmt: skip
    # the package takes the logits, and here it is their change: the softmax is the same
    torch.testing.assert_close(scores.softmax(1), expected, rtol=1e-3, atol=1e-6)
    assert expected.max() > 2 / d


@pytest.mark.parametrize(("make", "layer"), [*NETWORKS[:3], NETWORKS[4]])
def test_scorecam_is_the_packages(make, layer):
    counter, x = Counting(make()), images(2, 32, 40)
    e = ScoreCAM(counter, f"module.{layer}", batch_size=3)(x)
    d = HookedModel(counter.module, layer).forward(x)[0].shape[1]
    assert counter.images == 2 * e.forward_passes == 2 * (d + 2) and e.backward_passes == 0
    expected = directly("ScoreCAM", counter.module, layer, x, e.target)
    torch.testing.assert_close(e.saliency, expected, rtol=0, atol=3e-5)  # other chunks, and channels last


# What all have in common


@pytest.mark.parametrize("method", ALL)
def test_a_batch_gives_what_its_images_give(method):
    for make, layer in (NETWORKS[0], NETWORKS[2]):
        model, x = make(), images(3, 32, 40)
        together = method(model, layer)(x, torch.tensor([0, 2, 1]))
        for i, c in enumerate([0, 2, 1]):
            alone = method(model, layer)(x[i : i + 1], c)
            torch.testing.assert_close(together.saliency[i], alone.saliency[0], rtol=0, atol=1e-4)
            assert together.target[i] == c and alone.forward_passes == together.forward_passes


@pytest.mark.parametrize("method", ALL)
def test_the_caller_finds_the_model_as_it_was(method, capsys):
    model = pyramid()
    with untouched(model):
        with torch.no_grad():
            first = method(model)(images())
        with torch.inference_mode():
            second = method(model)(images())
    torch.testing.assert_close(first.saliency, second.saliency)
    torch.testing.assert_close(method(model.requires_grad_(False))(images()).saliency, first.saliency)
    assert not first.saliency.requires_grad and not first.output.requires_grad
    assert capsys.readouterr() == ("", "")  # no progress bars


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(("how", "error"), [("raise", RuntimeError), ("nan", CluscamError)])
def test_the_caller_finds_the_model_as_it_was_after_an_exception(method, how, error):
    for after in range(3):  # passes that go well
        parts = pyramid()
        model = nn.Sequential(parts[:-2], Failing(nn.Flatten(), after, how), parts[-1])
        fails = after == 0 or method in (ScoreCAM, AblationCAM)  # the others make one pass
        with untouched(model), pytest.raises(error) if fails else nullcontext():
            method(model, "0.6")(images())


@pytest.mark.parametrize("method", ALL)
def test_a_map_without_contrast_is_flagged(method):
    model = network()
    with torch.no_grad():
        model[0].weight[:] = 0  # each map is constant
        model[0].bias[:] = torch.rand(24)
    e = method(model, "1")(images())
    assert e.uniform.all() and not e.saliency.any()


@pytest.mark.parametrize("method", GRADIENTS)
def test_tokens_that_are_not_read_give_a_flagged_map(method):
    e = method(Tokens(), "last")(images(2, 32, 40))
    assert e.uniform.all() and not e.saliency.any() and "name an earlier layer" in e.notes[1]


@pytest.mark.parametrize("method", GRADIENTS)
def test_without_a_gradient_it_does_not_apply(method):
    class Detached(nn.Module):
        def __init__(self, where):
            super().__init__()
            self.net, self.where = pyramid(inplace=False), where

        def forward(self, x):
            maps = self.net[:7](x)
            return self.net[7:](maps.detach() + (self.net[:6](x) * 0 if self.where == "partly" else 0))

    for where, layer in (("all", "net.6"), ("partly", "net.6")):
        with untouched(model := Detached(where)), pytest.raises(NotApplicable, match="does not depend differentiably"):
            method(model, layer)(images())
    with pytest.raises(NotApplicable, match="does not depend differentiably on the layer 'aside'"):
        method(Tokens(), "aside")(images(1, 32, 40))


@pytest.mark.parametrize("method", ALL)
def test_what_a_user_can_get_wrong(method):
    with pytest.raises(UnknownName, match="unknown layer"):
        method(network(), "layr")
    with pytest.raises(CluscamError, match="not maps; layers that would do: 1"):
        method(network(), "4")(images())
    with pytest.raises(CluscamError, match="3 classes for 2 images"):
        method(network())(images(), torch.tensor([1, 2, 3]))
    with pytest.raises(CluscamError, match="explains a class"):
        method(network())(images(), lambda output: output[:, 0])
    with pytest.raises(CluscamError, match="normalised float tensor"):
        method(network())(images()[0])
    with pytest.raises(NotApplicable, match="inside a torch module"):
        method(object())
    unused = nn.ModuleDict({"net": network(), "other": nn.Conv2d(3, 4, 3)})
    unused.forward = unused["net"].forward
    with pytest.raises(CluscamError, match="did not run"):
        method(unused, "other")(images())


def test_bad_settings():
    for make in (
        lambda: ScoreCAM(network(), batch_size=0),
        lambda: AblationCAM(network(), batch_size=0),
        lambda: AblationCAM(network(), ablation="one"),
        lambda: ShapleyCAM(network(), utility="logits"),
    ):
        with pytest.raises(CluscamError, match="expected at least 1|unknown ablation|nearest: logit"):
            make()


@pytest.mark.parametrize("method", ALL)
def test_without_the_package_it_says_what_to_install(method, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "pytorch_grad_cam"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    with pytest.raises(CluscamError, match=r"needs the package grad-cam; pip install 'cluscam-lite\[rivals\]'"):
        method(network())(images())


def test_a_layer_used_twice_counts_with_its_last_use():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.layer, self.fc = nn.Conv2d(3, 4, 5, stride=4), nn.Conv2d(4, 4, 1), nn.Linear(4, 3)
            self.end = nn.Identity()

        def forward(self, x):
            return self.fc(self.end(self.layer(self.layer(self.stem(x)).relu())).relu().square().mean((2, 3)))

    for method in (GradCAM, LayerCAM, ShapleyCAM, AblationCAM):
        model, x = Twice(), images(2, 32, 40)
        torch.testing.assert_close(method(model, "layer")(x).saliency, method(model, "end")(x).saliency)


def test_maps_that_the_network_overwrites_are_those_that_the_layer_gave():
    x = images()
    for method in (GradCAM, ScoreCAM, AblationCAM):
        found, expected = (method(pyramid(inplace=inplace), "5")(x).saliency for inplace in (True, False))
        torch.testing.assert_close(found, expected)


def test_the_registry_finds_them_and_their_settings():
    from cluscam_lite.methods import method, settings_of

    spec, model = get_spec("scene_cnn"), load_model("scene_cnn").module
    assert settings_of("ablationcam", method("ablationcam", model, spec)) == {"ablation": "package", "batch_size": 32}
    assert settings_of("shapleycam", method("shapleycam", model, spec, utility="rest")) == {"utility": "rest"}
    e = method("gradcam", model, spec)(images(1, 96, 96))
    assert e.layer == "stage4" and e.saliency.shape == (1, 96, 96) and np.isclose(e.saliency.max(), 1)
