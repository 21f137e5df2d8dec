"""Scoring passes in bfloat16: what changes, what must not, and that the passes really run in it."""

import pytest
import torch
from tiny import images, network
from torch import nn

from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model
from cluscam_lite.device import in_precision
from cluscam_lite.errors import UnknownName
from cluscam_lite.methods import method, method_info


class Spy(nn.Module):
    """Notes the precision of the first layer's output in each pass."""

    def __init__(self):
        super().__init__()
        self.net, self.seen = network(), []
        self.net[0].register_forward_hook(lambda _m, _i, output: self.seen.append(output.dtype))

    def forward(self, x):
        return self.net(x)


def test_the_masked_passes_and_only_these_run_in_bfloat16():
    net = Spy()
    e = ClusCAM(net, layer="net.1", n_clusters=6, batch_size=3, precision="bfloat16")(images(1))
    assert net.seen == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert e.scores.dtype == e.saliency.dtype == e.output.dtype == torch.float32
    assert "scores: the masked passes ran in bfloat16" in e.notes
    assert all(p.dtype == torch.float32 for p in net.parameters()) and not torch.is_autocast_enabled("cpu")


def test_float32_is_the_default_and_says_nothing():
    net, x = network(), images()
    plain, asked = ClusCAM(net, n_clusters=6)(x), ClusCAM(net, n_clusters=6, precision="float32")(x)
    assert torch.equal(plain.saliency, asked.saliency) and plain.notes == asked.notes
    assert not any("bfloat16" in note for note in plain.notes)


@pytest.mark.parametrize("name", ["scene_cnn", "scene_vit"])
def test_the_groups_stay_and_the_maps_nearly(name):
    spec, net = get_spec(name), load_model(name).module
    x = torch.stack([spec.preprocess()(load_dataset("scenes", n=2)[i].image) for i in range(2)])
    full, half = (ClusCAM.from_spec(spec, net, precision=p)(x) for p in ("float32", "bfloat16"))
    assert torch.equal(full.labels, half.labels) and torch.equal(full.centroids, half.centroids)
    assert torch.equal(full.output, half.output) and not torch.equal(full.scores, half.scores)
    spread = full.scores.std(1, keepdim=True)
    assert ((full.scores - half.scores).abs() < 0.2 * spread).all()
    ranks = torch.stack([full.saliency.flatten(1), half.saliency.flatten(1)]).argsort(-1).argsort(-1).double()
    assert all(torch.corrcoef(ranks[:, i])[0, 1] > 0.99 for i in range(2))


def test_a_target_function_is_given_float32():
    seen = []

    def target(output):
        seen.append(output.dtype)
        return output[:, 1]

    ClusCAM(network(), n_clusters=4, precision="bfloat16")(images(1), target)
    assert set(seen) == {torch.float32}


def test_a_model_that_is_no_module_is_left_alone():
    class Maps:
        def forward(self, x):
            return torch.rand(1, 8, 4, 4, generator=torch.Generator().manual_seed(0)), self.output(x)

        def output(self, x):
            return x[:, :2].mean((2, 3))

    x = images(1)
    full, half = (ClusCAM(Maps(), n_clusters=3, precision=p)(x) for p in ("float32", "bfloat16"))
    assert torch.equal(full.scores, half.scores)


def test_another_precision_is_not_known():
    with pytest.raises(UnknownName, match="unknown precision 'bf16'; .*bfloat16"):
        ClusCAM(network(), precision="bf16")


# every pass of a network


@pytest.mark.parametrize("name", ["cluscam", "gradcam", "ablationcam", "reciprocam", "opticam", "groupcam"])
def test_every_method_explains_a_network_whose_passes_are_short(name):
    settings = {key: 3 for key in ("n_clusters", "iterations", "n_groups") if key in method_info(name).parameters}
    loaded, seen = load_model("scene_cnn"), []
    x = loaded.spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]
    explain = method(name, loaded.module, loaded.spec, **settings)
    full = explain(x)
    first = next(part for part in loaded.module.modules() if isinstance(part, nn.Conv2d))
    first.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    with in_precision(loaded.module, "bfloat16"):
        half = explain(x)
    assert set(seen) == {torch.bfloat16} and not torch.is_autocast_enabled("cpu")
    assert half.saliency.dtype == half.output.dtype == torch.float32 and not torch.equal(full.output, half.output)
    assert torch.corrcoef(torch.stack([full.saliency.flatten(), half.saliency.flatten()]))[0, 1] > 0.9
    assert torch.equal(explain(x).output, full.output)  # afterwards all is as before


def test_a_pass_that_fails_ends_autocast():
    class Broken(nn.Module):
        def forward(self, x):
            assert torch.is_autocast_enabled("cpu")
            raise RuntimeError("out of order")

    with in_precision(broken := Broken(), "bfloat16"), pytest.raises(RuntimeError, match="out of order"):
        broken(images(1))
    assert not torch.is_autocast_enabled("cpu") and not broken._forward_hooks and not broken._forward_pre_hooks


def test_tf32_is_allowed_for_a_while():
    backends = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    for precision, allowed in (("tf32", True), ("float32", False)):
        with in_precision(network(), precision):
            assert [backend.allow_tf32 for backend in backends] == [allowed] * 2
    assert [backend.allow_tf32 for backend in backends] == before
    with pytest.raises(UnknownName, match="unknown precision 'bf16'; .*bfloat16"), in_precision(network(), "bf16"):
        pass
