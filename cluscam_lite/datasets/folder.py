"""Any folder of images: the files in it, or, where it has only subfolders, one class to each of them."""

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from ..errors import CluscamError, printable
from ..files import PathLike, as_path, is_text
from .images import open_image
from .sample import Sample, Samples, first

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
OTHERS = {".avif", ".heic", ".heif", ".jp2", ".jxl", ".ico", ".tga", ".psd", ".svg", ".eps", ".dng", ".nef", ".cr2"}
"""Suffixes of images that are not read."""


def load_folder(path: PathLike | None = None, n: int | None = None) -> Samples:
    """The images of a folder, sorted by name; ids are paths inside it.

    Args:
        path: the folder. If no image lies in it, its subfolders (searched to any depth) are the classes, by name.
        n: how many images; None takes all.

    Raises:
        CluscamError: the folder or images in it are missing, or fewer than `n`.
    """
    if path is None:
        raise CluscamError("the data set 'folder' needs a folder of images; give its path")
    root = as_path(path)
    if not root.is_dir():
        raise CluscamError(f"there is no folder {root}; give a folder with images")
    labels: dict[str, int | None] = {file.name: None for file in _images(root.iterdir())}
    class_names: list[str] = []
    if not labels:
        folders = [f for f in sorted(root.iterdir()) if f.is_dir() and not f.name.startswith(".")]
        found = {folder.name: images_within(folder) for folder in folders}
        class_names = [name for name, files in found.items() if files]
        labels = {f.relative_to(root).as_posix(): i for i, c in enumerate(class_names) for f in found[c]}
    if not labels:
        raise CluscamError(f"the folder {root} has no images ({', '.join(sorted(SUFFIXES))}); choose another")
    for name in labels:
        if not is_text(name):
            raise CluscamError(f"the name of the image {printable(name)} is not UTF-8; rename it")
    return Samples("folder", first(list(labels), n, str(root)), class_names, partial(_read, root, labels))


def images_within(folder: Path) -> list[Path]:
    """The images in a folder, to any depth, without what is hidden, sorted.

    Links to folders are followed; of a folder that is reached in several ways, one counts, and not a link if it can be.
    Raises CluscamError for a folder that may not be read.
    """
    return sorted(file for inside in _folders(folder) for file in _images(inside))


def unread_within(folder: Path) -> list[Path]:
    """The images of formats that are not read, in the folders that `images_within` looks into."""
    return sorted(file for inside in _folders(folder) for file in inside if file.suffix.lower() in OTHERS)


def _folders(folder: Path) -> Iterator[list[Path]]:
    """What is in a folder and in each below it, without what is hidden."""
    waiting, seen = deque([folder]), set[Path]()
    while waiting:
        place = waiting.popleft()
        if (real := place.resolve()) in seen:
            continue
        seen.add(real)
        try:
            inside = sorted(f for f in place.iterdir() if not f.name.startswith("."))
        except PermissionError as error:
            raise CluscamError(f"the folder {place} may not be read; change its permissions") from error
        yield inside
        folders = [f for f in inside if f.is_dir()]
        waiting.extendleft(f for f in reversed(folders) if not f.is_symlink())
        waiting.extend(f for f in folders if f.is_symlink())


def _images(files: Iterable[Path]) -> list[Path]:
    """Those that are images by their names, links to nowhere among them, but nothing hidden."""
    found = (f for f in files if f.suffix.lower() in SUFFIXES and (f.is_file() or f.is_symlink()) and not f.is_dir())
    return sorted(f for f in found if not f.name.startswith("."))


def _read(root: Path, labels: dict[str, int | None], image_id: str) -> Sample:
    image = open_image(root / image_id)
    return Sample(image_id, image, labels[image_id], (), image.width, image.height)
