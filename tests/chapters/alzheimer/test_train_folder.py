"""The folder of a training: one process at a time, nothing half-written, and a sentence for a full disk."""

import errno
import os

import pytest
from safetensors import SafetensorError

from analysis.chapters.alzheimer.networks.training import checkpoint
from analysis.chapters.alzheimer.networks.training.checkpoint import checkpoints, room_for
from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.chapters.alzheimer.networks.training.trainer import train
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import alone_in

RECIPE = recipe_for("phantom_cnn", dataset="phantoms", images=16, epochs=2)
FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 936576 vs 936528"),
]


def quiet(line):
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a training that nothing happened to."""
    folder = tmp_path_factory.mktemp("trained")
    train(RECIPE, folder, quiet)
    return folder


def test_a_second_process_is_refused_and_the_folder_is_left_as_it_was(tmp_path):
    with alone_in(tmp_path), pytest.raises(CluscamError, match="another run is writing into .* until it has ended"):
        train(RECIPE, tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_gone_after_the_next_start(trained):
    names = sorted(path.name for path in trained.iterdir())
    assert names == ["card.json", "model.safetensors", "test.csv"]
    (trained / ".checkpoint-0002").mkdir()
    (trained / ".checkpoint-0002" / "model.safetensors").write_bytes(b"half")
    (trained / ".checkpoint-k3x_9a").mkdir()  # as an earlier version called it
    (trained / "checkpoint-0002").mkdir()  # killed after the card and before this was removed
    (trained / ".lock").touch()
    train(RECIPE, trained, quiet)
    assert sorted(path.name for path in trained.iterdir()) == names


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_a_full_disk_is_one_sentence_and_keeps_the_last_whole_epoch(trained, tmp_path, monkeypatch, error):
    save, calls = checkpoint.torch.save, []

    def full(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return save(*arguments)

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(CluscamError, match="cannot write to .* make room .* after the last whole epoch"):
        train(RECIPE, tmp_path, quiet)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint-0001"] == [path.name for path in checkpoints(tmp_path)]
    train(RECIPE, tmp_path, quiet)
    assert (tmp_path / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_another_error_of_pytorch_is_no_full_disk(tmp_path):
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), room_for(tmp_path):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)")


def test_an_interrupt_before_the_first_epoch_leaves_no_folder(tmp_path):
    def interrupted(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, tmp_path / "new" / "folder", interrupted)
    assert list(tmp_path.iterdir()) == []
