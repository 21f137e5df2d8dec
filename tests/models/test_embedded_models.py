"""The embedded networks: their shapes, their attention, and that the weights do what the cards say."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from analysis.paths import ROOT
from cluscam_lite.datasets.scenes.scene import SCENE_CLASSES, SETTINGS, render, scene_at, scene_label
from cluscam_lite.files import sha256
from cluscam_lite.models import embedded
from cluscam_lite.models.embedded import Attention, scene_cnn, scene_shortcut, scene_vit

ASSETS = Path(embedded.__file__).parents[1] / "assets"
SCRIPT = ROOT / "scripts" / "train_scenes.py"
BUILDERS = {"scene_cnn": scene_cnn, "scene_vit": scene_vit, "scene_shortcut": scene_shortcut}


def trained(name):
    state = load_file(ASSETS / f"{name}.safetensors")
    model = BUILDERS[name]()
    model.load_state_dict(state)  # copies into the model's float32 parameters
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    return model.eval()


def batch(scenes, without=None):
    images = np.stack([np.asarray(render(scene, without)) for scene in scenes])
    images = torch.from_numpy(images).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(v)[:, None, None] for v in (embedded.MEAN, embedded.STD))
    return (images / 255 - mean) / std


def output_of(model, layer, x):
    kept = []
    module = model.get_submodule(layer)
    handle = module.register_forward_hook(lambda module, inputs, output: kept.append(output))
    with torch.no_grad():
        logits = model(x)
    handle.remove()
    return kept[0], logits


def test_layers_have_the_maps_that_are_promised():
    x = torch.zeros(2, 3, 96, 96)
    maps, logits = output_of(scene_cnn().eval(), "stage4", x)
    assert maps.shape == (2, 128, 12, 12) and logits.shape == (2, 10)
    maps, logits = output_of(scene_vit().eval(), "patch_embed", x)
    assert maps.shape == (2, 96, 12, 12) and logits.shape == (2, 10)
    assert output_of(scene_vit().eval(), "blocks.5", x)[0].shape == (2, 145, 96)


def test_cam_is_defined_on_the_cnn():
    torch.manual_seed(0)
    model = scene_cnn().eval()
    maps, logits = output_of(model, "stage4", torch.randn(2, 3, 96, 96))
    cam = torch.einsum("ck,bkhw->bchw", model.fc.weight, maps)  # (B, 10, 12, 12)
    assert torch.allclose(cam.mean(dim=(2, 3)) + model.fc.bias, logits, atol=1e-5)


def test_attention_equals_its_formula():
    torch.manual_seed(0)
    attention, x = Attention(dim=12, heads=3), torch.randn(2, 5, 12)
    q, k, v = attention.qkv(x).split(12, dim=-1)
    heads = []
    for h in (slice(0, 4), slice(4, 8), slice(8, 12)):
        scores = q[..., h] @ k[..., h].transpose(1, 2) / 2  # sqrt(4)
        heads.append(scores.softmax(-1) @ v[..., h])
    assert torch.allclose(attention(x), attention.proj(torch.cat(heads, -1)), atol=1e-6)


def test_vit_is_embed_encode_read_out():
    torch.manual_seed(0)
    model, x = scene_vit().eval(), torch.randn(2, 3, 96, 96)
    tokens = model.embed(x)
    assert tokens.shape == (2, 145, 96)
    order = torch.cat([torch.tensor([0]), 1 + torch.randperm(144)])  # positions are in the tokens already
    assert torch.allclose(model.head(model.encode(tokens[:, order])[:, 0]), model(x), atol=1e-5)


@pytest.mark.parametrize("name", BUILDERS)
def test_weights_are_small_half_precision_and_the_cards(name):
    path = ASSETS / f"{name}.safetensors"
    card = json.loads(path.with_suffix(".json").read_text())
    assert path.stat().st_size < 2_000_000
    assert {v.dtype for v in load_file(path).values() if v.is_floating_point()} == {torch.float16}
    assert card["sha256"] == sha256(path)
    assert card["parameters"] == sum(p.numel() for p in BUILDERS[name]().parameters())
    assert tuple(card["classes"]) == SCENE_CLASSES
    assert (tuple(card["mean"]), tuple(card["std"])) == (embedded.MEAN, embedded.STD)


@pytest.mark.parametrize("name", BUILDERS)
def test_accuracy_on_fresh_scenes_is_the_cards(name):
    scenes = [scene_at(i, seed=1) for i in range(200)]  # the card's scenes have seed 0
    with torch.inference_mode():
        top = trained(name)(batch(scenes)).argmax(1).tolist()
    present = [{thing.label for thing in scene.objects} for scene in scenes]
    hits = [label in labels for label, labels in zip(top, present, strict=True)]
    card = json.loads((ASSETS / f"{name}.json").read_text())
    assert 100 * np.mean(hits) == pytest.approx(np.mean([card["accuracy"][s] for s in SETTINGS]), abs=4)


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_the_object_that_the_networks_see(name):
    scenes = [scene_at(i, seed=2, setting="single") for i in range(40)]
    model, labels = trained(name), torch.tensor([[scene_label(scene)] for scene in scenes])
    with torch.inference_mode():
        whole, without = (model(batch(scenes, k)).softmax(1).gather(1, labels).mean() for k in (None, 0))
    assert whole > 0.7 and without < 0.25


@pytest.mark.slow
def test_training_script_is_reproducible_and_writes_a_true_card(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)  # as for a script that is run
    spec = importlib.util.spec_from_file_location("train_scenes", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "train_scenes", script)  # dataclasses look it up
    spec.loader.exec_module(script)
    threads = torch.get_num_threads()
    for folder in ("first", "second"):
        arguments = ["--steps", "2", "--scenes", "12", "--test-scenes", "6", "--threads", "1", "--out"]
        monkeypatch.setattr("sys.argv", ["train_scenes.py", *arguments, str(tmp_path / folder)])
        script.main()
    torch.set_num_threads(threads)
    for name in BUILDERS:
        first, second = (tmp_path / folder / f"{name}.safetensors" for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
        card = json.loads(first.with_suffix(".json").read_text())
        assert card["sha256"] == sha256(first)
        assert card["training"]["steps"] == 2
        assert card["test_scenes"] == {"single": 2, "same": 2, "different": 2}
