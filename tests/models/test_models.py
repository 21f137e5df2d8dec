"""The registry of networks, and the preprocessing of their weights."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import get_spec, load_model, model_names
from cluscam_lite.models.backbones import TABLE_3

REAL = [name for name in model_names() if not name.startswith("scene")]

# (channels, side) of the "paper" layer and of the "last" one; for tokens (channels, number of tokens)
SHAPES = {
    "resnet18": ((512, 7), (512, 7)),
    "resnet34": ((512, 7), (512, 7)),
    "resnet50": ((2048, 7), (2048, 7)),
    "resnet101": ((2048, 7), (2048, 7)),
    "efficientnet_b0": ((1280, 7), (1280, 7)),
    "inception_v3": ((2048, 8), (2048, 8)),
    "vit_b_16": ((768, 14), (768, 197)),
    "swin_b": ((128, 56), (1024, 7)),
    "levit_192": ((192, 14), (384, 16)),
    "levit_256": ((256, 14), (512, 16)),
    "pvt_v2_b2": ((64, 56), (512, 7)),
    "cait_xxs24_224": ((192, 14), (192, 196)),
    "resnet50_v1": ((2048, 7), (2048, 7)),
    "efficientnet_lite0": ((1280, 7), (1280, 7)),
    "mobileone_s0": ((1024, 7), (1024, 7)),
    "squeezenet1_1": ((512, 13), (512, 13)),
    "vit_tiny_patch16_224": ((192, 14), (192, 197)),
    "phantom_cnn": ((128, 16), (128, 16)),
    "phantom_vit": ((96, 8), (96, 65)),
}


def photograph(width=500, height=375, seed=0):
    """A smooth random picture, so that resizing filters differ measurably."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def outputs_of(module, names, x):
    """The output shape of each named layer, and the logits."""
    shapes = {}
    handles = [
        module.get_submodule(name).register_forward_hook(
            lambda _m, _i, output, name=name: shapes.__setitem__(name, tuple(output.shape))
        )
        for name in set(names)
    ]
    with torch.no_grad():
        logits = module(x)
    for handle in handles:
        handle.remove()
    return shapes, logits


# The registry


def test_table_3_gives_the_printed_temperatures():
    for name, (n_clusters, percent, printed) in TABLE_3.items():
        spec = get_spec(name)
        assert (spec.n_clusters, spec.temperature, spec.paper_temperature) == (n_clusters, None, printed)
        assert spec.drop_ratio == pytest.approx(percent / 100) and spec.in_paper and spec.tier == "reproduction"
        assert 1 / math.log(1 + spec.drop_ratio * n_clusters) == pytest.approx(printed, abs=0.0060)


def test_the_names_are_the_papers_twelve_and_ten_more():
    assert len(model_names()) == len(set(model_names())) == 22
    assert [name for name in model_names() if get_spec(name).in_paper] == list(TABLE_3)
    tiers = {name: get_spec(name).tier for name in model_names() if name not in TABLE_3}
    assert tiers == {
        "resnet50_v1": "variant",
        "efficientnet_lite0": "variant",
        "mobileone_s0": "conceptual",
        "squeezenet1_1": "conceptual",
        "vit_tiny_patch16_224": "conceptual",
        "scene_cnn": "embedded",
        "scene_vit": "embedded",
        "scene_shortcut": "embedded",
        "phantom_cnn": "embedded",
        "phantom_vit": "embedded",
    }
    assert all(get_spec(name).paper_temperature is None for name in tiers)


def test_unknown_model_names_the_nearest():
    with pytest.raises(UnknownName, match="unknown model 'resnet5'; nearest: resnet50"):
        get_spec("resnet5")
    with pytest.raises(UnknownName):
        load_model("nothing like it")


def test_specs_can_be_sent_to_other_processes():
    for name in model_names():
        assert pickle.loads(pickle.dumps(get_spec(name))) == get_spec(name)
    hash(get_spec("resnet18"))


def test_a_layer_is_resolved_or_given_back():
    spec = get_spec("vit_b_16")
    assert spec.layer() == "conv_proj" and spec.layer("last") == "encoder.layers.encoder_layer_11"
    assert spec.layer("encoder.ln") == "encoder.ln"


def test_class_names():
    names = get_spec("resnet18").class_names
    assert len(names) == 1000 and names[0] == "tench" and names[281] == "tabby"
    scenes = get_spec("scene_cnn").class_names
    assert len(scenes) == 10 and scenes[0] == "aeroplane"
    assert get_spec("phantom_vit").class_names == ("none", "slight", "clear", "marked")


