"""The real networks on real photographs of a data root (skipped without one): 100 images, top-1 alone."""

import pytest

from analysis.oracles.accuracy import PROMISED, accuracy, accuracy_table
from cluscam_lite.datasets import load_dataset
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.models.packages import PACKAGES

# percent: 78 and 55 of the first 100 images in the order of their ids, less 2 for other versions of the libraries
FLOORS = {"mobileone_s0": 76, "squeezenet1_1": 53}


@pytest.mark.parametrize("name", FLOORS)
def test_top_1_on_100_photographs(name, data_root):
    assert accuracy(name, 100, data_root) >= FLOORS[name]


def test_the_table_says_what_passes(data_root, monkeypatch):
    monkeypatch.setitem(PROMISED, "squeezenet1_1", 0.0)
    table = accuracy_table(data_root, ["squeezenet1_1"], 2)
    assert list(table) == ["model", "measured", "promised", "difference", "pass"] and len(table) == 1
    assert bool(table["pass"][0]) == (table["measured"][0] <= 0.5)


@pytest.mark.parametrize("name", PROMISED)
def test_the_real_weights_fit_their_networks(name, data_root):
    loaded = load_model(name, data_root=data_root)
    if name in PACKAGES:
        assert loaded.source.startswith("package ") and loaded.spec.tier == "variant"
    else:
        assert loaded.source == f"data root ({name}.safetensors)"
    assert len(loaded.sha256) == 64
    assert loaded.spec.in_paper is False and get_spec(name).tier in ("variant", "conceptual")


def test_the_parts_of_the_data_root(data_root):
    sizes = {part: load_dataset("ilsvrc", data_root=data_root, part=part) for part in ("pilot", "tune", "confirm")}
    assert [len(part) for part in sizes.values()] == [60, 200, 740]
    assert len({i for part in sizes.values() for i in part.ids}) == len(load_dataset("ilsvrc", data_root=data_root))


def test_a_photograph_with_its_boxes(data_root):
    for sample in (load_dataset("ilsvrc", data_root=data_root, part="pilot", n=8)[i] for i in range(8)):
        assert sample.image.mode == "RGB" and min(sample.image.size) == 256 and 0 <= sample.label < 1000
        assert sample.image.width / sample.image.height == pytest.approx(sample.width / sample.height, rel=0.02)
        assert sample.boxes
        for left, top, right, bottom in sample.boxes:
            assert 0 <= left < right <= sample.width and 0 <= top < bottom <= sample.height
