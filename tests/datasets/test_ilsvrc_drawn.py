"""The parts of ILSVRC that are drawn from the whole validation set, and the official files in a data root."""

import hashlib

import pytest
from PIL import Image

from cluscam_lite.datasets import load_dataset
from cluscam_lite.datasets.ilsvrc import samples
from cluscam_lite.datasets.ilsvrc.splits import DRAWN, drawn_here, drawn_ids
from cluscam_lite.errors import CluscamError, UnknownName

pytestmark = pytest.mark.usefixtures("no_data_root")
BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>12</ymax></bndbox>"


def test_drawn_parts_are_disjoint_ordered_by_a_hash_and_without_what_was_looked_at():
    parts = {part: drawn_ids(part) for part in DRAWN}
    assert {part: len(ids) for part, ids in parts.items()} == {"paper": 2000, "paper_tune": 1000}
    every = [*parts["paper"], *parts["paper_tune"]]
    assert len(set(every)) == 3000 and min(every) > "ILSVRC2012_val_00001000"
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in every]
    assert digests == sorted(digests)
    assert 15_000 < sum(int(name[-8:]) for name in every) / 3000 < 35_000  # from all over the set


def test_a_prefix_needs_no_more_images_than_it_has():
    ids = drawn_ids("paper")
    assert drawn_here("paper", set(ids[:5]), 5) == [*ids[:5]]
    said = r"the part 'paper' of ILSVRC asks for 6 of the validation images, and 5 are here; put all 50,000"
    with pytest.raises(CluscamError, match=said):
        drawn_here("paper", set(ids[:5]), 6)


@pytest.fixture
def root(tmp_path):
    """A data root with the official files of the first five images of the part "paper"."""
    images, boxes = tmp_path / "ilsvrc2012_val" / "val", tmp_path / "ilsvrc2012_val" / "annotations"
    images.mkdir(parents=True)
    boxes.mkdir()
    for i, name in enumerate(drawn_ids("paper")[:5]):
        Image.new("RGB", (24, 16), (40 * i, 100, 50)).save(images / f"{name}.JPEG")
        thing = f"<object><name>n{i:08d}</name>{BOX}</object>"
        (boxes / f"{name}.xml").write_text(
            f"<annotation><size><width>24</width><height>16</height></size>{thing}</annotation>"
        )
    (tmp_path / "ilsvrc2012_val" / "synsets.txt").write_text("\n".join(f"n{i:08d}" for i in range(1000)))
    return tmp_path


def test_the_official_files_may_lie_in_a_data_root(root):
    found = load_dataset("ilsvrc", data_root=root, part="paper", n=5)
    assert found.ids == drawn_ids("paper")[:5]
    assert [sample.label for sample in found] == [0, 1, 2, 3, 4] and found[0].boxes == ((1, 2, 11, 12),)
    with pytest.raises(CluscamError, match="asks for 6 of the validation images, and 5 are here"):
        load_dataset("ilsvrc", data_root=root, part="paper", n=6)
    with pytest.raises((CluscamError, UnknownName), match=r"split.csv|part"):
        load_dataset("ilsvrc", data_root=root, part="confirm", n=1)


def test_the_files_are_listed_once_until_they_change(root):
    samples._stored_images.cache_clear()
    for _ in range(3):
        load_dataset("ilsvrc", data_root=root, part="paper", n=2)
    assert samples._stored_images.cache_info().misses == 1
    Image.new("RGB", (24, 16)).save(root / "ilsvrc2012_val" / "val" / "ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(CluscamError, match="have no XML annotation"):
        load_dataset("ilsvrc", data_root=root, part="paper", n=2)


def test_the_number_of_images_is_still_checked():
    with pytest.raises(CluscamError, match="whole number of at least 1"):
        samples.first([*drawn_here("paper", set(drawn_ids("paper")), -1)], -1, "x")
