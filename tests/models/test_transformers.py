"""Image classifiers of transformers: their layers are found without a name, and `hf:NAME` loads them."""

import sys

import pytest
import torch
import transformers
from PIL import Image

from cluscam_lite import ClusCAM, CluscamError, get_spec, load_model
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.methods import method
from cluscam_lite.models.elsewhere import Given, elsewhere_spec

# family -> the layer that is read (older releases call some otherwise), its maps, their grid, tokens that are left out
LAYERS = {
    "beit": ("beit.layers.3|beit.encoder.layer.3", 48, (4, 4), 1),
    "clip": ("vision_model.encoder.layers.3", 48, (4, 4), 1),
    "convnext": ("convnext.encoder.stages.3", 768, (2, 2), 0),
    "deit": ("deit.layers.3|deit.encoder.layer.3", 48, (4, 4), 2),
    "dinov2_with_registers": ("dinov2_with_registers.encoder.layer.3", 48, (4, 4), 5),
    "focalnet": ("focalnet.encoder.stages.3", 768, (2, 2), 0),
    "hiera": ("hiera.encoder.stages.3", 768, (7, 7), 0),
    "levit": ("levit.encoder.stages.2", 384, (4, 4), 0),
    "mobilenet_v2": ("mobilenet_v2.conv_1x1", 1280, (2, 2), 0),
    "mobilevit": ("mobilevit.conv_1x1_exp", 640, (2, 2), 0),
    "poolformer": ("norm", 512, (2, 2), 0),
    "pvt": ("pvt.encoder.block.3.1", 512, (2, 2), 1),
    "pvt_v2": ("pvt_v2.encoder.layers.3.blocks.1", 256, (2, 2), 0),
    "regnet": ("regnet.encoder.stages.3", 1088, (2, 2), 0),
    "resnet": ("resnet.encoder.stages.3", 2048, (2, 2), 0),
    "segformer": ("segformer.stages.3|segformer.encoder.block.3.1", 256, (2, 2), 0),
    "siglip": ("vision_model.encoder.layers.3", 48, (4, 4), 0),
    "swin": ("swin.encoder.layers.3", 768, (7, 7), 0),
    "swinv2": ("swinv2.encoder.layers.3", 768, (2, 2), 0),
    "vit": ("vit.layers.3|vit.encoder.layer.3", 48, (4, 4), 1),
}
OF_ONE_SIZE = ("hiera", "levit", "swin")  # 224 pixels
SMALL = {"hidden_size": 48, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 96, "patch_size": 16}
CLASSES = {"id2label": {0: "cat", 1: "dog", 2: "bird"}, "label2id": {"cat": 0, "dog": 1, "bird": 2}}


def network(family):
    """A classifier of three classes with random weights, small where that can be said; and the size of its images."""
    size, settings = 224 if family in OF_ONE_SIZE else 64, dict(CLASSES)
    usual = transformers.AutoConfig.for_model(family)
    if hasattr(usual, "vision_config"):
        settings["vision_config"] = SMALL | {"image_size": size}
    elif family not in OF_ONE_SIZE:
        settings |= {"image_size": size} if isinstance(getattr(usual, "image_size", None), int) else {}
        settings |= SMALL if isinstance(getattr(usual, "num_attention_heads", None), int) else {}
    config = transformers.AutoConfig.for_model(family, **settings)
    several = {"deit": transformers.DeiTForImageClassification, "levit": transformers.LevitForImageClassification}
    torch.manual_seed(0)
    made = (
        several[family](config)
        if family in several
        else transformers.AutoModelForImageClassification.from_config(config)
    )
    return made.eval(), size


@pytest.mark.parametrize("family", LAYERS)
def test_the_deepest_maps_are_found_and_explained(family):
    net, size = network(family)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    names, *expected = LAYERS[family]
    name, layout = HookedModel(net).find_layer(x)
    assert name in names.split("|") and [layout.channels, layout.grid, layout.prefix] == expected
    e = ClusCAM(net, n_clusters=4)(x)
    assert e.saliency.shape == (2, size, size) and torch.isfinite(e.saliency).all() and e.layer == name
    with torch.no_grad():
        assert torch.equal(e.target, net(x).logits.argmax(1))


@pytest.mark.parametrize(
    "name", ["gradcam", "scorecam", "ablationcam", "reciprocam", "opticam", "layercam", "groupcam"]
)
@pytest.mark.parametrize("family", ["vit", "pvt_v2", "resnet"])
def test_rivals_explain_them_too(family, name):
    net, size = network(family)
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    layer, _ = HookedModel(net).find_layer(x)
    layer = layer.replace("3", "2") if family == "vit" else layer  # behind the last block only the class token counts
    e = method(name, net, layer=layer)(x, 1)
    assert e.saliency.shape == (1, size, size) and torch.isfinite(e.saliency).all()


def test_transformers_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CluscamError, match="needs the package transformers, which is not installed"):
        elsewhere_spec("hf:google/vit-base-patch16-224")


def test_an_image_classifier_of_transformers(tmp_path, monkeypatch):
    transformers = pytest.importorskip("transformers")
    labels = {0: "cat", 1: "dog", 2: "bird"}
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, image_size=32, patch_size=8,
        id2label=labels, label2id={name: i for i, name in labels.items()},
    )  # fmt: skip
    network = transformers.ViTForImageClassification(config).eval()
    network.save_pretrained(tmp_path / "vit")
    inputs = transformers.ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=[0.4] * 3, image_std=[0.3] * 3)
    inputs.save_pretrained(tmp_path / "vit")
    spec = get_spec(f"hf:{tmp_path / 'vit'}")
    assert (spec.input_size, spec.resize, spec.mean, spec.class_names) == (32, None, (0.4,) * 3, tuple(labels.values()))
    image = Image.effect_noise((50, 40), 80).convert("RGB")
    x = spec.preprocess()(image)[None]
    assert torch.allclose(x, inputs(image, return_tensors="pt")["pixel_values"], atol=0.05)
    loaded = load_model(spec).module
    assert torch.equal(loaded(x).logits, network(x).logits)
    assert ClusCAM.from_spec(spec, loaded, n_clusters=3)(x).saliency.shape == (1, 32, 32)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CluscamError, match="no image classifier"):
        get_spec(f"hf:{tmp_path / 'nothing'}")


@pytest.mark.parametrize("there", [True, False])
def test_the_hub_is_asked_only_where_it_answers(there, monkeypatch):
    transformers = pytest.importorskip("transformers")
    asked = []

    def read(name, local_files_only):
        asked.append((name, local_files_only))
        raise OSError("not in the cache")

    monkeypatch.setattr("cluscam_lite.models.elsewhere.hugging_face.hugging_face_reachable", lambda: there)
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", read)
    with pytest.raises(CluscamError, match="no image classifier 'google/vit' here and cannot fetch it"):
        elsewhere_spec("hf:google/vit")
    assert asked == [("google/vit", not there)]


def test_a_folder_with_a_network_alone_takes_what_the_user_says(tmp_path):
    made, size = network("vit")
    made.save_pretrained(tmp_path / "net")
    name = f"hf:{tmp_path / 'net'}"
    with pytest.raises(CluscamError, match="does not say with which mean and standard deviation"):
        elsewhere_spec(name)
    spec = elsewhere_spec(name, Given(mean=(0.5,) * 3, std=(0.5,) * 3))
    assert spec.input_size == size and spec.classes == ("cat", "dog", "bird")
    x = torch.rand(1, 3, size, size)
    torch.testing.assert_close(load_model(spec).module(x).logits, made(x).logits)
