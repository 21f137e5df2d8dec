"""A folder of `cluscam train` as a network: trained by a short run, explained, and refused where it does not fit."""

import json
import shutil

import pytest
import torch

from analysis.chapters.alzheimer.networks.trained import CARDS
from analysis.chapters.alzheimer.networks.training.networks import resampled_positions, starting_network, transfer
from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.chapters.alzheimer.networks.training.slices import load_parts, to_input
from analysis.chapters.alzheimer.networks.training.trainer import train
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model
from cluscam_lite.cli import main
from cluscam_lite.datasets.phantoms.phantom import PHANTOM_CLASSES
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models.runs import spec_of_run
from cluscam_lite.models.trained import load_trained, trained_spec


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A ResNet-18 after one epoch on a few phantoms."""
    folder = tmp_path_factory.mktemp("trained") / "resnet18"
    recipe = recipe_for("resnet18", dataset="phantoms", images=16, epochs=1, batch_size=16, start="scratch")
    train(recipe, folder, say=lambda line: None)
    return folder


def test_a_trained_network_is_explained_at_both_stages(folder):
    loaded = load_model(str(folder))
    spec = loaded.spec
    assert spec == get_spec(str(folder)) and spec.class_names == PHANTOM_CLASSES and spec.num_classes == 4
    assert (spec.name, spec.input_size, spec.family, spec.tier) == (
        "resnet18-phantoms-128-s0",
        128,
        "cnn",
        "conceptual",
    )
    assert (spec.n_clusters, spec.drop_ratio) == (get_spec("resnet18").n_clusters, get_spec("resnet18").drop_ratio)
    x = spec.preprocess()(load_dataset("phantoms", n=1)[0].image)[None]
    for layer, side in (("paper", 4), ("layer3", 8)):
        explanation = ClusCAM(loaded.module, layer=spec.layer(layer), n_clusters=5)(x)
        assert explanation.saliency.shape == (1, 128, 128) and explanation.centroids.shape[-2:] == (side, side)


def test_the_command_line_explains_with_it(folder, tmp_path, capsys):
    image = tmp_path / "slice.png"
    load_dataset("phantoms", n=1)[0].image.save(image)
    command = ["explain", str(image), "--model", str(folder), "--clusters", "4", "--out", str(tmp_path / "out")]
    assert main(command) == 0 and (tmp_path / "out" / "slice.png").is_file()
    said = capsys.readouterr().out
    assert any(name in said for name in PHANTOM_CLASSES)
    assert str(folder) not in (tmp_path / "out" / "slice.json").read_text()


def test_another_architecture_is_refused_in_one_sentence(folder, tmp_path):
    with pytest.raises(CluscamError, match="holds a resnet18, not a vit_tiny_patch16_224; give the folder"):
        load_trained(folder, "vit_tiny_patch16_224")
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    card = json.loads((other / "card.json").read_text())
    recipe = card["recipe"] | {"model": "phantom_cnn"}
    spec = card["spec"] | {"name": "phantom_cnn", "library": "embedded", "architecture": "phantom_cnn"}
    before = {key: value for key, value in card.items() if key != "spec"}  # as cards were
    for wrong in (before | {"recipe": recipe}, card | {"spec": spec}):
        (other / "card.json").write_text(json.dumps(wrong))
        with pytest.raises(CluscamError, match="do not fit phantom_cnn.*give a state dict of exactly that network"):
            load_model(str(other))


def test_a_card_holds_the_whole_spec_and_one_without_it_will_do(folder, tmp_path):
    spec = trained_spec(folder)
    assert spec == spec_of_run("resnet18-phantoms-128-s0") == get_spec("resnet18-phantoms-128-s0")
    card = json.loads((folder / "card.json").read_text())
    alone = {key: card[key] for key in ("name", "model", "sha256", "spec")}
    before = {key: value for key, value in card.items() if key != "spec"}
    for name, kept in (("alone", alone), ("before", before)):
        shutil.copytree(folder, tmp_path / name)
        (tmp_path / name / "card.json").write_text(json.dumps(kept))
        loaded = load_model(str(tmp_path / name))
        assert loaded.spec == spec and loaded.spec.build().fc.out_features == 4
        assert loaded.sha256 == load_model(str(folder)).sha256


@pytest.mark.parametrize("change", [{"architecture": "os"}, {"paint": 1}, {"library": None}])
def test_a_spec_that_is_none(change, folder, tmp_path):
    card = json.loads((folder / "card.json").read_text())
    spec = {key: value for key, value in (card["spec"] | change).items() if value is not None}
    (tmp_path / "card.json").write_text(json.dumps(card | {"spec": spec}))
    with pytest.raises(CluscamError, match="is not a model card that training left"):
        get_spec(str(tmp_path))


def test_cards_of_the_reference_run_give_the_spec_of_their_name(tmp_path):
    for path in CARDS.glob("*.json"):
        (tmp_path / "card.json").write_bytes(path.read_bytes())
        assert trained_spec(tmp_path) == spec_of_run(path.stem)


def test_a_folder_without_a_network_and_weights_of_another_card(folder, tmp_path):
    with pytest.raises(CluscamError, match="holds no trained network"):
        load_model(str(tmp_path))
    with pytest.raises(UnknownName, match="unknown model 'nowhere'"):
        get_spec("nowhere")
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    card = json.loads((changed / "card.json").read_text())
    (changed / "card.json").write_text(json.dumps(card | {"sha256": "0" * 64}))
    with pytest.raises(CluscamError, match="not those of its card"):
        load_model(str(changed))


def test_what_is_trained_on_is_what_is_explained():
    """The trainer's input is the preprocessing of the explained image, bit for bit, at both sizes."""
    samples = load_dataset("phantoms", part="test", n=2)
    for size in (128, 224):
        recipe = recipe_for("resnet18", dataset="phantoms", images=16, size=size)
        preprocess = recipe.trained_spec().preprocess()
        parts, _ = load_parts(recipe, preprocess)
        expected = torch.stack([preprocess(sample.image) for sample in samples])
        assert torch.equal(to_input(parts["test"].pixels[:2], preprocess), expected)


