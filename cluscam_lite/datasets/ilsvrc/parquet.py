"""ILSVRC as Parquet files: columns image_id, image {bytes, path}, label, width, height, boxes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import CluscamError, is_whole
from ...packages import from_extra
from ..images import open_image
from ..sample import Sample, as_box

with from_extra("data"):
    import pyarrow as pa
    import pyarrow.parquet as pq

CLASSES = 1000
FACTS = ("image_id", "label", "width", "height", "boxes")


class ParquetImages:
    """All facts in memory; pictures are read a row group at a time, of which the last is kept.

    Raises CluscamError if there is no Parquet file in `folder`, or one that cannot be read, and, naming the row, for an
    id that is no text or there twice, a label that is no class, or a size that is none.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise CluscamError(f"there is no Parquet file of ILSVRC in {folder}; put validation-*.parquet there")
        self._facts: dict[str, dict[str, Any]] = {}
        self._places: dict[str, tuple[Path, int, int]] = {}  # image_id -> file, row group, row in it
        for file in files:
            self._index(file)
        self.ids = sorted(self._facts)
        self._held: tuple[Path, int] | None = None
        self._pictures: list[bytes] = []

    def read(self, image_id: str) -> Sample:
        """The sample `image_id`, decoded now."""
        file, group, row = self._places[image_id]
        if self._held != (file, group):
            self._pictures = self._read_group(file, group)
            self._held = file, group
        image = open_image(self._pictures[row], upright=False, name=image_id)
        facts = self._facts[image_id]
        boxes = tuple(as_box(box) for box in facts["boxes"] or ())
        return Sample(image_id, image, facts["label"], boxes, facts["width"], facts["height"])

    def __getstate__(self) -> dict[str, Any]:
        """Pickles (for worker processes) without the pictures in memory."""
        return {**self.__dict__, "_held": None, "_pictures": []}

    def _index(self, file: Path) -> None:
        try:
            with pq.ParquetFile(file) as table:
                if not {"image", *FACTS} <= set(table.schema_arrow.names):
                    raise _unreadable(file)
                first = 0  # rows of the groups before
                for group in range(table.num_row_groups):
                    rows = table.read_row_group(group, columns=list(FACTS), use_threads=False).to_pylist()
                    for row, facts in enumerate(rows):
                        _check(facts, f"row {first + row} of {file}", self._places)
                        self._facts[facts["image_id"]] = facts
                        self._places[facts["image_id"]] = file, group, row
                    first += len(rows)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(file) from error

    def _read_group(self, file: Path, group: int) -> list[bytes]:
        try:
            with pq.ParquetFile(file) as table:
                return [
                    image["bytes"]
                    for image in table.read_row_group(group, columns=["image"], use_threads=False)["image"].to_pylist()
                ]
        except (pa.ArrowException, OSError, TypeError) as error:
            raise _unreadable(file) from error


def _check(facts: Mapping[str, Any], where: str, known: Mapping[str, tuple[Path, int, int]]) -> None:
    """Raise CluscamError unless a row of `where` has an id that is not `known` yet, a label and a size."""
    image_id, label = facts["image_id"], facts["label"]
    if not isinstance(image_id, str) or not image_id:
        raise CluscamError(f"{where} has the image_id {image_id!r}; expected a text, the image's own name")
    if image_id in known:
        raise CluscamError(
            f"{where} has the image_id {image_id!r}, which {known[image_id][0]} has already; give each image once"
        )
    if label is not None and not (is_whole(label) and 0 <= label < CLASSES):
        raise CluscamError(
            f"{where} ({image_id}) has the label {label!r}; expected a whole number from 0 to {CLASSES - 1}, the class "
            "by sorted synset, or none"
        )
    for name in ("width", "height"):
        if not is_whole(facts[name]) or facts[name] < 1:
            raise CluscamError(
                f"{where} ({image_id}) has the {name} {facts[name]!r}; expected the original's in pixels, at least 1"
            )


def _unreadable(file: Path) -> CluscamError:
    columns = ", ".join(("image", *FACTS))
    return CluscamError(f"{file} cannot be read as Parquet with the columns {columns}; get the file again")
