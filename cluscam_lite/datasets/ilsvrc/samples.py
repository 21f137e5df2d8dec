"""The validation images of ILSVRC 2012, from a data root, the official files, or the gated copy on a hub.

Labels are 0 to 999 in sorted-synset order. Images are not turned by their EXIF tag: the boxes are in the pixels as
stored, and the usual accuracies are measured so.
"""

from pathlib import Path
from typing import Protocol

from ...dataroot import VARIABLE
from ...dataroot import data_root as find_data_root
from ...errors import CluscamError, unknown
from ...files import PathLike
from ..imagenet import imagenet_classes
from ..sample import Sample, Samples, first
from .splits import ids_of_part

FOLDER = "ilsvrc2012_val"
SOURCES = ("dataroot", "folder", "hub")


class _Images(Protocol):
    """What each source gives."""

    ids: list[str]

    def read(self, image_id: str) -> Sample: ...


def load_ilsvrc(
    data_root: PathLike | None = None,
    path: PathLike | None = None,
    part: str | None = None,
    n: int | None = None,
    source: str | None = None,
) -> Samples:
    """The validation images, in the order of the part, or of their ids without one.

    Args:
        data_root: folder with `ilsvrc2012_val/`; None takes ``CLUSCAM_DATA``.
        path: folder with the official JPEG files and their XML annotations.
        part: of the `split.csv` beside the data; None takes all images.
        n: how many images; None takes all.
        source: "dataroot" (Parquet files), "folder" (`path`), "hub" (labels, but no boxes), or None for the first that
            there is: `path` if given, then the data root, then the hub.

    Raises:
        UnknownName: no such source or part.
        CluscamError: something is missing.
    """
    if source is not None and source not in SOURCES:
        raise unknown("source of ILSVRC", source, SOURCES)
    root = find_data_root(data_root)
    stored = root / FOLDER if root else None
    if source is None:
        has_parquet = stored is not None and any(stored.glob("*.parquet"))
        source = "folder" if path is not None else "dataroot" if has_parquet else "hub"
    if source != "folder" and path is not None:
        raise CluscamError(f"the source {source!r} of ILSVRC takes no path; leave it out or choose source='folder'")

    images: _Images
    if source == "dataroot":
        if stored is None:
            raise CluscamError(f"no data root is named; set {VARIABLE} to a folder that has {FOLDER}/*.parquet")
        from .parquet import ParquetImages

        images, home = ParquetImages(stored), stored
    elif source == "folder":
        if path is None:
            raise CluscamError("the source 'folder' of ILSVRC needs a path; give the folder of the official images")
        from .official import OfficialImages

        home = Path(path).expanduser()
        images = OfficialImages(home, stored)
    else:
        if part is not None:
            raise CluscamError(f"the hub's copy of ILSVRC has no parts, got {part!r}; leave it out or use a data root")
        from .hub import HubImages

        images, home = HubImages(), Path()

    where = "the ILSVRC data set"
    ids = images.ids
    if part is not None:
        ids, where = ids_of_part(home, part, set(ids)), f"part {part!r} of {where}"
    return Samples("ilsvrc", first(ids, n, where), imagenet_classes(), images.read)
