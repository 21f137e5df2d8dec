"""Networks by the names of their libraries, and those that a function in a file builds."""

import pytest
import torch
from PIL import Image

from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.models.elsewhere import Given, elsewhere_spec, is_elsewhere
from cluscam_lite.models.loaded import network_hash

HALF = Given((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 32)
TINY = """
import torch
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(8, 5))

def words():
    return "no network"

def raises():
    raise RuntimeError("no weights\\nat all")

def headless():
    return nn.Conv2d(3, 8, 3)

def of_large_images():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 5))
"""


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.mark.parametrize("name", ["timm:resnet18", "torchvision:resnet18", "a/net.py:build"])
def test_names_from_elsewhere(name):
    assert is_elsewhere(name)


@pytest.mark.parametrize("name", ["resnet50", "hub:resnet18", "out/run", "timm", "net.py", "net.onnx:build"])
def test_names_that_are_not(name):
    assert not is_elsewhere(name)


def test_timm_says_how_its_network_is_fed():
    import timm

    spec, config = get_spec("timm:mobilenetv3_small_050"), timm.get_pretrained_cfg("mobilenetv3_small_050")
    assert (spec.input_size, spec.interpolation, spec.resize) == (224, "bicubic", 256) and config.crop_pct == 0.875
    assert spec.mean == config.mean and spec.std == config.std and spec.num_classes == 1000
    assert spec.class_names[281] == "tabby" and spec.weights_id == config.hf_hub_id.removeprefix("timm/")
    # the transform that timm itself makes for this network
    image = Image.effect_noise((300, 260), 80).convert("RGB")
    data = timm.data.resolve_data_config(pretrained_cfg=config.to_dict())
    assert torch.allclose(spec.preprocess()(image), timm.data.create_transform(**data)(image), atol=1e-5)


def test_torchvision_says_how_its_network_is_fed():
    from torchvision.models import SqueezeNet1_1_Weights as Weights

    spec = get_spec("torchvision:squeezenet1_1")
    image = Image.effect_noise((300, 260), 80).convert("RGB")
    assert torch.allclose(spec.preprocess()(image), Weights.DEFAULT.transforms()(image), atol=1e-5)
    assert spec.class_names == tuple(Weights.DEFAULT.meta["categories"]) and spec.weights_id == str(Weights.DEFAULT)


def test_what_the_user_says_goes_first():
    spec = elsewhere_spec("timm:mobilenetv3_small_050", Given((0.1,) * 3, (0.2,) * 3, 112, ("x",) * 1000))
    assert spec.mean == (0.1,) * 3 and spec.std == (0.2,) * 3 and spec.class_names[7] == "x"
    assert (spec.input_size, spec.resize) == (112, 128)


def test_a_function_in_a_file_is_explained_as_in_python(tiny):
    spec = elsewhere_spec(f"{tiny}:build", HALF)
    assert (spec.n_clusters, spec.num_classes, spec.layer("paper")) == (8, 5, "1")
    model = load_model(spec, seed=3)
    assert model.source == "built by build of tiny.py (seed 3)"
    torch.manual_seed(3)
    namespace = {}
    exec(TINY, namespace)
    network, x = namespace["build"]().eval(), torch.rand(1, 3, 32, 32)
    found, expected = ClusCAM.from_spec(spec, model.module, n_clusters=4), ClusCAM(network, n_clusters=4)
    assert torch.equal(found(x).saliency, expected(x).saliency)
    assert spec.name == "tiny.py:build" and model.sha256 == network_hash(
        model.module, tiny
    )  # and no folder of this machine


def test_weights_of_a_file_for_ones_own_network(tiny, tmp_path):
    spec = elsewhere_spec(f"{tiny}:build", HALF)
    torch.save(load_model(spec, seed=5).module.state_dict(), tmp_path / "w.pt")
    loaded, drawn = load_model(spec, tmp_path / "w.pt").module, load_model(spec, seed=5).module
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), drawn.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timm:resnet81", ["unknown network of timm", "resnet18"]),
        ("torchvision:fcn_resnet5", ["unknown network of torchvision", "resnet50"]),
        ("nowhere.py:build", ["there is no file nowhere.py"]),
        ("TINY:biuld", ["unknown function of tiny.py", "build"]),
        ("TINY:words", ["gives a str", "a torch module"]),
        ("TINY:raises", ["fails with RuntimeError: no weights"]),
        ("TINY:headless", ["gives a tensor (1, 8, 30, 30)", "expected logits"]),
        ("TINY:of_large_images", ["cannot be run on an image of 32 x 32", "--size"]),
    ],
)
def test_mistakes_are_one_sentence(name, words, tiny):
    with pytest.raises(CluscamError) as found:
        elsewhere_spec(name.replace("TINY", str(tiny)), HALF)
    assert all(word in str(found.value) for word in words) and "\n" not in str(found.value)


def test_what_is_not_known_is_asked_for(tiny):
    with pytest.raises(CluscamError, match="give --mean and --std"):
        elsewhere_spec(f"{tiny}:build")
    with pytest.raises(CluscamError, match="--std above 0"):
        elsewhere_spec(f"{tiny}:build", Given((0.5,) * 3, (0.5, 0.5, 0.0), 32))
    with pytest.raises(CluscamError, match="2 names for the 5 classes"):
        elsewhere_spec(f"{tiny}:build", Given((0.5,) * 3, (0.5,) * 3, 32, ("a", "b")))
    with pytest.raises(CluscamError, match="gives its weights itself"):
        load_model(elsewhere_spec(f"{tiny}:build", HALF), "hub")
    tiny.write_text("import nothing_of_that_name")
    with pytest.raises(CluscamError, match=r"tiny\.py cannot be run: ModuleNotFoundError"):
        elsewhere_spec(f"{tiny}:build", HALF)
    with pytest.raises(UnknownName, match="unknown model"):
        get_spec("tinn:resnet18")
