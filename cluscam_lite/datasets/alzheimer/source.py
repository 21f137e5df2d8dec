"""Reading all Alzheimer slices (Falah/Alzheimer_MRI): from the Parquet files of the data root, or from the hub.

Both give the same Arrow tables (image {bytes, path}, label); the decoded content is checked against one hash.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...dataroot import VARIABLE
from ...dataroot import data_root as find_data_root
from ...errors import CluscamError, is_whole, unknown
from ...packages import from_extra
from ..greys import grey_pixels
from ..hub import hub_rows
from ..images import open_image

FOLDER = "alzheimer_mri"
REPOSITORY = "Falah/Alzheimer_MRI"
SOURCES = ("dataroot", "hub")
CLASSES = ("Mild_Demented", "Moderate_Demented", "Non_Demented", "Very_Mild_Demented")  # in the order of the labels
ROWS = {"train": 5120, "test": 1280}
SIDE = 128  # pixels, height and width
# of the labels and decoded pixels, see `content_hash`
CONTENT_SHA256 = "603016c934b7ba8c8f3efc29a4c535436925ea66e2c42545ef7fa73b4db66953"
GET = f"put train-*.parquet and test-*.parquet of {REPOSITORY} into {FOLDER}/ of a data root ({VARIABLE})"


@dataclass(frozen=True)
class Slices:
    """One public split: `pixels` (N, 128, 128) uint8 and `labels` (N,) int64, numbers into `CLASSES`."""

    pixels: np.ndarray
    labels: np.ndarray


def public_splits(data_root: str | Path | None = None, source: str | None = None) -> dict[str, Slices]:
    """The public splits "train" and "test", decoded and checked; read once.

    `source`: "dataroot", "hub", or None for the first that there is. Raises UnknownName for another source,
    CluscamError if the data are missing, unreadable, or not the published ones.
    """
    if source is not None and source not in SOURCES:
        raise unknown("source of the Alzheimer slices", source, SOURCES)
    root = find_data_root(data_root)
    stored = root / FOLDER if root else None
    if source is None:
        source = "dataroot" if stored is not None and any(stored.glob("*.parquet")) else "hub"
    if source == "dataroot" and stored is None:
        raise CluscamError(f"no data root is named; {GET}")
    return _checked_splits(stored if source == "dataroot" else None)


@lru_cache(maxsize=2)
def _checked_splits(folder: Path | None) -> dict[str, Slices]:
    """The public splits from a folder of Parquet files, or, with None, from the hub."""
    splits = {}
    for split, rows in ROWS.items():
        table, names = _hub_table(split) if folder is None else _parquet_table(folder, split)
        splits[split] = slices_of(table, names, f"the split {split!r} of the Alzheimer slices")
        if len(splits[split].labels) != rows:
            raise CluscamError(
                f"the split {split!r} of the Alzheimer slices has {len(splits[split].labels)} images, {rows} were "
                f"expected; {GET}"
            )
    found = content_hash(splits)
    if found != CONTENT_SHA256:
        raise CluscamError(
            f"the Alzheimer slices are not the published ones (their content's SHA-256 is {found[:12]}..., "
            f"{CONTENT_SHA256[:12]}... was expected); {GET}"
        )
    return splits


def slices_of(table: Any, names: tuple[str, ...] | None, where: str) -> Slices:
    """The slices of an Arrow table with the columns image {bytes, path} and label.

    `names` are the class names that the file gives, None if it gives none. Raises CluscamError for other classes
    or another order, a label outside them, a class without an image, or images in colour or of another size.
    """
    if names is not None and tuple(names) != CLASSES:
        raise CluscamError(
            f"{where} has the classes {', '.join(names)}; expected {', '.join(CLASSES)} in this order, since labels "
            "are numbers into it: renumber them"
        )
    if not {"image", "label"} <= set(table.column_names):
        raise CluscamError(f"{where} has the columns {', '.join(table.column_names)}; expected image and label")
    given = table["label"].to_pylist()
    if odd := [label for label in given if not is_whole(label)]:
        raise CluscamError(f"{where} has the label {odd[0]!r}; expected a whole number from 0 to {len(CLASSES) - 1}")
    labels = np.array(given, dtype=np.int64)
    strange = sorted(set(labels.tolist()) - set(range(len(CLASSES))))
    if strange:
        raise CluscamError(f"{where} has the label {strange[0]}; expected 0 ({CLASSES[0]}) to 3 ({CLASSES[-1]})")
    check_classes(labels, CLASSES, where)
    pixels = np.empty((len(labels), SIDE, SIDE), dtype=np.uint8)
    for row, image in enumerate(table["image"].to_pylist()):
        name = f"row {row} of {where}"
        found = grey_pixels(open_image(image["bytes"], upright=False, name=name), name)
        if found.shape != (SIDE, SIDE):
            raise CluscamError(f"{name} is {found.shape[1]} x {found.shape[0]} pixels, {SIDE} x {SIDE} were expected")
        pixels[row] = found
    return Slices(pixels, labels)


def check_classes(labels: np.ndarray, names: tuple[str, ...], where: str) -> None:
    """Raise CluscamError if a class has no image: a network cannot learn it, and a recall of it has no meaning."""
    missing = [name for k, name in enumerate(names) if not (labels == k).any()]
    if missing:
        raise CluscamError(f"{where} has no image of {', '.join(missing)}; expected at least one of each class")


def content_hash(splits: Mapping[str, Slices]) -> str:
    """SHA-256 over labels and decoded pixels in their order: the same for any encoding of the same content."""
    digest = hashlib.sha256()
    for split in sorted(splits):
        digest.update(f"{split} {splits[split].pixels.shape}".encode())
        digest.update(splits[split].labels.astype("<i8").tobytes())
        digest.update(np.ascontiguousarray(splits[split].pixels).tobytes())
    return digest.hexdigest()


def _parquet_table(folder: Path, split: str) -> tuple[Any, tuple[str, ...] | None]:
    """The table of one split in the data root, and its class names if the file has them (as `datasets` writes)."""
    with from_extra("data"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    files = sorted(folder.glob(f"{split}-*.parquet"))
    if not files:
        raise CluscamError(f"there is no {split}-*.parquet in {folder}; {GET}")
    try:
        table = pa.concat_tables([pq.read_table(file, use_threads=False) for file in files])
    except (pa.ArrowException, OSError) as error:
        raise CluscamError(f"{files[0]} cannot be read as Parquet; get the file again") from error
    return table, _class_names(table.schema.metadata or {})


def rows_stored(folder: Path) -> dict[str, int]:
    """How many rows the Parquet files of each public split in `folder` have; 0 where one cannot be read."""
    with from_extra("data"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    counts = dict.fromkeys(ROWS, 0)
    for split in ROWS:
        with suppress(pa.ArrowException, OSError):
            counts[split] = sum(pq.read_metadata(file).num_rows for file in folder.glob(f"{split}-*.parquet"))
    return counts


def _class_names(metadata: Mapping[bytes, bytes]) -> tuple[str, ...] | None:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return tuple(features["label"]["names"])
    except (KeyError, ValueError, TypeError):
        return None


def _hub_table(split: str) -> tuple[Any, tuple[str, ...] | None]:
    """The table of one split from the hub, kept in its cache; the pictures are not decoded there."""
    needs = f"the Alzheimer slices are not here; {GET}, or pip install 'cluscam-lite[hub]' to fetch {REPOSITORY}"
    out_of_reach = f"the Alzheimer slices are not here and the hub cannot be reached; get a network, or {GET}"
    return arrow_of(hub_rows(REPOSITORY, needs, out_of_reach, f"try again, or {GET}", split=split))


def arrow_of(rows: Any) -> tuple[Any, tuple[str, ...] | None]:
    """A `datasets.Dataset` whose images are not decoded, as the Arrow table that it is, and its class names."""
    table = rows.data.table if rows._indices is None else rows.flatten_indices().data.table
    names = getattr(rows.features["label"], "names", None)
    return table, tuple(names) if names else None
