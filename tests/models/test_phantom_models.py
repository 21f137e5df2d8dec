"""The networks shipped for phantoms do what their cards say, and their script makes such weights and cards."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.chapters.alzheimer.networks.training.slices import to_input
from analysis.chapters.alzheimer.networks.training.trainer import train
from analysis.paths import ROOT
from cluscam_lite import load_model
from cluscam_lite.datasets.phantoms.phantom import phantom_at, phantom_pixels
from cluscam_lite.files import sha256
from cluscam_lite.models.weights import ASSETS

SCRIPT = ROOT / "scripts" / "train_phantoms.py"


def script():
    spec = importlib.util.spec_from_file_location("train_phantoms", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["phantom_cnn", "phantom_vit"])
def test_accuracy_on_fresh_phantoms_is_the_cards(name):
    card = json.loads((ASSETS / f"{name}.json").read_text())
    loaded = load_model(name)
    assert loaded.sha256 == card["sha256"] and tuple(card["classes"]) == loaded.spec.class_names
    phantoms = [phantom_at(i, seed=1) for i in range(120)]  # the card's have seed 0
    pixels = torch.from_numpy(np.stack([phantom_pixels(phantom) for phantom in phantoms]))
    with torch.no_grad():
        top = loaded.module(to_input(pixels, loaded.spec.preprocess())).argmax(1).tolist()
    right = 100 * np.mean([k == phantom.grade for k, phantom in zip(top, phantoms, strict=True)])
    assert abs(right - card["test"]["accuracy"]) < 6  # three standard errors of 120 phantoms at 95 %


def test_the_recipes_of_the_script_are_those_of_the_cards():
    for name, recipe in script().RECIPES.items():
        assert json.loads((ASSETS / f"{name}.json").read_text())["recipe"] == recipe.to_dict()


def test_the_script_rounds_and_measures_again(tmp_path):
    recipe = recipe_for("phantom_cnn", dataset="phantoms", images=16, epochs=1, batch_size=8)
    train(recipe, tmp_path / "work", say=lambda line: None)
    card = script().ship(recipe, tmp_path / "work", tmp_path)
    assert card["precision"] == "float16" and card["test"]["images"] == 16
    assert card["sha256"] == sha256(tmp_path / "phantom_cnn.safetensors")
    assert json.loads((tmp_path / "phantom_cnn.json").read_text()) == card
    loaded = load_model("phantom_cnn", tmp_path / "phantom_cnn.safetensors")
    assert torch.isfinite(loaded.module(torch.zeros(1, 3, 128, 128))).all()