def test_pretrained_tensors_are_transferred_and_the_classifier_is_not():
    recipe = recipe_for("vit_tiny_patch16_224", start="scratch")
    spec = spec_of_run(recipe.run, ("a", "b", "c", "d"))
    network, source = starting_network(recipe, spec)
    assert source == "scratch"
    pretrained = load_model("vit_tiny_patch16_224", weights="random", seed=5).module.state_dict()
    head = network.state_dict()["head.weight"].clone()
    transfer(pretrained, network, "vit_tiny_patch16_224")
    state = network.state_dict()
    assert torch.equal(state["head.weight"], head) and state["head.weight"].shape[0] == 4
    assert torch.equal(state["blocks.3.mlp.fc1.weight"], pretrained["blocks.3.mlp.fc1.weight"])
    assert state["pos_embed"].shape == (1, 65, 192)
    pretrained.pop("blocks.3.mlp.fc1.weight")
    with pytest.raises(CluscamError, match=r"do not fit: blocks\.3\.mlp\.fc1\.weight is missing"):
        transfer(pretrained, network, "vit_tiny_patch16_224")


def test_positions_are_resampled_as_timm_does():
    from timm.layers import resample_abs_pos_embed

    positions = torch.randn(1, 197, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(resampled_positions(positions, 65), resample_abs_pos_embed(positions, [8, 8]))
    assert resampled_positions(positions, 197) is positions
    with pytest.raises(CluscamError, match="197 positions cannot be resampled to 60"):
        resampled_positions(positions, 60)


def test_pretrained_is_an_error_without_weights(no_data_root, monkeypatch):
    from cluscam_lite.models import hubs

    monkeypatch.setattr(hubs, "reachable", lambda url: False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec = spec_of_run(recipe_for("vit_tiny_patch16_224").run, ("a", "b"))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *arguments: None)
    with pytest.raises(CluscamError, match="there are no weights for vit_tiny_patch16_224"):
        starting_network(recipe_for("vit_tiny_patch16_224", start="pretrained"), spec)
    assert starting_network(recipe_for("vit_tiny_patch16_224"), spec)[1] == "scratch (no pretrained weights are here)"
