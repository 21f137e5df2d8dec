"""``cluscam explain`` with networks from elsewhere, and the map itself as a file."""

import json

import numpy as np
import pytest
from command import fails

from cluscam_lite import ClusCAM
from cluscam_lite.cli import main
from cluscam_lite.datasets.images import open_image
from cluscam_lite.models import get_spec, load_model

pytestmark = pytest.mark.usefixtures("no_data_root")
OWN = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(8, 3))
"""


@pytest.fixture
def own(tmp_path):
    """The words that name a network of one's own on the command line."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "classes.txt").write_text("cat\ndog\nbird\n")
    inputs = ["--mean", "0.5", "0.5", "0.5", "--std", "0.2", "0.2", "0.2", "--size", "32"]
    return ["--model", f"{tmp_path / 'own.py'}:build", *inputs, "--classes", str(tmp_path / "classes.txt")]


def test_a_network_of_ones_own(own, photo, tmp_path):
    out = tmp_path / "out"
    assert main(["explain", str(photo), *own, "--target", "dog", "--no-figures", "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["photo.json"]
    report = json.loads((out / "photo.json").read_text())
    assert report["target"]["name"] == "dog" and report["method"]["n_clusters"] == 8
    assert report["model"]["preprocessing"]["input_size"] == 32 and report["model"]["title"] == "own.py:build"


def test_a_network_of_timm(photo, tmp_path):
    model = ["--model", "timm:mobilenetv3_small_050", "--weights", "random", "--size", "96", "--clusters", "2"]
    assert main(["explain", str(photo), *model, "--maps", "npy", "--no-figures", "--out", str(tmp_path)]) == 0
    assert np.load(tmp_path / "photo.npy").shape == (96, 96)


def test_npz_holds_the_parts_of_the_map(photo, tmp_path):
    assert main(["explain", str(photo), "--model", "scene_cnn", "--maps", "npz", "--out", str(tmp_path)]) == 0
    spec = get_spec("scene_cnn")
    e = ClusCAM.from_spec(spec, load_model(spec).module)(spec.preprocess()(open_image(photo))[None])
    with np.load(tmp_path / "photo.npz") as found:
        assert set(found) == {"saliency", "target", "masks", "centroids", "scores", "weights", "labels", "valid"}
        for name in ("saliency", "centroids", "scores", "weights", "labels", "valid"):
            assert np.array_equal(found[name], getattr(e, name)[0].numpy()), name
        assert found["masks"].shape == (30, 96, 96) and np.allclose(found["masks"], e.masks[0].numpy(), atol=1e-3)
        assert found["target"] == int(e.target[0])


def test_a_map_without_clusters(photo, tmp_path):
    arguments = ["--model", "scene_cnn", "--method", "centre", "--maps", "npz", "--no-figures", "--out", str(tmp_path)]
    assert main(["explain", str(photo), *arguments]) == 0
    with np.load(tmp_path / "photo.npz") as found:
        assert set(found) == {"saliency", "target"}


def test_mistakes_are_one_sentence(own, photo, tmp_path, capsys):
    end = ["--out", str(tmp_path / "out")]
    explain = ["explain", str(photo)]
    fails(
        capsys,
        [*explain, "--model", "scene_cnn", "--size", "64", *end],
        "--size goes with a network from elsewhere or in a file",
    )
    fails(capsys, [*explain, *own[:2], *end], "give --mean and --std")
    fails(capsys, [*explain, *own, "--size", "0", *end], "--size", "whole number from 1")
    fails(capsys, [*explain, *own, "--size", "2", *end], "2 x 2 pixels", "give --size")
    fails(capsys, [*explain, *own, "--classes", str(tmp_path / "none.txt"), *end], "cannot read the classes")
    fails(capsys, [*explain, *own, "--weights", "random", *end], "gives its weights itself")
    fails(capsys, [*explain, "--model", "timm:resnet81", *end], "unknown network of timm", "resnet18")
    assert not (tmp_path / "out").exists()


def test_a_file_without_a_function_and_a_network_that_is_none(own, photo, tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text(OWN + "\nready = build()\n\ndef grey():\n    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())\n")
    out = ["--out", str(tmp_path / "out")]
    for name, words in (
        (str(file), ("own.py names no function", "give FILE.py:FUNCTION")),
        (f"{file}:ready", ("ready of own.py is a network, and no function", "def build()")),
        (f"{file}:grey", ("the command line brings images in colour, of three channels",)),
    ):
        fails(capsys, ["explain", str(photo), "--model", name, *own[2:-2], *out], *words)
