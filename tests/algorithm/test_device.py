"""Where the commands and the studies evaluate a network."""

import pytest
import torch

from cluscam_lite.cli import main
from cluscam_lite.device import placed


@pytest.fixture(autouse=True)
def shortcuts():
    """TF32 as PyTorch has it before anything of ours runs; put back after each test."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cudnn.allow_tf32 = before


def test_a_network_is_placed_without_shortcuts_in_eval_mode():
    network = torch.nn.Linear(2, 2).train()
    assert placed(network, "cpu") is network and not network.training
    assert not torch.backends.cudnn.allow_tf32
    assert next(placed(network, "meta").parameters()).device.type == "meta"
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert next(placed(torch.nn.Linear(2, 2)).parameters()).device.type == expected


def test_the_commands_take_no_shortcuts(tmp_path):
    assert main(["explain", "scene:3", "--model", "scene_cnn", "--out", str(tmp_path / "out")]) == 0
    assert not torch.backends.cudnn.allow_tf32
