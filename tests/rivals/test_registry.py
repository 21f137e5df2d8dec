"""Every registered method behind one call: on a convolutional network, and on a transformer at two layers."""

import pytest
import torch
from callers import untouched

from cluscam_lite import load_dataset, load_model
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.explanation import Explanation
from cluscam_lite.methods import KINDS, METHODS, method, method_info, method_names, settings_of

PLACES = [("scene_cnn", "paper"), ("scene_vit", "paper"), ("scene_vit", "last")]
CHEAP = {"opticam": {"iterations": 8}, "opticam_norm": {"iterations": 8}}  # as many passes as it has steps
CANNOT = {  # what these methods need, a plain transformer has not
    ("cam", "scene_vit"): "averages the maps",
    ("polycam", "scene_vit"): "several resolutions",
    ("polycam_plus", "scene_vit"): "several resolutions",
    ("polycam_minus", "scene_vit"): "several resolutions",
}


@pytest.fixture(scope="module")
def models():
    return {name: load_model(name) for name in ("scene_cnn", "scene_vit")}


@pytest.fixture(scope="module")
def x(models):
    return models["scene_cnn"].spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]


def test_names_and_titles_are_unique():
    assert method_names() == list(METHODS) and all(name == info.name for name, info in METHODS.items())
    for key in ("title", "name", "description"):
        found = [getattr(info, key) for info in METHODS.values()]
        assert len(set(found)) == len(found) and all(found)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_home(name):
    info = method_info(name)
    assert callable(info.factory) and callable(info.factory.__call__) and info.factory.__doc__
    assert info.kind in KINDS and info.paper in ("tables", "figures", "text", "") and info.reference
    assert not {"model", "layer", *info.fixed} & {*info.parameters}
    assert name not in CHEAP or {*CHEAP[name]} <= {*info.parameters}


@pytest.mark.parametrize(("network", "layer"), PLACES)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_explains_or_says_why_not(name, network, layer, models, x):
    model, info = models[network], method_info(name)
    reason = CANNOT.get((name, network))
    with untouched(model.module):
        if reason:
            with pytest.raises(NotApplicable, match=reason) as error:
                method(name, model.module, model.spec, layer, **CHEAP.get(name, {}))(x)
            assert "\n" not in str(error.value) and len(str(error.value)) < 300
            return
        e = method(name, model.module, model.spec, layer, **CHEAP.get(name, {}))(x)
    assert isinstance(e, Explanation) and e.saliency.shape == (1, 96, 96) and e.output.shape == (1, 10)
    assert torch.isfinite(e.saliency).all() and e.saliency.min() >= 0 and e.saliency.max() <= 1
    assert e.saliency.dtype == torch.float32 and not e.saliency.requires_grad and not e.output.requires_grad
    assert e.uniform.shape == e.target.shape == (1,) and int(e.target) == int(e.output.argmax())
    assert bool(e.uniform) == (e.saliency.max() == 0)
    assert e.forward_passes >= 1 and (e.backward_passes > 0) == info.gradients
    assert (e.layer == "") == (info.kind == "trivial" or name == "smooth")
    assert all(isinstance(note, str) and note for note in e.notes)
    if bool(e.uniform):  # the known trap: the class token alone is read out after the last block
        assert (network, layer) == ("scene_vit", "last") and "gradients: all zero" in " ".join(e.notes)
        assert info.gradients


@pytest.mark.parametrize("name", METHODS)
def test_another_class_gives_another_map_unless_the_map_is_trivial(name, models, x):
    model = models["scene_cnn"]
    explainer = method(name, model.module, model.spec, **CHEAP.get(name, {}))
    top = explainer(x)
    other = explainer(x, int(top.output[0].topk(3).indices[2]))
    assert torch.equal(other.saliency, top.saliency) == (method_info(name).kind == "trivial")
    torch.testing.assert_close(other.output, top.output)


def test_the_models_own_hyperparameters_are_taken(models):
    model = models["scene_vit"]
    spec = model.spec
    explainer = method("cluscam", model.module, spec)
    assert (explainer.n_clusters, explainer.drop_ratio, explainer.temperature) == (
        spec.n_clusters, spec.drop_ratio, spec.temperature,
    )  # fmt: skip
    assert explainer.model.layer_name == spec.layer("paper") and explainer.normalization == (spec.mean, spec.std)
    assert method("donor", model.module, spec, n_clusters=3).n_clusters == 3


@pytest.mark.parametrize("name", METHODS)
def test_settings_can_be_written_down(name, models):
    model = models["scene_cnn"]
    found = settings_of(name, method(name, model.module, model.spec))
    assert all(isinstance(value, int | float | str | type(None)) for value in found.values())
    # what is not a number or a word is left out: the normalisation is, which the report has elsewhere
    assert {*found} >= {*method_info(name).parameters, *method_info(name).fixed} - {"normalization"}


def test_fixed_settings_cannot_be_changed_and_unknown_ones_name_the_nearest(models):
    model = models["scene_cnn"]
    with pytest.raises(UnknownName, match="iterations"):
        method("opticam", model.module, model.spec, iteration=3)
    with pytest.raises(UnknownName, match="objective"):
        method("opticam", model.module, model.spec, objective="norm")
    with pytest.raises(UnknownName, match="gradcam"):
        method("gradcan", model.module, model.spec)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("cluscam", "inverted")])
def test_a_function_of_the_output_is_for_cluscam_only(name, models, x):
    model = models["scene_cnn"]
    with pytest.raises(CluscamError, match="explains a class"):
        method(name, model.module, model.spec, **CHEAP.get(name, {}))(x, lambda output: output[:, 0])


def test_as_many_clusters_as_maps_without_dropping_is_no_clustering(models, x):
    model = models["scene_cnn"]
    d = 128
    settings = {"drop_ratio": 0, "temperature": 0.5}
    every = method("cluscam", model.module, model.spec, n_clusters=d, **settings)(x)
    none = method("cluscam", model.module, model.spec, clustering="none", **settings)(x)
    assert none.labels.shape == (1, d) and none.forward_passes == d + 1
    torch.testing.assert_close(every.saliency, none.saliency, rtol=0, atol=1e-4)
