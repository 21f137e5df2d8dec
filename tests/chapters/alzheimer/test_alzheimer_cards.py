"""The cards of trained networks: read, put in words, and collected with their intervals."""

import json

import numpy as np
import pytest

from analysis.chapters.alzheimer import tables as alzheimer_tables
from analysis.chapters.alzheimer.networks import cards as alzheimer_cards
from analysis.chapters.alzheimer.networks import trained as trained_networks
from analysis.chapters.alzheimer.networks.cards import balanced_accuracy, cards_table
from analysis.chapters.alzheimer.plan import RESNET, VIT


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """A folder of cards with one run in it."""
    monkeypatch.setattr(trained_networks, "CARDS", tmp_path / "cards")
    monkeypatch.setattr(trained_networks, "TRAINED", tmp_path / "train")
    (tmp_path / "cards").mkdir()
    test = {"images": 900, "accuracy": 99.0, "balanced_accuracy": 98.0, "ece": 1.5, "saturated": 12.0}
    facts = {
        "start": "pretrained: data root (x.safetensors)", "epochs": {"run": 10}, "train": {"accuracy": 100.0},
        "test": test | {"recall": {"a": 98.0}}, "test_intervals": {"accuracy": [97.0, 100.0]},
    }  # fmt: skip
    (tmp_path / "cards" / f"{VIT}.json").write_text(json.dumps(facts))
    return tmp_path


def test_cards_in_words(cards):
    page = alzheimer_tables.networks_table((RESNET, VIT))
    assert page.loc[0, "accuracy, % [95 %]"] == "not run" and page.loc[0, "network"] == "ResNet-18 (seed 0)"
    assert (
        page.loc[1, "accuracy, % [95 %]"] == "99.0 [97.0,\N{NO-BREAK SPACE}100.0]"
        and page.loc[1, "balanced, % [95 %]"] == "98.0"
    )
    assert page.loc[1, "start"] == "pretrained" and alzheimer_tables.saturated(VIT) == "12.0 %"
    assert alzheimer_tables.saturated(RESNET) == "not run"
    assert cards_table([RESNET, VIT])["here"].tolist() == [False, True]


def test_cards_are_collected_with_intervals_over_components(tmp_path, monkeypatch):
    folder = tmp_path / "train" / "vit"  # called anything
    folder.mkdir(parents=True)
    recipe = trained_networks.recipe_of(VIT).to_dict()
    (folder / "card.json").write_text(json.dumps({"name": VIT, "model": recipe["model"], "recipe": recipe}))
    lines = ["image_id,label,predicted"] + [f"test-{i:05d},{i % 4},{i % 4 if i < 30 else 0}" for i in range(40)]
    (folder / "test.csv").write_text("\n".join(lines) + "\n")

    class Found:
        number = {f"test-{i:05d}": i for i in range(40)}
        components = np.arange(40) // 4

    monkeypatch.setattr(alzheimer_cards, "collection", lambda: Found)
    (folder / "tuned-last.json").write_text("{}")
    assert alzheimer_cards.collect(tmp_path / "train", tmp_path / "cards") == [VIT]
    assert (tmp_path / "tuned" / f"{VIT}-last.json").read_text() == "{}"
    facts = json.loads((tmp_path / "cards" / f"{VIT}.json").read_text())["test_intervals"]
    assert facts["components"] == 10 and facts["accuracy"][0] < 82.5 < facts["accuracy"][1] < 100
    with pytest.raises(trained_networks.CluscamError, match="no trained network in"):
        alzheimer_cards.collect(tmp_path / "nowhere", tmp_path / "cards")


def test_balanced_accuracy_of_a_resample_without_a_class():
    assert balanced_accuracy(np.array([0, 0, 2]), np.array([100.0, 0.0, 100.0])) == 75


# figures
