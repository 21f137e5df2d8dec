"""Networks with random weights by name: "random:NAME@SIZE"."""

import pickle

import pytest
import torch

from cluscam_lite import get_spec, load_model
from cluscam_lite.errors import UnknownName
from cluscam_lite.models import model_names
from cluscam_lite.models.registry import RANDOM, random_name
from cluscam_lite.models.weights import has_weights


@pytest.mark.parametrize("name", ["random:scene_cnn", "random:resnet18-alzheimer_mri-128-s0@64", "random:levit_192@32"])
def test_an_untrained_network_is_its_base_under_a_name_of_its_own(name):
    spec, base = get_spec(name), get_spec(name.removeprefix("random:").partition("@")[0])
    assert spec.name == name and spec.tier == RANDOM and not spec.in_paper and spec.weights_id is None
    assert (spec.layers, spec.n_clusters, spec.drop_ratio) == (base.layers, base.n_clusters, base.drop_ratio)
    assert spec.classes == base.classes and "random weights" in spec.title
    assert name not in model_names() and pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize(("name", "size"), [("random:resnet18@64", 64), ("random:levit_192@32", 32)])
def test_it_takes_inputs_of_its_size_and_is_the_same_each_time(name, size):
    first, second = load_model(name), load_model(name)
    assert first.sha256 is None and has_weights(name) and get_spec(name).input_size == size
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        output = first.module(x)
        assert torch.equal(output, second.module(x)) and output.shape == (2, 1000)
    assert not torch.allclose(output[0], output[1])
    assert first.spec.preprocess("paper").size == size


def test_a_classifier_of_zeros_is_drawn_so_that_the_logits_depend_on_the_image():
    with torch.no_grad():
        output = load_model("random:vit_b_16@32").module(torch.randn(2, 3, 32, 32))
    assert output.std() > 0 and not torch.allclose(output[0], output[1])


def test_other_names_are_refused():
    for name in ("random:", "random:no_such_network", "random:no_such@64"):
        with pytest.raises(UnknownName, match="unknown model"):
            get_spec(name)
    assert random_name("resnet18", 64) == "random:resnet18@64" and random_name("resnet18") == "random:resnet18"


def test_weights_are_known_to_be_here_without_loading_them(tmp_path, monkeypatch):
    monkeypatch.setenv("CLUSCAM_DATA", str(tmp_path))
    monkeypatch.setattr("cluscam_lite.models.weights.cached_file", lambda spec: None)
    assert has_weights("scene_cnn") and not has_weights("resnet18") and not has_weights("mobileone_s0")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "resnet18.pth").touch()
    assert has_weights("resnet18")
