"""Passes that are counted beforehand are those that a counting network sees, method by method."""

import pytest
import torch

from analysis.studies.cost.counting import counting
from analysis.studies.cost.passes import Passes, evaluation_passes, passes_of, shape_of
from analysis.studies.plan import layer_of
from cluscam_lite import get_spec, load_dataset, load_model
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import METHODS, method
from cluscam_lite.metrics import evaluate

FEWER = {"opticam": {"iterations": 3}, "opticam_norm": {"iterations": 2}}
PLACES = [("scene_cnn", "paper"), ("scene_vit", "last"), ("scene_vit", "paper")]


@pytest.fixture(scope="module")
def image():
    return load_dataset("scenes", part="test", n=1)[0].image


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("model, layer", PLACES)
def test_a_method_takes_the_passes_that_are_counted_for_it(model, layer, name, image):
    loaded = load_model(model)
    spec, layer = loaded.spec, layer_of(name, model, layer)
    shape = shape_of(loaded.module, spec.layer(layer), spec.input_size)
    settings = FEWER.get(name, {})
    expected = passes_of(name, shape, spec.n_clusters, settings)
    with counting(loaded.module) as count:
        try:
            found = method(name, loaded.module, spec, layer, **settings)(spec.preprocess()(image)[None])
        except NotApplicable:
            assert count.forward <= 2 and expected.forward <= 2 and not expected.head
            return
    if name == "groupcam":  # masks without contrast cost no pass; the blurred image has one that is not reported
        assert count.forward == found.forward_passes + 1 and 30 < count.forward <= expected.forward == 35
    else:
        assert count.forward == expected.forward + expected.head
    assert found.backward_passes == expected.backward
    if name != "shapleycam":  # its second gradient is of the first, and does not begin at the output
        assert count.backward == expected.backward


def test_fewer_maps_than_groups_cost_fewer_passes():
    loaded = load_model("scene_cnn")
    shape = shape_of(loaded.module, loaded.spec.layer("paper"), 96)
    assert passes_of("cluscam", shape, 10_000).forward == 1 + shape.maps
    assert passes_of("cluscam", shape, 30, {"n_clusters": 7}) == Passes(forward=8, groupings=1)


@pytest.mark.parametrize("size", [96, 224, 299])
def test_an_evaluated_map_takes_the_passes_that_are_counted(size):
    seen = []
    output = lambda x: seen.append(len(x)) or torch.zeros(len(x), 10)  # noqa: E731
    evaluate(output, torch.zeros(1, 3, size, size), torch.rand(size, size), 0, normalization=((0.5,) * 3, (0.2,) * 3))
    assert sum(seen) == evaluation_passes(7, size).forward


def test_passes_add_up():
    both = Passes(1, 2, 3) + Passes(forward=10, images=1) * 2
    assert both == Passes(21, 2, 3, 0, 0, 2)
    assert both.to_dict()["images"] == 2


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16"])
def test_a_network_of_the_paper_has_the_shape_of_its_layer(name):
    loaded = load_model(f"random:{name}@64")
    shape = shape_of(loaded.module, get_spec(name).layer("paper"), 64)
    assert (shape.maps, shape.places) == {"resnet18": (512, 4), "vit_b_16": (768, 16)}[name]
    assert shape.curved == (name == "vit_b_16") and not shape.prefix
