"""Training a reference network anew: as its card says, once, and whether the weights are the card's."""

import json

import pytest

from analysis.chapters.alzheimer.networks import trained as trained_networks
from analysis.chapters.alzheimer.networks.training import reference as train_reference
from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from cluscam_lite.models.trained import read_card

RECIPE = recipe_for("phantom_cnn", dataset="phantoms", images=16, epochs=1, batch_size=16, start="scratch", seed=3)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty folders for networks and cards."""
    for module in (train_reference, trained_networks):
        for folder in ("TRAINED", "CARDS"):
            monkeypatch.setattr(module, folder, tmp_path / folder.lower())
    (tmp_path / "cards").mkdir()
    return tmp_path


def test_as_the_card_says_and_once(folders, monkeypatch, capsys):
    card = folders / "cards" / f"{RECIPE.name}.json"
    card.write_text(json.dumps({"recipe": RECIPE.to_dict(), "sha256": "0" * 64}))
    assert train_reference.main([RECIPE.name]) == 0
    assert f"{RECIPE.name}: other weights than the reference run's" in capsys.readouterr().out
    made = read_card(folders / "trained" / RECIPE.name)
    assert made["recipe"] == RECIPE.to_dict()
    card.write_text(json.dumps({"recipe": RECIPE.to_dict(), "sha256": made["sha256"]}))
    monkeypatch.setattr(train_reference, "train", lambda *_: pytest.fail("it is there"))
    assert train_reference.main([RECIPE.name]) == 0
    assert f"{RECIPE.name}: the weights of the reference run" in capsys.readouterr().out


def test_a_name_without_a_card(folders, capsys):
    assert train_reference.main(["resnet18"]) == 2
    assert "resnet18" in capsys.readouterr().err


def test_an_interrupt_says_how_to_go_on(folders, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    (folders / "cards" / f"{RECIPE.name}.json").write_text(json.dumps({"recipe": RECIPE.to_dict(), "sha256": "0"}))
    monkeypatch.setattr(train_reference, "train", stop)
    assert train_reference.main([RECIPE.name]) == 130 and "run the same command again" in capsys.readouterr().err
