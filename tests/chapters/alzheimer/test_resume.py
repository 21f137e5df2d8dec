"""A training that is killed and started again ends with the weights of one that was not."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from analysis.chapters.alzheimer.networks.training.checkpoint import checkpoints
from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.chapters.alzheimer.networks.training.trainer import train
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import runs


class Tiny(nn.Module):
    """With everything that has a state: batch normalisation, and drop-out, which draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.stage4 = nn.Sequential(nn.Conv2d(3, 8, 9, stride=8), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(self.stage4(x).mean((2, 3)))


class Killed(Exception):
    pass


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(runs, "build_embedded", lambda name: Tiny())
    return recipe_for("phantom_cnn", dataset="phantoms", images=32, epochs=4, batch_size=8, patience=9, seed=3)


def killed_after(epoch, lines):
    """A listener that kills the run right after an epoch's line."""

    def say(line):
        lines.append(line)
        if line.startswith(f"epoch {epoch}/"):
            raise Killed

    return say


def test_killed_and_started_again_gives_the_same_bits(tiny, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    card = train(tiny, whole, say=lambda line: None)
    lines = []
    for epoch in (1, 3):
        with pytest.raises(Killed):
            train(tiny, broken, killed_after(epoch, lines))
        assert [path.name for path in checkpoints(broken)] == [f"checkpoint-{epoch:04d}"]
        assert not (broken / "card.json").exists()
        torch.rand(100)  # the world goes on
    again = train(tiny, broken, lines.append)
    assert "going on after epoch 3/4" in lines and not checkpoints(broken)
    one, other = (load_file(folder / "model.safetensors") for folder in (whole, broken))
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    assert again["sha256"] == card["sha256"] and again["test"] == card["test"]
    without_times = [[{**row, "seconds": 0} for row in c["epochs"]["history"]] for c in (card, again)]
    assert without_times[0] == without_times[1] and len(without_times[0]) == 4
    assert (whole / "test.csv").read_text() == (broken / "test.csv").read_text()


def test_the_last_weights_are_the_same_too_when_killed_within_an_epoch(tiny, tmp_path, monkeypatch):
    """What an epoch did before it was cut off leaves no trace: compared is the last epoch, best or not."""
    from analysis.chapters.alzheimer.networks.training import trainer as module

    last = {}

    def remember(folder, epoch, weights, *rest):
        last[folder.name] = weights
        write(folder, epoch, weights, *rest)

    write, epoch_of = module.write_checkpoint, module.train_epoch
    monkeypatch.setattr(module, "write_checkpoint", remember)
    train(tiny, tmp_path / "whole", say=lambda line: None)
    counts = []

    def cut_off(run, recipe, data, preprocess, say):
        loss = epoch_of(run, recipe, data, preprocess, say)
        counts.append(run.epoch)
        if len(counts) == 2:
            raise Killed
        return loss

    monkeypatch.setattr(module, "train_epoch", cut_off)
    with pytest.raises(Killed):
        train(tiny, tmp_path / "broken", say=lambda line: None)
    train(tiny, tmp_path / "broken", say=lambda line: None)
    assert counts == [0, 1, 1, 2, 3]
    assert all(torch.equal(last["whole"][key], last["broken"][key]) for key in last["whole"])


def test_a_folder_is_of_one_training(tiny, tmp_path):
    said = []
    train(tiny, tmp_path, said.append)
    train(tiny, tmp_path, said.append)
    assert said[-1].endswith("complete; nothing to do")
    with pytest.raises(CluscamError, match="a training with epochs 4, not 5; choose another folder"):
        train(recipe_for(**{**tiny.to_dict(), "epochs": 5}), tmp_path)
    with pytest.raises(CluscamError, match="a training of phantom_cnn, not of resnet18"):
        train(recipe_for(**{**tiny.to_dict(), "model": "resnet18"}), tmp_path)


def test_a_damaged_checkpoint_is_said(tiny, tmp_path):
    with pytest.raises(Killed):
        train(tiny, tmp_path, killed_after(1, []))
    (folder,) = checkpoints(tmp_path)
    (folder / "state.pt").write_bytes(b"no state")
    with pytest.raises(CluscamError, match="checkpoint-0001 is damaged or cannot be read; remove it to start afresh"):
        train(tiny, tmp_path)


def test_a_checkpoint_is_read_as_data_only(tiny, tmp_path):
    with pytest.raises(Killed):
        train(tiny, tmp_path, killed_after(2, []))
    (folder,) = checkpoints(tmp_path)
    state = torch.load(folder / "state.pt", weights_only=True)
    assert {"optimiser", "schedule", "scaler", "sampler", "random"} == set(state)
    facts = json.loads((folder / "state.json").read_text())
    assert facts["epoch"] == 2 and facts["recipe"] == tiny.to_dict() and len(facts["history"]) == 2
