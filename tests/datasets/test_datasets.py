"""The data sets' common interface, the icon scenes, and any folder of images."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cluscam_lite.datasets import dataset_names, load_dataset
from cluscam_lite.datasets.folder import images_within
from cluscam_lite.errors import CluscamError, UnknownName

pytestmark = pytest.mark.usefixtures("no_data_root")


def picture(i, size=(12, 8)):
    return Image.new("RGB", size, (20 * i % 256, 100, 50))


# Names and options


def test_unknown_names_and_options():
    assert dataset_names() == ["scenes", "badges", "phantoms", "photographs", "ilsvrc", "alzheimer_mri", "folder"]
    with pytest.raises(UnknownName, match="unknown data set 'scene'; nearest: scenes"):
        load_dataset("scene")
    with pytest.raises(UnknownName, match="unknown source of ILSVRC 'dataroots'; nearest: dataroot"):
        load_dataset("ilsvrc", source="dataroots")
    with pytest.raises(CluscamError, match=r"got 'same'; leave it out \(it is for scenes, badges, photographs\)"):
        load_dataset("ilsvrc", setting="same")
    with pytest.raises(CluscamError, match="'folder' takes no part"):
        load_dataset("folder", path=".", part="test")
    with pytest.raises(CluscamError, match="'photographs' takes no seed, got 3; leave it out"):
        load_dataset("photographs", seed=3)


# Scenes


def test_scenes_are_lazy_and_take_turns():
    from cluscam_lite.datasets.scenes.scene import object_box, render

    scenes = load_dataset("scenes", n=6, seed=3)
    assert len(scenes) == 6 and scenes.name == "scenes" and len(set(scenes.ids)) == 6
    sample = scenes[4]
    assert sample.scene.setting == "same" and [s.scene.setting for s in scenes][:3] == ["single", "same", "different"]
    assert np.array_equal(sample.image, render(sample.scene)) and sample.image.size == (96, 96)
    assert len(sample.boxes) == len(sample.scene.objects) and sample.boxes[0] == object_box(sample.scene, 0)
    assert sample.label in {thing.label for thing in sample.scene.objects}
    assert np.array_equal(scenes[4].image, sample.image) and scenes[-1].image_id == scenes.ids[5]
    with pytest.raises(IndexError):
        scenes[6]


def test_a_longer_collection_of_scenes_starts_like_a_shorter_one():
    short, long = load_dataset("scenes", n=2, setting="same"), load_dataset("scenes", n=5, setting="same")
    assert long.ids[:2] == short.ids and np.array_equal(long[1].image, short[1].image)
    assert not np.array_equal(short[1].image, load_dataset("scenes", n=2, setting="same", part="train")[1].image)
    assert len(load_dataset("scenes")) == 100


def test_bad_scenes():
    with pytest.raises(UnknownName, match="unknown part 'tests'; nearest: test"):
        load_dataset("scenes", part="tests")
    with pytest.raises(UnknownName, match="unknown scene setting 'singel'; nearest: single"):
        load_dataset("scenes", setting="singel")
    for n in (0, -1, 2.5, True, "3"):
        with pytest.raises(CluscamError, match="must be a whole number of at least 1"):
            load_dataset("scenes", n=n)
    with pytest.raises(CluscamError, match="seed"):
        load_dataset("scenes", seed=-1)


# Any folder


def test_a_folder_of_images(tmp_path):
    for i, name in enumerate(("b.png", "a.JPG", "c.webp")):
        picture(i).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "overlays").mkdir()
    picture(5).save(tmp_path / "overlays" / "z.png")
    folder = load_dataset("folder", path=tmp_path)
    assert folder.ids == ("a.JPG", "b.png", "c.webp") and folder.class_names == ()
    sample = folder[1]
    assert (sample.label, sample.boxes, sample.width, sample.height) == (None, (), 12, 8)
    assert np.array_equal(sample.image, picture(0)) and len(load_dataset("folder", path=tmp_path, n=2)) == 2
    with pytest.raises(CluscamError, match="4 images were asked for but .* has 3; ask for at most 3"):
        load_dataset("folder", path=tmp_path, n=4)


def test_a_folder_of_classes(tmp_path):
    for name in ("dog/1.png", "dog/deep/2.png", "cat/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture(1).save(tmp_path / name)
    (tmp_path / "empty").mkdir()
    folder = pickle.loads(pickle.dumps(load_dataset("folder", path=tmp_path)))
    assert folder.class_names == ("cat", "dog")
    assert [(s.image_id, s.label) for s in folder] == [("cat/3.png", 0), ("dog/1.png", 1), ("dog/deep/2.png", 1)]


def test_bad_folders(tmp_path):
    with pytest.raises(CluscamError, match="a name has at most 255 bytes; use a shorter name"):
        load_dataset("folder", path="a" * 300)
    with pytest.raises(CluscamError, match="needs a folder"):
        load_dataset("folder")
    with pytest.raises(CluscamError, match="there is no folder"):
        load_dataset("folder", path=tmp_path / "absent")
    with pytest.raises(CluscamError, match="has no images"):
        load_dataset("folder", path=tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(CluscamError, match="bad.png is not an image"):
        load_dataset("folder", path=tmp_path)[0]


def test_a_folder_has_no_hidden_images_and_names_links_to_nowhere(tmp_path):
    for name in ("cat/1.png", "cat/.thumbs/2.png", "dog/3.png", ".hidden/4.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "dog" / "5.png").symlink_to(tmp_path / "nowhere.png")
    found = load_dataset("folder", path=tmp_path)
    assert list(found.ids) == ["cat/1.png", "dog/3.png", "dog/5.png"]
    with pytest.raises(CluscamError, match=r"5\.png"):
        found[2]


def test_links_to_folders_are_followed_each_folder_once(tmp_path):
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    (photos / "real").mkdir(parents=True)
    elsewhere.mkdir()
    picture(1).save(photos / "real" / "1.png")
    picture(2).save(elsewhere / "2.png")
    (photos / "a-link").symlink_to(elsewhere, target_is_directory=True)
    (photos / "again").symlink_to(photos / "real", target_is_directory=True)  # has a name of its own within
    (elsewhere / "back").symlink_to(photos, target_is_directory=True)  # a circle
    assert [str(path.relative_to(photos)) for path in images_within(photos)] == ["a-link/2.png", "real/1.png"]


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    iterdir = Path.iterdir

    def refused(self):
        if self.name == "closed":
            raise PermissionError(13, "Permission denied")
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(CluscamError, match="the folder .*closed may not be read; change its permissions"):
        images_within(tmp_path)
