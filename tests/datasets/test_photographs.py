"""Free photographs out of packages: the files that were published, collages, and credits for each."""

import shutil

import numpy as np
import pytest
from PIL import ImageOps

from cluscam_lite import load_dataset
from cluscam_lite.datasets import photographs
from cluscam_lite.datasets.photographs import SETTINGS, photograph, photograph_credits
from cluscam_lite.errors import CluscamError
from cluscam_lite.packages import Packaged, packaged_file


@pytest.fixture(scope="module")
def samples():
    try:
        return [*load_dataset("photographs")]
    except CluscamError as error:
        pytest.skip(str(error))


def test_every_photograph_has_a_free_licence_and_an_author():
    assert {row["licence"] for row in photograph_credits()} <= {"CC0", "CC BY 2.0", "public domain"}
    assert all(row["author"] and row["title"] and len(row["sha256"]) == 64 for row in photograph_credits())
    names = {row["name"] for row in photograph_credits()}
    assert {part for group in SETTINGS.values() for name in group for part in name.split("+")} == names


def test_the_settings_are_single_same_and_different(samples):
    assert [sample.image_id for sample in samples] == [name for group in SETTINGS.values() for name in group]
    for sample in samples:
        assert sample.image.mode == "RGB" and min(sample.image.size) >= 300 and sample.label is None
        assert (sample.width, sample.height) == sample.image.size
    assert [s.image_id for s in load_dataset("photographs", setting="same", n=1)] == ["chelsea+chelsea"]


def test_a_collage_is_a_square_of_two_and_the_same_one_is_mirrored(samples):
    twice = photograph("coffee+coffee").image
    width, height = twice.size
    assert width == height
    upper, lower = twice.crop((0, 0, width, width // 2)), twice.crop((0, width // 2, width, width))
    assert np.abs(np.asarray(ImageOps.mirror(upper), int) - np.asarray(lower, int)).max() <= 1
    assert not np.array_equal(np.asarray(upper), np.asarray(lower))


def test_a_photograph_that_is_changed_does_not_change_the_next(samples):
    photograph("chelsea").image.paste("black", (0, 0, 50, 50))
    assert np.asarray(photograph("chelsea").image)[:50, :50].any()


def test_mistakes_are_one_sentence(samples):
    with pytest.raises(CluscamError, match="12 images were asked for but the data set 'photographs' has 11"):
        load_dataset("photographs", n=12)
    with pytest.raises(CluscamError, match="unknown setting 'two'"):
        load_dataset("photographs", setting="two")
    with pytest.raises(CluscamError, match="'dog' is no photograph of this data set; known: chelsea"):
        photograph("dog")


def test_a_package_without_its_file_and_one_with_another(tmp_path, monkeypatch, samples):
    row = next(row for row in photograph_credits() if row["name"] == "coffee")
    wanted = Packaged("of-pictures", "of_pictures", "coffee.png", row["sha256"])
    with pytest.raises(CluscamError, match="the pixels of coffee come with the package of-pictures, which is not"):
        packaged_file(wanted, "the pixels of coffee")
    folder = tmp_path / "of_pictures"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    published = packaged_file(Packaged(row["pip"], row["module"], row["file"], row["sha256"]), "the pixels of coffee")
    shutil.copy(published, folder / "coffee.png")
    monkeypatch.syspath_prepend(tmp_path)
    assert packaged_file(wanted, "the pixels of coffee") == folder / "coffee.png"
    (folder / "coffee.png").write_bytes(published.read_bytes()[:-1])
    with pytest.raises(CluscamError, match="are not those that were published; pip install --force-reinstall"):
        packaged_file(wanted, "the pixels of coffee")


def test_nothing_but_the_file_is_taken_from_a_package():
    assert not {"skimage", "sklearn"} & {*vars(photographs)}
