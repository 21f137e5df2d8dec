"""Notes of the commands: each is said once, and at the end how often it came."""

import warnings

import pytest

from cluscam_lite import load_dataset
from cluscam_lite.cli import main
from cluscam_lite.cli.common import short_warnings
from cluscam_lite.errors import ClusCAMWarning

TWICE = """
import torch
from torch import nn

class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 4)
    def forward(self, x):
        return self.head((self.body(x) + self.body(x.flip(3))).mean((2, 3)))

def build():
    torch.manual_seed(0)
    return Twice().eval()
"""


def test_a_note_that_comes_with_every_image_is_one_line_and_a_count(tmp_path, capsys):
    (tmp_path / "net.py").write_text(TWICE)
    (tmp_path / "photos").mkdir()
    for n, sample in enumerate(load_dataset("scenes", n=3)):
        sample.image.save(tmp_path / "photos" / f"{n}.png")
    half = ["0.5", "0.5", "0.5"]
    options = ["--model", f"{tmp_path / 'net.py'}:build", "--size", "64", "--mean", *half, "--std", *half]
    command = ["explain", str(tmp_path / "photos"), *options, "--clusters", "3", "--no-figures"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "ran 2 times in one pass" in line]
    assert len(said) == 2 and said[1] == f"{said[0]} (3 times in all)"


@pytest.mark.parametrize("kind", [ClusCAMWarning, UserWarning])
def test_a_note_that_comes_once_has_no_count(kind, capsys):
    with short_warnings():
        warnings.warn("one", kind, stacklevel=1)
        warnings.warn("another", kind, stacklevel=1)
    assert capsys.readouterr().err == "cluscam: note: one\ncluscam: note: another\n"
