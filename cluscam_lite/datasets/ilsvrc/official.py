"""ILSVRC as officially distributed: ILSVRC2012_val_*.JPEG, one XML of boxes for each, a list of the synsets."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from ...errors import CluscamError
from ..images import open_image
from ..sample import Box, Sample, as_box

STEM = "ILSVRC2012_val_*"
CLASSES = 1000
SIDES = ("xmin", "ymin", "xmax", "ymax")
# where the archives unpack to, in the folder named or above it
IMAGE_FOLDERS = (".", "val", "images", "ILSVRC2012_img_val", "Data/CLS-LOC/val", "ILSVRC/Data/CLS-LOC/val")
BOX_FOLDERS = (
    ".", "val", "annotations", "bbox", "bbox/val", "ILSVRC2012_bbox_val_v3", "ILSVRC2012_bbox_val_v3/val",
    "Annotations/CLS-LOC/val", "ILSVRC/Annotations/CLS-LOC/val",
)  # fmt: skip
SYNSET_FILES = ("synsets.txt", "LOC_synset_mapping.txt")


@dataclass(frozen=True)
class Annotation:
    """One XML file: the synset of its objects (None without any), their boxes, the image's size (0: not said)."""

    synset: str | None
    boxes: tuple[Box, ...]
    width: int
    height: int


class OfficialImages:
    """The images in `folder` (or where the archives unpack to in it) with labels and boxes from the XML files.

    A class's number is its place in `synsets.txt` or `LOC_synset_mapping.txt`, found beside the images or in the
    data root's folder `stored`; without such a file, in the sorted synsets of the XML files, if they have all
    1,000. Raises CluscamError if images, annotations or that order are missing.
    """

    def __init__(self, folder: Path, stored: Path | None = None) -> None:
        if not folder.is_dir():
            raise CluscamError(f"there is no folder {folder}; give the folder of the ILSVRC validation images")
        self._places = [folder, *list(folder.resolve().parents)[:3]]
        self._images = _first_with((folder,), IMAGE_FOLDERS, (".jpeg", ".jpg"))
        if not self._images:
            raise CluscamError(f"there are no images {STEM}.JPEG in {folder}; give the folder that has them")
        self._annotations = _first_with(self._places, BOX_FOLDERS, (".xml",))
        self.ids = sorted(self._images)
        absent = [image_id for image_id in self.ids if image_id not in self._annotations]
        if absent:
            raise CluscamError(
                f"{len(absent)} images in {folder} have no XML annotation (first: {absent[0]}); put the XML files "
                "of ILSVRC2012_bbox_val_v3 into a folder 'annotations' in it"
            )
        if stored is not None:
            self._places.append(stored)
        self._numbers = self._class_numbers()

    def read(self, image_id: str) -> Sample:
        """The sample `image_id`, decoded now."""
        image = open_image(self._images[image_id], upright=False)
        facts = read_annotation(self._annotations[image_id])
        if facts.synset is not None and facts.synset not in self._numbers:
            raise CluscamError(f"the annotation of {image_id} names {facts.synset}, which is none of the synsets")
        label = None if facts.synset is None else self._numbers[facts.synset]
        width, height = facts.width or image.width, facts.height or image.height
        return Sample(image_id, image, label, facts.boxes, width, height)

    def _class_numbers(self) -> dict[str, int]:
        for place in self._places:
            for name in SYNSET_FILES:
                if (place / name).is_file():
                    return _numbered(_synsets_in(place / name))
        if len(self._all_synsets) != CLASSES:
            raise CluscamError(
                f"the order of the classes is not known, as the annotations have {len(self._all_synsets)} of the "
                f"{CLASSES} synsets; put {SYNSET_FILES[0]} (one synset a line, sorted) or {SYNSET_FILES[1]} "
                "beside the images"
            )
        return _numbered(sorted(self._all_synsets))

    @cached_property
    def _all_synsets(self) -> set[str]:
        synsets = {read_annotation(path).synset for path in self._annotations.values()}
        return {synset for synset in synsets if synset is not None}


def read_annotation(path: Path) -> Annotation:
    """One XML annotation. Raises CluscamError if it cannot be read."""
    try:
        tree = ElementTree.parse(path).getroot()
        objects = tree.findall("object")
        boxes = tuple(as_box(thing.findtext(f"bndbox/{side}", "") for side in SIDES) for thing in objects)
        synset = objects[0].findtext("name") if objects else None
        if objects and synset is None:
            raise ValueError("an object without a name")
        width, height = (int(tree.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise CluscamError(f"{path} cannot be read as an ILSVRC annotation; get the file again") from error
    return Annotation(synset.strip() if synset else synset, boxes, width, height)


def _first_with(places: Iterable[Path], folders: tuple[str, ...], suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Stem -> file, in the first of `folders` under one of `places` that has ILSVRC files with such a suffix."""
    for place in places:
        for folder in folders:
            files = {f.stem: f for f in (place / folder).glob(STEM) if f.suffix.lower() in suffixes}
            if files:
                return files
    return {}


def _synsets_in(path: Path) -> list[str]:
    """The first word of each line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CluscamError(f"{path} cannot be read; it must have one synset a line") from error
    synsets = [line.split()[0] for line in lines if line.strip()]
    if len(set(synsets)) != CLASSES or synsets != sorted(synsets):
        raise CluscamError(
            f"{path} must list the {CLASSES} synsets of ILSVRC once each in sorted order, but has {len(synsets)} lines"
        )
    return synsets


def _numbered(synsets: list[str]) -> dict[str, int]:
    return {synset: number for number, synset in enumerate(synsets)}
