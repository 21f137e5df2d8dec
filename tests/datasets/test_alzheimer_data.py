"""The Alzheimer slices: read from Parquet and from the hub's form alike, checked, and split without overlap."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cluscam_lite import load_dataset
from cluscam_lite.datasets.alzheimer import samples as alzheimer
from cluscam_lite.datasets.alzheimer import source as alzheimer_source
from cluscam_lite.datasets.alzheimer.duplicates import components, features, pairs_above
from cluscam_lite.datasets.alzheimer.source import CLASSES, ROWS, arrow_of, content_hash, public_splits, slices_of
from cluscam_lite.datasets.alzheimer.splits import check_disjoint, component_parts, paper_parts
from cluscam_lite.datasets.greys import colour_image, grey_pixels
from cluscam_lite.errors import CluscamError, UnknownName

# as published: Mild, Moderate, Non, Very mild
PUBLIC = {"train": [724, 49, 2566, 1781], "test": [172, 15, 634, 459]}


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def drawn(n, seed=0, side=128):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), dtype=np.uint8)


def table_of(pixels, labels, names=CLASSES):
    """Rows as the hub's `datasets` writes them into Parquet files."""
    images = [{"bytes": png(one), "path": None} for one in pixels]
    table = pa.table({"image": images, "label": pa.array(labels, pa.int64())})
    features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A data root with a small stand-in for the slices, its own hash and sizes."""
    folder = tmp_path / "alzheimer_mri"
    folder.mkdir()
    labels = {"train": [0, 1, 2, 3, 2, 2], "test": [0, 1, 2, 3]}
    splits = {}
    for seed, (split, of) in enumerate(labels.items()):
        pixels = drawn(len(of), seed)
        pq.write_table(table_of(pixels, of), folder / f"{split}-00000-of-00001.parquet")
        splits[split] = alzheimer_source.Slices(pixels, np.array(of))
    monkeypatch.setattr(alzheimer_source, "ROWS", {split: len(of) for split, of in labels.items()})
    monkeypatch.setattr(alzheimer_source, "CONTENT_SHA256", content_hash(splits))
    alzheimer_source._checked_splits.cache_clear()
    yield tmp_path, splits
    alzheimer_source._checked_splits.cache_clear()


# reading


def test_parquet_and_the_hubs_form_give_the_same(small):
    datasets = pytest.importorskip("datasets")
    root, splits = small
    found = public_splits(root)
    for split, one in splits.items():
        assert np.array_equal(found[split].pixels, one.pixels) and np.array_equal(found[split].labels, one.labels)
        rows = datasets.Dataset(pa.Table.from_batches(table_of(one.pixels, one.labels).to_batches()))
        rows = rows.cast_column("label", datasets.ClassLabel(names=list(CLASSES)))
        table, names = arrow_of(rows.cast_column("image", datasets.Image(decode=False)))
        assert np.array_equal(slices_of(table, names, "rows").pixels, one.pixels) and names == CLASSES


def test_the_hash_is_of_the_content(small):
    _, splits = small
    assert content_hash(splits) == content_hash(dict(reversed(splits.items())))
    changed = splits["test"].pixels.copy()
    changed[0, 0, 0] ^= 1
    other = splits | {"test": alzheimer_source.Slices(changed, splits["test"].labels)}
    assert content_hash(other) != content_hash(splits)
    relabelled = splits | {"test": alzheimer_source.Slices(splits["test"].pixels, splits["test"].labels[::-1])}
    assert content_hash(relabelled) != content_hash(splits)


def test_other_content_is_refused(small, monkeypatch):
    root, _ = small
    monkeypatch.setattr(alzheimer_source, "CONTENT_SHA256", "0" * 64)
    with pytest.raises(CluscamError, match="not the published ones"):
        public_splits(root)
    monkeypatch.setattr(alzheimer_source, "ROWS", {"train": 7, "test": 4})
    with pytest.raises(CluscamError, match="'train' of the Alzheimer slices has 6 images, 7 were expected"):
        public_splits(root)


@pytest.mark.parametrize(
    ("labels", "names", "sentence"),
    [
        ([0, 1, 2, 3], CLASSES[::-1], "expected Mild_Demented, Moderate_Demented, .* in this order"),
        ([0, 1, 2, 3], CLASSES[:3], "has the classes Mild_Demented, Moderate_Demented, Non_Demented; expected"),
        ([0, 1, 2, 4], CLASSES, "has the label 4; expected 0"),
        ([0, 1, 2, 2], CLASSES, "has no image of Very_Mild_Demented"),
    ],
)
def test_missing_classes_and_another_order(labels, names, sentence):
    with pytest.raises(CluscamError, match=sentence):
        slices_of(table_of(drawn(4), labels), tuple(names), "the rows")


def test_images_in_colour_and_of_another_size():
    colour = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), dtype=np.uint8)
    with pytest.raises(CluscamError, match="row 0 of the rows is in colour, but grey slices were expected"):
        slices_of(table_of(colour, [0, 1, 2, 3]), CLASSES, "the rows")
    equal = np.repeat(drawn(4)[..., None], 3, axis=3)  # three equal channels are grey
    assert np.array_equal(slices_of(table_of(equal, [0, 1, 2, 3]), CLASSES, "the rows").pixels, drawn(4))
    with pytest.raises(CluscamError, match="row 0 of the rows is 64 x 64 pixels, 128 x 128 were expected"):
        slices_of(table_of(drawn(4, side=64), [0, 1, 2, 3]), CLASSES, "the rows")


def test_grey_becomes_three_channels_and_colour_does_not():
    grey = drawn(1)[0]
    image = colour_image(grey)
    assert image.mode == "RGB" and np.array_equal(grey_pixels(image), grey)
    with pytest.raises(CluscamError, match=r"\(H, W\) uint8, was expected"):
        colour_image(np.zeros((8, 8, 3), dtype=np.uint8))


def test_what_is_missing_is_said(tmp_path, no_data_root, monkeypatch):
    with pytest.raises(UnknownName, match="nearest: dataroot"):
        load_dataset("alzheimer_mri", source="dataroots")
    with pytest.raises(CluscamError, match="no data root is named; put train-"):
        load_dataset("alzheimer_mri", source="dataroot")
    with pytest.raises(CluscamError, match="there is no train-.*parquet in"):
        load_dataset("alzheimer_mri", data_root=tmp_path, source="dataroot")
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: False)
    with pytest.raises(CluscamError, match="are not here"):
        load_dataset("alzheimer_mri", data_root=tmp_path)


def test_the_hub_is_asked_for_each_split(small, monkeypatch):
    datasets = pytest.importorskip("datasets")
    _, splits = small
    rows = {
        split: datasets.Dataset(pa.Table.from_batches(table_of(one.pixels, one.labels).to_batches())).cast_column(
            "label", datasets.ClassLabel(names=list(CLASSES))
        )
        for split, one in splits.items()
    }
    asked = []
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: True)
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: asked.append((name, split)) or rows[split])
    found = public_splits(None, "hub")
    assert asked == [("Falah/Alzheimer_MRI", "train"), ("Falah/Alzheimer_MRI", "test")]
    assert np.array_equal(found["test"].pixels, splits["test"].pixels)


# splits


def public_labels():
    rng = np.random.default_rng(0)
    return {split: rng.permutation(np.repeat(np.arange(4), counts)) for split, counts in PUBLIC.items()}


def test_the_papers_split_is_stratified_and_has_the_papers_sizes():
    labels = public_labels()
    parts = paper_parts(labels)
    every = np.concatenate([labels["train"], labels["test"]])
    assert {part: len(numbers) for part, numbers in parts.items()} == {
        "train": 5120, "validation": 380, "test": 900, "public_test": 1280, "table6": 1279
    }  # fmt: skip
    assert np.bincount(every[parts["test"]]).tolist() == [121, 10, 446, 323]
    assert np.bincount(every[parts["validation"]]).tolist() == [51, 5, 188, 136]
    assert set(parts["validation"]) | set(parts["test"]) == set(parts["public_test"])
    assert set(parts["public_test"]) - set(parts["table6"]) == {5120}  # all but the first
    again = paper_parts(labels)
    assert all(np.array_equal(parts[part], again[part]) for part in parts)
    half = np.bincount(every[parts["test"][:450]], minlength=4) / 450
    assert np.abs(half - np.array([121, 10, 446, 323]) / 900).max() < 0.05  # the first n are a sample of all


def test_a_split_that_puts_an_image_into_two_parts_is_refused():
    with pytest.raises(CluscamError, match="puts image 4 in two parts, train and test; give each image to one"):
        check_disjoint({"train": np.array([1, 4]), "validation": np.array([2]), "test": np.array([4])})
    with pytest.raises(CluscamError, match="puts an image twice into the part train"):
        check_disjoint({"train": np.array([1, 1]), "test": np.array([4])})
    apart = {"train": np.array([0]), "test": np.array([1])}
    with pytest.raises(CluscamError, match="puts component 7 in two parts"):
        check_disjoint(apart, {"train": np.array([7]), "test": np.array([7])})


def test_components_stay_together_and_a_rare_class_is_in_train_and_test():
    groups = np.repeat(np.arange(42), 4)
    labels = np.repeat([0] * 20 + [1] * 2 + [2] * 20, 4)
    parts = component_parts(labels, groups, {"train": 0.8, "validation": 0.06, "test": 0.14})
    assert sorted(np.concatenate(list(parts.values()))) == list(range(168))
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        assert not set(groups[parts[one]]) & set(groups[parts[other]])
    rare = {part: int((labels[numbers] == 1).sum()) for part, numbers in parts.items()}
    assert rare == {"train": 4, "validation": 0, "test": 4}
    with pytest.raises(CluscamError, match="add up to 0.9; expected 1"):
        component_parts(labels, groups, {"train": 0.8, "test": 0.1})


# near-duplicates


def test_pairs_against_numpys_correlations(monkeypatch):
    monkeypatch.setattr("cluscam_lite.datasets.alzheimer.duplicates.BLOCK", 3)  # so that there are several blocks
    pixels = drawn(8, side=16)
    expected = np.corrcoef(pixels.reshape(8, 8, 2, 8, 2).mean((2, 4)).reshape(8, -1))
    i, j, similarity = pairs_above(features(pixels), 0.0)
    want = [(a, b) for a in range(8) for b in range(a + 1, 8) if expected[a, b] >= 0]
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == want
    assert similarity == pytest.approx([expected[a, b] for a, b in zip(i, j, strict=True)], abs=1e-5)


@pytest.mark.parametrize("pairs", [0, 1, 25, 45, 300])
def test_components_against_joining_one_pair_after_another(pairs):
    i, j = np.random.default_rng(pairs).integers(0, 60, (2, pairs))
    expected = np.arange(60)  # the first image of each one's component
    for a, b in zip(i, j, strict=True):
        low, high = sorted((expected[a], expected[b]))
        expected[expected == high] = low
    expected = np.unique(expected, return_inverse=True)[1]
    found = components(60, i, j)
    assert found.dtype == np.int64 and np.array_equal(found, expected)


def test_constant_images_are_like_nothing():
    pixels = np.concatenate([np.zeros((1, 8, 8), np.uint8), drawn(2, side=8)])
    images = features(pixels)
    assert images.isfinite().all() and not images[0].any() and images[1:].any(1).all()
    with pytest.raises(CluscamError, match="expected grey ones"):
        features(np.zeros((2, 8, 8, 3), np.uint8))


# the real ones


@pytest.fixture(scope="module")
def real(data_root):
    if not (data_root / "alzheimer_mri").is_dir():
        pytest.skip("the data root has no Alzheimer slices")
    return data_root


def test_the_real_slices_are_those_whose_hash_is_pinned(real):
    found = alzheimer.collection(real)
    assert len(found.ids) == sum(ROWS.values()) == 6400
    for split, counts in PUBLIC.items():
        mine = [label for image_id, label in zip(found.ids, found.labels, strict=True) if image_id.startswith(split)]
        assert np.bincount(mine).tolist() == counts
    test = load_dataset("alzheimer_mri", data_root=real, part="test", n=2)
    assert test.class_names == CLASSES and test[1].image.mode == "RGB" and test[1].image.size == (128, 128)
    assert test[1].label == found.labels[found.number[test.ids[1]]]
    with pytest.raises(UnknownName, match="unknown part 'table6'"):
        load_dataset("alzheimer_mri", data_root=real, part="table6", split="components")


def test_the_list_of_data_sets_says_whether_they_are_here(real, tmp_path):
    from cluscam_lite.cli.lists import dataset_rows

    status = {row["name"]: row for row in dataset_rows(real)}
    assert status["alzheimer_mri"]["available"] and "6400 images" in status["alzheimer_mri"]["status"]
    for root in (None, tmp_path):
        (row,) = (row for row in dataset_rows(root) if row["name"] == "alzheimer_mri")
        assert not row["available"] and "put train-" in row["status"]


def test_a_cell_of_the_list_needs_no_pictures(monkeypatch):
    monkeypatch.setattr(alzheimer_source, "slices_of", None)
    assert alzheimer_source.rows_stored(SimpleNamespace(glob=lambda pattern: [])) == {"train": 0, "test": 0}