def test_listing_the_registry_imports_no_library_of_networks():
    code = (
        "import sys; from cluscam_lite.models import model_names, get_spec; [get_spec(n) for n in model_names()];"
        "assert not {'torchvision', 'timm', 'datasets'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", REAL)
def test_every_network_builds_and_has_both_layers(name):
    spec = get_spec(name)
    loaded = load_model(name, weights="random")
    assert not loaded.module.training and loaded.sha256 is None and loaded.source == "random weights (seed 0)"
    assert all(p.dtype == torch.float32 for p in loaded.module.parameters())
    x = torch.zeros(1, 3, spec.input_size, spec.input_size)
    shapes, logits = outputs_of(loaded.module, spec.layers.values(), x)
    assert logits.shape == (1, spec.num_classes) and logits.isfinite().all()
    for which, (channels, size) in zip(("paper", "last"), SHAPES[name], strict=True):
        shape = shapes[spec.layers[which]]
        maps, tokens, channels_last = (1, channels, size, size), (1, size, channels), (1, size, size, channels)
        assert shape in (maps, tokens, channels_last), (which, shape)
        assert shape == maps or which == "last"
    assert spec.family == ("cnn" if spec.layers["paper"] == spec.layers["last"] else "transformer")


def test_resnet50_v1_has_the_strides_of_the_original():
    module = get_spec("resnet50_v1").build()
    for stage in (module.layer2, module.layer3, module.layer4):
        assert (stage[0].conv1.stride, stage[0].conv2.stride) == ((2, 2), (1, 1))


# Preprocessing


@pytest.mark.parametrize("name", [n for n in REAL if get_spec(n).library == "torchvision" and get_spec(n).weights_id])
def test_preprocessing_is_that_of_torchvisions_weights(name):
    import torchvision

    transforms = torchvision.models.get_weight(get_spec(name).weights_id).transforms()
    for size in ((500, 375), (375, 500), (256, 300), (90, 1000)):
        image = photograph(*size)
        assert torch.allclose(get_spec(name).preprocess()(image), transforms(image), atol=1e-6)


@pytest.mark.parametrize("name", [n for n in REAL if get_spec(n).library == "timm" and get_spec(n).weights_id])
def test_preprocessing_is_that_of_timms_weights(name):
    import timm

    spec = get_spec(name)
    config = timm.get_pretrained_cfg(spec.weights_id)
    transform = timm.data.create_transform(
        **timm.data.resolve_data_config(pretrained_cfg=config.to_dict()), is_training=False
    )
    for size in ((500, 375), (375, 500), (256, 300)):
        image = photograph(*size)
        assert torch.allclose(spec.preprocess()(image), transform(image), atol=1e-6)


def test_preprocessing_of_tensorflow_lites_network_is_on_bytes():
    spec, image = get_spec("efficientnet_lite0"), photograph(300, 256)
    pixels = np.asarray(image.crop((38, 16, 262, 240)), dtype=np.float64)
    expected = torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1).float()
    assert torch.allclose(spec.preprocess()(image), expected, atol=1e-6)
    # the paper's network of the same family lends K, r and the place of the layer
    b0 = get_spec("efficientnet_b0")
    assert (spec.n_clusters, spec.drop_ratio, spec.family) == (b0.n_clusters, b0.drop_ratio, b0.family)
    assert (spec.layer("paper"), spec.layer("last"), b0.layer("paper")) == ("bn2", "bn2", "features")


def test_the_papers_preprocessing_squashes_the_whole_image():
    spec = get_spec("inception_v3")
    image = photograph()
    preprocess = spec.preprocess("paper")
    x = preprocess(image)
    assert x.shape == (3, 224, 224) and preprocess.view(image).size == (224, 224)
    pixels = np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR), dtype=np.float32) / 255
    mean, std = np.float32(spec.mean), np.float32(spec.std)
    assert np.allclose(x.permute(1, 2, 0).numpy(), (pixels - mean) / std, atol=1e-5)
    assert spec.preprocess()(image).shape == (3, 299, 299)
    assert get_spec("scene_cnn").preprocess("paper")(image).shape == (3, 96, 96)


def test_bad_preprocessing():
    with pytest.raises(UnknownName, match="unknown preprocessing 'papr'; nearest: paper"):
        get_spec("resnet18").preprocess("papr")
    with pytest.raises(CluscamError, match="mode L, not RGB"):
        get_spec("resnet18").preprocess()(photograph().convert("L"))
