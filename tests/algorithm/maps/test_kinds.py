"""Networks of other kinds, settings of other types, other precisions: the right answer, or one sentence."""

import warnings

import numpy as np
import pytest
import torch
from tiny import images, network
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.clustering import coordinates
from cluscam_lite.errors import UnknownName
from cluscam_lite.methods import METHODS
from cluscam_lite.metrics import evaluate, insertion

SMALL = {"n_clusters": 3, "iterations": 2, "n_groups": 4}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def explainer(name, model, **settings):
    info = METHODS[name]
    if info.gradients or name in ("ablationcam", "scorecam"):
        pytest.importorskip("pytorch_grad_cam")
    return info.factory(model, **{**info.fixed, **{k: v for k, v in SMALL.items() if k in info.parameters}, **settings})


READERS = [
    name
    for name, info in METHODS.items()
    if info.kind != "trivial" and not name.startswith("polycam") and name != "smooth"
]


# ---- precision


@pytest.mark.parametrize("name", [name for name in METHODS if not name.startswith("polycam")])
def test_every_method_within_autocast_and_with_another_default_dtype(name):
    x = images(2)
    expected = explainer(name, network())(x).saliency
    cam = explainer(name, network())
    with torch.autocast("cpu", torch.bfloat16):
        found = cam(x)
        assert torch.is_autocast_enabled("cpu")
    assert found.saliency.dtype == found.output.dtype == torch.float32
    torch.testing.assert_close(found.saliency, expected)
    torch.set_default_dtype(torch.float64)
    try:
        other = cam(x).saliency
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(other, expected, check_dtype=False, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", READERS)
def test_the_image_takes_the_networks_precision(name):
    expected = explainer(name, network())(images(1)).saliency
    double = explainer(name, network().double())(images(1)).saliency
    torch.testing.assert_close(double.float(), expected, rtol=1e-3, atol=1e-3)
    assert explainer(name, network())(images(1).double()).saliency.dtype == torch.float32


def test_a_common_factor_of_raw_maps_changes_no_group():
    maps = torch.randn(2, 24, 5, 6, generator=torch.Generator().manual_seed(0))
    points, _ = coordinates(maps, maps, (33, 40), "raw")
    for factor in (2.0**-100, 2.0**-30, 2.0**20, 2.0**100):
        assert torch.equal(coordinates(maps * factor, maps, (33, 40), "raw")[0], points)
    assert points.abs().max() < 1 and not coordinates(torch.zeros(1, 2, 3, 3), maps, (9, 9), "raw")[0].any()


# ---- kinds of networks


class Own:
    def __init__(self):
        self.net = network()

    def forward(self, x):
        maps = self.net[:2](x)
        return maps, self.net[2:](maps)

    def output(self, x):
        return self.net(x)


class OwnModule(Own, nn.Module):
    def __init__(self):
        nn.Module.__init__(self)
        Own.__init__(self)


@pytest.mark.parametrize("name", [name for name, info in METHODS.items() if info.kind == "rival"])
def test_a_model_that_gives_its_own_maps_is_refused_by_what_reads_within(name):
    with pytest.raises(CluscamError, match="the model is a Own; use a method that only needs maps and logits"):
        explainer(name, Own())(images(1))


def test_a_module_that_gives_its_own_maps_is_one_that_does():
    expected = ClusCAM(network(), layer="1", n_clusters=3)(images(1)).saliency
    torch.testing.assert_close(ClusCAM(OwnModule(), n_clusters=3)(images(1)).saliency, expected)


class Wrapped(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.net, self.how = network(), how

    def forward(self, x):
        return self.how(self.net(x))


@pytest.mark.parametrize(
    ("how", "target"),
    [
        (lambda o: {"scores": o, "n": 1}, lambda o: o["scores"][:, 1]),
        (lambda o: {"n": 1, "both": (o, o)}, lambda o: o["both"][0][:, 1]),
        (lambda o: ({"a": o}, o), lambda o: o[1][:, 1]),
        (lambda o: [{"a": o}], lambda o: o[0]["a"][:, 1]),
    ],
)
def test_outputs_of_several_parts_with_a_function_as_target(how, target):
    expected = ClusCAM(network(), n_clusters=3)(images(2), 1)
    e = ClusCAM(Wrapped(how), n_clusters=3)(images(2), target)
    torch.testing.assert_close(e.saliency, expected.saliency)
    assert e.target.tolist() == [-1, -1]
    with pytest.raises(CluscamError, match="the model gives a (dict|tuple|list).* for 2 images; expected logits"):
        ClusCAM(Wrapped(how), n_clusters=3)(images(2))


COMPILED = {
    "scripted": torch.jit.script,
    "traced": lambda net: torch.jit.trace(net, images(1)),
    "frozen": lambda net: torch.jit.freeze(torch.jit.script(net)),
}


@pytest.mark.parametrize("kind", COMPILED)
@pytest.mark.parametrize("name", READERS)
def test_what_torchscript_has_compiled_is_refused(name, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = COMPILED[kind](network())
    with pytest.raises(CluscamError, match="the model is compiled by TorchScript"):
        explainer(name, model)(images(1))


@pytest.mark.parametrize("name", READERS)
def test_a_network_with_one_compiled_part(name):
    if name == "cam":
        pytest.skip("CAM reads the last maps alone, which the compiled part gives here")
    model = network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model[1] = torch.jit.script(model[1])
    with pytest.raises(CluscamError, match="the layer '1' is compiled by TorchScript"):
        explainer(name, model, layer="1")
    expected = explainer(name, network(), layer="0")(images(1)).saliency
    torch.testing.assert_close(explainer(name, model, layer="0")(images(1)).saliency, expected)
    assert not any(part._forward_hooks for part in model)


@pytest.mark.parametrize("name", READERS)
def test_the_module_of_an_exported_program_is_refused(name):
    model = torch.export.export(network(), (images(1),)).module()
    with pytest.raises(CluscamError, match=r"the model is an exported program, .* an ONNX file of it"):
        explainer(name, model)(images(1))


def test_weights_that_are_not_there_and_programs():
    with pytest.raises(CluscamError, match="the model is on the device 'meta' and holds no numbers; load its weights"):
        ClusCAM(network().to("meta"), n_clusters=3)(images(1))
    with pytest.raises(CluscamError, match="x is on the device 'meta'"):
        ClusCAM(network(), n_clusters=3)(images(1).to("meta"))
    program = torch.export.export(network(), (images(1),))
    with pytest.raises(CluscamError, match="model is a ExportedProgram; expected a torch module"):
        ClusCAM(program, n_clusters=3)


def test_both_names_of_a_module_that_is_used_twice():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(3, 3, 3, padding=1)
            self.b, self.fc = self.a, nn.Linear(3, 5)

        def forward(self, x):
            return self.fc(self.b(self.a(x)).relu().mean((2, 3)))

    model = Tied().eval()
    one, other = (ClusCAM(model, layer=name, n_clusters=2)(images(1, 16, 16)) for name in "ab")
    assert (one.layer, other.layer) == ("a", "b") and torch.equal(one.saliency, other.saliency)


# ---- types


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_clusters": 3.0}, "n_clusters is 3.0; expected 1 to 24, .* a whole number"),
        ({"n_clusters": "3"}, "n_clusters is '3'; expected 1 to 24"),
        ({"n_clusters": True}, "n_clusters is True"),
        ({"temperature": "0.4"}, "temperature is '0.4'; expected a number"),
        ({"drop_ratio": "0.4"}, "drop_ratio is '0.4'"),
        ({"batch_size": 2.5}, "batch_size is 2.5; expected at least 1, a whole number"),
        ({"seed": True}, "seed is True"),
        ({"layer": ["1"]}, "unknown layer"),
        ({"fill": torch.zeros(1, 3, 9, 9)}, r"the fill is \(1, 3, 9, 9\).*expected a colour \(3,\)"),
        ({"fill": torch.full((3,), torch.nan)}, "the fill is .*not finite"),
    ],
)
def test_settings_of_another_type(settings, words):
    with pytest.raises((CluscamError, UnknownName), match=words):
        ClusCAM(network(), **{"n_clusters": 3, **settings})(images(1))


def test_numpys_whole_numbers_and_a_colour_are_fine():
    expected = ClusCAM(network(), n_clusters=3, fill=torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1))(images(1))
    e = ClusCAM(network(), n_clusters=np.int64(3), fill=torch.tensor([0.1, 0.2, 0.3]))(images(1))
    torch.testing.assert_close(e.saliency, expected.saliency)


