"""Free photographs that come with Python packages, and collages of them: no download, and pictures that may be shown.

`photographs.csv` has each one's package, hash, author and licence; the chapter on citing credits them. Of
scikit-image's other photographs, those of the Middlebury stereo benchmark are left out: no licence is stated with them.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from PIL import Image, ImageOps

from ..errors import CluscamError, check_known
from ..packages import Packaged, packaged_file
from .images import open_image
from .sample import Sample, Samples, first

JOINED = "+"  # in the id of a collage
# the paper's three settings (Figs. 3 and 4): one object, the same object twice, different objects
SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "single": ("chelsea", "coffee", "temple", "flower", "rocket", "astronaut"),
        "same": ("chelsea+chelsea", "coffee+coffee"),
        "different": ("chelsea+coffee", "flower+coffee", "chelsea+temple"),
    }
)


@cache
def photograph_credits() -> tuple[Mapping[str, str], ...]:
    """A row for each photograph: name, title, author, licence, and the package that it comes with."""
    text = files(__package__).joinpath("photographs.csv").read_text(encoding="utf-8")
    return tuple(MappingProxyType(row) for row in csv.DictReader(text.splitlines()))


def load_photographs(n: int | None = None, setting: str | None = None) -> Samples:
    """The first `n` photographs (all for None), of one `setting` ("single", "same", "different") or of all in turn.

    They have no labels and no boxes. A collage has two of them on top of each other, in a square; in "same" the lower
    one is the mirror image of the upper.

    Raises:
        UnknownName: a setting that does not exist.
        CluscamError: more images than there are; on reading, a package that is not installed or has another file.
    """
    if setting is not None:
        check_known("setting", setting, SETTINGS)
    names = SETTINGS[setting] if setting else [name for group in SETTINGS.values() for name in group]
    return Samples("photographs", first(list(names), n, "the data set 'photographs'"), (), photograph)


def photograph(image_id: str) -> Sample:
    """The sample of an id that `load_photographs` gave. Raises CluscamError for any other."""
    names = image_id.split(JOINED)
    pictures = [_picture(name) for name in names]
    if len(names) == 2 and names[0] == names[1]:
        pictures[1] = ImageOps.mirror(pictures[1])
    image = _stacked(pictures)
    return Sample(image_id, image, None, (), image.width, image.height)


@cache
def _picture(name: str) -> Image.Image:
    known = {row["name"]: row for row in photograph_credits()}
    if name not in known:
        raise CluscamError(f"{name!r} is no photograph of this data set; known: {', '.join(known)}")
    row = known[name]
    wanted = Packaged(row["pip"], row["module"], row["file"], row["sha256"])
    return open_image(packaged_file(wanted, f"the pixels of {name}"))


def _stacked(pictures: list[Image.Image]) -> Image.Image:
    """Two pictures on top of each other, each cropped to twice its height, so that they make a square; one as it is."""
    if len(pictures) == 1:
        return pictures[0].copy()
    side = 2 * (min(picture.width for picture in pictures) // 2)
    joined = Image.new("RGB", (side, side))
    for i, picture in enumerate(pictures):
        joined.paste(ImageOps.fit(picture, (side, side // 2), Image.Resampling.LANCZOS), (0, i * side // 2))
    return joined
