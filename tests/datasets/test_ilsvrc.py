"""ILSVRC from Parquet, from the official files and from (a stand-in of) the hub."""

import io
import pickle
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError, UnknownName

pytestmark = pytest.mark.usefixtures("no_data_root")

SYNSETS = [f"n{number:08d}" for number in range(1000)]


def picture(i, size=(12, 8)):
    return Image.new("RGB", size, (20 * i % 256, 100, 50))


def jpeg(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def ilsvrc_id(i):
    return f"ILSVRC2012_val_{i:08d}"


# ILSVRC in a data root


@pytest.fixture
def root(tmp_path):
    """A data root of 10 images in two files of two row groups, in mixed order, with a split."""
    folder = tmp_path / "ilsvrc2012_val"
    folder.mkdir()
    for file, numbers in enumerate(([3, 1, 2, 5, 4], [10, 9, 8, 7, 6])):
        table = pa.table(
            {
                "image_id": [ilsvrc_id(i) for i in numbers],
                "image": [{"bytes": jpeg(picture(i)), "path": f"{ilsvrc_id(i)}.JPEG"} for i in numbers],
                "label": [100 * i - 1 for i in numbers],
                "width": [24] * 5,
                "height": [16] * 5,
                "boxes": [[[1.0, 2.0, 11.0, 12.0]] * (i % 3) for i in numbers],
            }
        )
        pq.write_table(table, folder / f"validation-{file:05d}-of-00002.parquet", row_group_size=3)
    order = {"pilot": [7, 2], "tune": [10, 1, 4], "confirm": [3, 5, 6, 8, 9]}
    lines = [f"{ilsvrc_id(i)},{part},{k}" for part, ids in order.items() for k, i in enumerate(ids)]
    (folder / "split.csv").write_text("\n".join(["image_id,part,order", *sorted(lines)]) + "\n")
    return tmp_path


def test_ilsvrc_from_a_data_root(root, monkeypatch):
    data = load_dataset("ilsvrc", data_root=root)
    assert data.ids == tuple(ilsvrc_id(i) for i in range(1, 11)) and data.class_names[0] == "tench"
    for i in (1, 10, 2, 9):
        sample = data[i - 1]
        assert (sample.label, sample.width, sample.height) == (100 * i - 1, 24, 16)
        assert sample.image.size == (12, 8) and abs(sample.image.getpixel((3, 3))[0] - 20 * i % 256) < 4
        assert sample.boxes == ((1.0, 2.0, 11.0, 12.0),) * (i % 3)
    monkeypatch.setenv("CLUSCAM_DATA", str(root))
    again = pickle.loads(pickle.dumps(load_dataset("ilsvrc", n=3)))
    assert again.ids == data.ids[:3] and again[2].label == 299


def test_parts_are_taken_in_their_order(root):
    tune = load_dataset("ilsvrc", data_root=root, part="tune")
    assert tune.ids == tuple(map(ilsvrc_id, (10, 1, 4))) and tune[0].label == 999
    assert load_dataset("ilsvrc", data_root=root, part="tune", n=2).ids == tune.ids[:2]
    with pytest.raises(CluscamError, match="4 images were asked for but part 'tune' .* has 3; ask for at most 3"):
        load_dataset("ilsvrc", data_root=root, part="tune", n=4)
    with pytest.raises(CluscamError, match="11 images were asked for but the ILSVRC data set has 10"):
        load_dataset("ilsvrc", data_root=root, n=11)
    with pytest.raises(UnknownName, match="unknown part 'tuned'; nearest: tune"):
        load_dataset("ilsvrc", data_root=root, part="tuned")


def test_a_bad_split(root):
    path = root / "ilsvrc2012_val" / "split.csv"
    path.write_text("image_id,part,order\nILSVRC2012_val_00050000,pilot,0\n")
    with pytest.raises(CluscamError, match="lists 1 images of part 'pilot' that are not in the data"):
        load_dataset("ilsvrc", data_root=root, part="pilot")
    for text in ("image_id,part\na,b\n", "image_id,part,order\na,pilot,first\n", "image_id,part,order\na\n", ""):
        path.write_text(text)
        with pytest.raises(CluscamError, match="cannot be read as a split"):
            load_dataset("ilsvrc", data_root=root, part="pilot")
    path.unlink()
    with pytest.raises(CluscamError, match="there is no split.csv"):
        load_dataset("ilsvrc", data_root=root, part="pilot")
    assert len(load_dataset("ilsvrc", data_root=root)) == 10


def test_a_bad_data_root(root, tmp_path):
    file = root / "ilsvrc2012_val" / "validation-00000-of-00002.parquet"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(CluscamError, match="cannot be read as Parquet with the columns image, image_id"):
        load_dataset("ilsvrc", data_root=root)
    pq.write_table(pa.table({"image_id": ["a"], "label": [0]}), file)
    with pytest.raises(CluscamError, match="cannot be read as Parquet with the columns"):
        load_dataset("ilsvrc", data_root=root)
    with pytest.raises(CluscamError, match="no data root is named; set CLUSCAM_DATA"):
        load_dataset("ilsvrc", source="dataroot")
    (tmp_path / "other").mkdir()
    with pytest.raises(CluscamError, match="there is no Parquet file of ILSVRC in"):
        load_dataset("ilsvrc", source="dataroot", data_root=tmp_path / "other")
    with pytest.raises(CluscamError, match="takes no path"):
        load_dataset("ilsvrc", source="dataroot", data_root=root, path=tmp_path)


# ILSVRC as officially distributed


def annotation(synset, boxes, width=24, height=16):
    things = "".join(
        f"<object><name>{synset}</name><pose>Unspecified</pose><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
        f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for a, b, c, d in boxes
    )
    return (
        f"<annotation><folder>val</folder><size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        f"<segmented>0</segmented>{things}</annotation>"
    )


def write_official(images, boxes):
    """Three images; number 2 has two boxes, number 3 an EXIF tag that must not turn it."""
    for folder in (images, boxes):
        folder.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in (1, 2, 3):
        picture(i, (24, 16)).save(images / f"{ilsvrc_id(i)}.JPEG", exif=exif if i == 3 else b"")
        text = annotation(SYNSETS[10 * i], [(1, 2, 11, 12), (3, 4, 20, 15)][: 1 + (i == 2)])
        (boxes / f"{ilsvrc_id(i)}.xml").write_text(text)


@pytest.mark.parametrize(
    "images, boxes, synsets, path",
    [
        ("ILSVRC/Data/CLS-LOC/val", "ILSVRC/Annotations/CLS-LOC/val", "LOC_synset_mapping.txt", "."),
        ("ILSVRC/Data/CLS-LOC/val", "ILSVRC/Annotations/CLS-LOC/val", "ILSVRC/synsets.txt", "ILSVRC/Data/CLS-LOC/val"),
        ("pictures", "pictures/annotations", "pictures/synsets.txt", "pictures"),
        ("val", "bbox/val", "synsets.txt", "."),
    ],
)
def test_official_layouts(tmp_path, images, boxes, synsets, path):
    write_official(tmp_path / images, tmp_path / boxes)
    (tmp_path / synsets).write_text("".join(f"{synset} a name, another\n" for synset in SYNSETS))
    data = load_dataset("ilsvrc", path=tmp_path / path)
    assert data.ids == tuple(map(ilsvrc_id, (1, 2, 3)))
    assert [s.label for s in data] == [10, 20, 30]
    assert data[1].boxes == ((1.0, 2.0, 11.0, 12.0), (3.0, 4.0, 20.0, 15.0))
    assert data[2].image.size == (24, 16) and (data[2].width, data[2].height) == (24, 16)


def test_official_files_beat_the_data_root_and_may_take_its_synsets(tmp_path, root):
    write_official(tmp_path / "o", tmp_path / "o" / "annotations")
    (root / "ilsvrc2012_val" / "synsets.txt").write_text("\n".join(SYNSETS))
    data = load_dataset("ilsvrc", path=tmp_path / "o", data_root=root)
    assert len(data) == 3 and data[0].label == 10


def test_the_order_of_the_classes_comes_from_the_annotations_if_they_have_all(tmp_path):
    write_official(tmp_path, tmp_path)
    with pytest.raises(CluscamError, match="the annotations have 3 of the 1000 synsets; put synsets.txt"):
        load_dataset("ilsvrc", path=tmp_path)
    for i, synset in enumerate(SYNSETS):
        (tmp_path / f"{ilsvrc_id(1000 + i)}.xml").write_text(annotation(synset, [(0, 0, 1, 1)]))
    assert load_dataset("ilsvrc", path=tmp_path)[2].label == 30


def test_bad_official_files(tmp_path):
    def message(**options):
        with pytest.raises(CluscamError) as caught:
            data = load_dataset("ilsvrc", path=tmp_path / "o", **options)
            list(data)
        return str(caught.value)

    assert "there is no folder" in message()
    (tmp_path / "o").mkdir()
    assert "there are no images ILSVRC2012_val_*.JPEG" in message()
    write_official(tmp_path / "o", tmp_path / "o" / "annotations")
    (tmp_path / "o" / "synsets.txt").write_text("\n".join(SYNSETS[:-1]))
    assert "must list the 1000 synsets" in message()
    (tmp_path / "o" / "synsets.txt").write_text("\n".join(SYNSETS))
    assert "there is no split.csv" in message(part="tune")
    one = tmp_path / "o" / "annotations" / f"{ilsvrc_id(2)}.xml"
    one.write_text(annotation("n99999999", [(0, 0, 1, 1)]))
    assert "names n99999999, which is none of the synsets" in message()
    one.write_text("<annotation><object></object>")
    assert "cannot be read as an ILSVRC annotation" in message()
    one.unlink()
    assert f"1 images in {tmp_path / 'o'} have no XML annotation (first: {ilsvrc_id(2)})" in message()
    with pytest.raises(CluscamError, match="'folder' of ILSVRC needs a path"):
        load_dataset("ilsvrc", source="folder")


# ILSVRC from the hub: the real `datasets` package on a local stand-in for the gated repository


@pytest.fixture
def hub(monkeypatch):
    """Puts a small table in the place of the gated one; `hub(names)` names the files in it."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: True)

    def install(names):
        features = datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=[str(i) for i in range(1000)])}
        )
        rows = datasets.Dataset.from_dict(
            {
                "image": [{"bytes": jpeg(picture(i)), "path": name} for i, name in enumerate(names)],
                "label": [10 * i for i in range(len(names))],
            },
            features=features,
        )

        def load(repository, data_files, split):
            assert (repository, split) == ("ILSVRC/imagenet-1k", "validation") and "validation" in data_files
            return rows

        monkeypatch.setattr(datasets, "load_dataset", load)

    return install


def test_the_hubs_copy_by_the_names_in_it(hub):
    hub([f"{ilsvrc_id(i)}_n01440764.JPEG" for i in (3, 1, 2)])
    data = load_dataset("ilsvrc")  # nothing else is there
    assert data.ids == tuple(map(ilsvrc_id, (1, 2, 3))) and [s.label for s in data] == [10, 20, 0]
    sample = data[0]
    assert sample.boxes == () and sample.image.size == (sample.width, sample.height) == (12, 8)
    with pytest.raises(CluscamError, match="has no parts"):
        load_dataset("ilsvrc", source="hub", part="tune")


def test_the_hubs_copy_without_names(hub):
    hub([None, None])
    data = load_dataset("ilsvrc", source="hub", n=2)
    assert data.ids == ("validation_00000000", "validation_00000001") and data[1].label == 10


def test_the_hub_refuses_or_is_out_of_reach(monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: False)
    with pytest.raises(CluscamError, match="cannot be reached; get a network, or use a data root"):
        load_dataset("ilsvrc")
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: True)

    def gated(*_, **__):
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'ILSVRC/imagenet-1k' is a gated dataset on the Hub.\nX")

    monkeypatch.setattr(datasets, "load_dataset", gated)
    with pytest.raises(CluscamError, match=r"\(.*is a gated dataset on the Hub.\); accept its terms .* log in with"):
        load_dataset("ilsvrc")


def test_the_hub_needs_a_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CluscamError, match=r"pip install 'cluscam-lite\[hub\]'"):
        load_dataset("ilsvrc")
