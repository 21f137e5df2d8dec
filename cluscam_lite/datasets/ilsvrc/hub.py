"""ILSVRC's validation images from the gated data set ILSVRC/imagenet-1k: labels, no boxes. Needs `datasets`."""

import re
from typing import Any

from ...packages import from_extra
from ..hub import hub_rows
from ..images import open_image
from ..sample import Sample

REPOSITORY = "ILSVRC/imagenet-1k"
FILES = {"validation": "data/validation-*.parquet"}  # only these: else every split would be fetched
ID = re.compile(r"ILSVRC2012_val_\d{8}")
INSTEAD = "or use a data root or the official files (source 'dataroot' or 'folder')"


class HubImages:
    """The validation split, downloaded once (several GB) into the hub's cache.

    Raises CluscamError if `datasets` is not installed, there is no network, or access has not been granted.
    """

    def __init__(self) -> None:
        self._rows = hub_rows(
            REPOSITORY,
            f"the hub's copy of ILSVRC needs the package datasets; pip install 'cluscam-lite[hub]', {INSTEAD}",
            f"there is no ILSVRC here and the hub with {REPOSITORY} cannot be reached; get a network, {INSTEAD}",
            f"accept its terms on its page and log in with `hf auth login`, {INSTEAD}",
            data_files=FILES,
            split="validation",
        )
        self._row_of = _ids(self._rows)
        self.ids = sorted(self._row_of)

    def read(self, image_id: str) -> Sample:
        """The sample `image_id`, decoded now; its boxes are not known."""
        row = self._rows[self._row_of[image_id]]
        image = open_image(row["image"]["bytes"], upright=False, name=image_id)
        return Sample(image_id, image, int(row["label"]), (), image.width, image.height)


def _ids(rows: Any) -> dict[str, int]:
    """Image id -> row: from the files' names where the hub kept them, else the row's number."""
    with from_extra("data"):
        import pyarrow.compute as pc

    paths = pc.struct_field(rows.data.column("image"), "path").to_pylist()  # leaves the pictures on disk
    names = [match[0] for path in paths if (match := ID.search(path or ""))]
    if len(set(names)) == len(paths):
        return {name: row for row, name in enumerate(names)}
    return {f"validation_{row:08d}": row for row in range(len(paths))}
