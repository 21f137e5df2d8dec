"""Images, labels and outputs that cannot be: one sentence."""

import pytest
from PIL import Image

from cluscam_lite import CluscamError
from cluscam_lite.cli import main
from cluscam_lite.datasets.alzheimer.source import CLASSES, slices_of
from cluscam_lite.models import get_spec


@pytest.mark.parametrize("size", [(1, 65_500), (300_000, 1)])
def test_a_size_is_checked_after_resizing_too(size):
    with pytest.raises(CluscamError, match="too many to be safe; crop it first"):
        get_spec("scene_cnn").preprocess()(Image.new("RGB", size))
    assert get_spec("scene_cnn").preprocess("paper")(Image.new("RGB", (1, 2000))).shape[0] == 3


@pytest.mark.parametrize("label", ["mild", "1", None, 1.5, True])
def test_labels_that_are_no_whole_numbers(label):
    import pyarrow as pa

    class Table:
        column_names = ("image", "label")

        def __getitem__(self, name):
            return pa.array([label])

    with pytest.raises(
        CluscamError, match=f"a file has the label .*; expected a whole number from 0 to {len(CLASSES) - 1}"
    ):
        slices_of(Table(), None, "a file")


def test_a_command_without_an_output(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout", None)
    assert main(["methods"]) == 2
    assert "the standard output is closed" in capsys.readouterr().err
