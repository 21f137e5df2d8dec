"""A cell: the part of a study that is computed at once, stored as one file, and computed again if the file is lost."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from cluscam_lite.errors import CluscamError

# what the engine writes beside each row, in this order
COLUMNS = ("study", "dataset", "part", "model", "layer", "method", "variant", "seed")
PER_IMAGE = ("donors",)  # settings that have an entry for each image
NAME_LENGTH = 100  # characters of a file's readable part; file systems allow 255 in all


@dataclass(frozen=True)
class Cell:
    """What one file of rows is made from: everything that shapes the rows, nothing about the machine or the folder.

    `version` is the study's: a whole number, raised by hand when the code comes to give other rows. `images` are the
    ids of this cell's images. `settings` are all further values that change the rows (K, r, tau, fill,
    preprocessing, "weights": the SHA-256 of the network's file, ...) as JSON types; they are copied.
    Raises CluscamError for settings that are not JSON, for no image, and for an image that is given twice.
    """

    study: str
    version: int
    dataset: str
    part: str
    model: str
    layer: str
    method: str
    images: tuple[str, ...]
    variant: str = ""
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        images = tuple(map(str, self.images))
        if not images or len(set(images)) < len(images):
            raise CluscamError(f"a cell of the study {self.study} has no image or one twice; give each id once")
        object.__setattr__(self, "images", images)
        try:
            copied = json.loads(_canonical(self.to_dict()))
        except (TypeError, ValueError) as error:
            raise CluscamError(
                f"a cell of the study {self.study} has a setting that JSON cannot hold ({error}); "
                "use text, finite numbers, booleans, lists and dictionaries"
            ) from error
        object.__setattr__(self, "settings", copied["settings"])

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the cell as canonical JSON, hexadecimal."""
        return hashlib.sha256(_canonical(self.to_dict()).encode()).hexdigest()

    @cached_property
    def name(self) -> str:
        """The name of the cell's file without suffix: readable, and unique by the start of the hash."""
        parts = (self.dataset, self.part, self.model, self.layer, self.method, self.variant, self.images[0])
        readable = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-.") for part in parts if part)
        return f"{readable[:NAME_LENGTH].strip('-.')}-{self.hash[:12]}"

    def without(self, images: Collection[str]) -> "Cell | None":
        """The cell of the other images, each with its own entry of the `PER_IMAGE` settings; None if none is left."""
        left = [i for i, image in enumerate(self.images) if image not in images]
        if not left:
            return None
        of_images = {name: [self.settings[name][i] for i in left] for name in PER_IMAGE if name in self.settings}
        return replace(self, images=tuple(self.images[i] for i in left), settings={**self.settings, **of_images})

    @property
    def title(self) -> str:
        """The cell in words, for messages."""
        count = len(self.images)
        words = (self.model, self.layer, self.method, self.variant)
        return f"{' '.join(filter(None, words))}, {count} image{'s' * (count > 1)} from {self.images[0]}"

    def to_dict(self) -> dict[str, Any]:
        """The cell as a dictionary that JSON can hold."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"images": list(self.images)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Cell":
        """The cell of `to_dict`. Raises TypeError or CluscamError if it is not one."""
        return cls(**found)


def chunks(ids: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """The image ids in their order, `size` at a time: the images of successive cells."""
    if size < 1:
        raise CluscamError(f"a cell has at least 1 image, got {size}")
    return [tuple(ids[start : start + size]) for start in range(0, len(ids), size)]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