@pytest.mark.parametrize("target", ["a", ["a"], {}, 2**70, 1.5, True, [[1]], 1j])
def test_targets_of_another_type(target):
    with pytest.raises(CluscamError, match="expected None, a class number"):
        ClusCAM(network(), n_clusters=3)(images(1), target)


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("groupcam", "n_groups", 2.5), ("groupcam", "percentile", "70"), ("groupcam", "batch_size", 0),
        ("opticam", "iterations", 2.5), ("opticam", "learning_rate", "0.1"), ("opticam", "learning_rate", float("nan")),
        ("polycam", "n_layers", 2.5), ("ablationcam", "batch_size", 1.5), ("reciprocam", "batch_size", "8"),
        ("smooth", "n_clusters", 2.5),
    ],
)  # fmt: skip
def test_settings_of_rivals_of_another_type(name, setting, value):
    with pytest.raises(CluscamError, match=f"{'number of masks is' if name == 'smooth' else setting} .*expected"):
        explainer(name, network(), **{setting: value})


@pytest.mark.parametrize(
    "x", [images(1).to_sparse(), torch.zeros(1, 3, 0, 0), torch.zeros(0, 3, 8, 8), images(1).to(torch.complex64)]
)
def test_images_of_another_kind(x):
    with pytest.raises(CluscamError, match="x is .*expected a normalised float tensor"):
        ClusCAM(network(), n_clusters=3)(x)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_channels(name, channels):
    x = torch.rand(1, channels, 33, 40, generator=torch.Generator().manual_seed(0))
    with pytest.raises(CluscamError, match=f"the network does not take images of {channels} channels? "):
        explainer(name, network())(x)


def test_a_network_of_one_channel():
    grey = network()
    grey[0] = nn.Conv2d(1, 24, 5, stride=4)
    assert ClusCAM(grey, n_clusters=3)(images(1)[:, :1]).saliency.shape == (1, 33, 40)


def test_measures_of_another_type():
    saliency = torch.rand(33, 40, generator=torch.Generator().manual_seed(0))
    for measure in (evaluate, insertion):
        for target in (None, "1", 1.5):
            with pytest.raises(CluscamError, match="the class is .*; expected one of the network's classes"):
                measure(network(), images(1), saliency, target, normalization=((0.5,) * 3, (0.25,) * 3))
    halves = saliency > 0.5
    found, expected = (evaluate(network(), images(1), m, 1, fills=("mean",)) for m in (halves, halves.float()))
    assert found == expected
