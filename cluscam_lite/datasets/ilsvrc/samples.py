"""The validation images of ILSVRC 2012, from a data root, the official files, or the gated copy on a hub.

Labels are 0 to 999 in sorted-synset order. Images are not turned by their EXIF tag: the boxes are in the pixels as
stored, and the usual accuracies are measured so.
"""

from functools import lru_cache
from pathlib import Path
from typing import Protocol

from ...dataroot import VARIABLE
from ...dataroot import data_root as find_data_root
from ...errors import CluscamError, unknown
from ...files import PathLike, as_path
from ..imagenet import imagenet_classes
from ..sample import Sample, Samples, first
from .official import BOX_FOLDERS, IMAGE_FOLDERS, STEM, OfficialImages
from .splits import DRAWN, drawn_here, ids_of_part

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
        part: of the `split.csv` beside the data, or "paper" or "paper_tune", drawn from the whole validation set
            (`splits.DRAWN`); None takes all images.
        n: how many images; None takes all.
        source: "dataroot" (Parquet files, or the official ones), "folder" (`path`), "hub" (labels, but no boxes), or
            None for the first that there is: `path` if given, then the data root, then the hub.

    Raises:
        UnknownName: no such source or part.
        CluscamError: something is missing.
    """
    if source is not None and source not in SOURCES:
        raise unknown("source of ILSVRC", source, SOURCES)
    root = find_data_root(data_root)
    stored = root / FOLDER if root else None
    if source is None:
        in_root = stored is not None and (any(stored.glob("*.parquet")) or _has_official_files(stored))
        source = "folder" if path is not None else "dataroot" if in_root else "hub"
    if source != "folder" and path is not None:
        raise CluscamError(f"the source {source!r} of ILSVRC takes no path; leave it out or choose source='folder'")

    images: _Images
    if source == "dataroot":
        if stored is None:
            raise CluscamError(f"no data root is named; set {VARIABLE} to a folder that has {FOLDER}/*.parquet")
        images, home = _stored_images(stored, _state(stored)), stored
    elif source == "folder":
        if path is None:
            raise CluscamError("the source 'folder' of ILSVRC needs a path; give the folder of the official images")
        home = as_path(path)
        images = OfficialImages(home, stored)
    else:
        if part is not None and part not in DRAWN:
            raise CluscamError(f"the hub's copy of ILSVRC has no parts, got {part!r}; leave it out or use a data root")
        from .hub import HubImages

        images, home = HubImages(), Path()

    where = "the ILSVRC data set"
    ids = images.ids
    if part in DRAWN:
        ids, where = drawn_here(part, set(ids), n), f"part {part!r} of {where}"
    elif part is not None:
        ids, where = ids_of_part(home, part, set(ids)), f"part {part!r} of {where}"
    return Samples("ilsvrc", first(ids, n, where), imagenet_classes(), images.read)


@lru_cache(maxsize=2)
def _stored_images(stored: Path, _state: tuple[object, ...]) -> _Images:
    """The images of a data root, listed once for all parts: the official files are 100,000."""
    if any(stored.glob("*.parquet")) or not _has_official_files(stored):
        from .parquet import ParquetImages

        return ParquetImages(stored)
    return OfficialImages(stored)


def _state(stored: Path) -> tuple[object, ...]:
    """What changes when the images of a data root do: its Parquet files, and the folders of the official ones."""
    places = sorted(stored.glob("*.parquet")) or [stored, *(stored / name for name in (*IMAGE_FOLDERS, *BOX_FOLDERS))]
    found = [(str(place), place.stat()) for place in places if place.exists()]
    return tuple((name, facts.st_mtime_ns, facts.st_size) for name, facts in found)


def _has_official_files(stored: Path) -> bool:
    """Whether a data root holds the official images, in one of the folders that the archives unpack to."""
    return any(next((stored / folder).glob(STEM), None) is not None for folder in IMAGE_FOLDERS)
