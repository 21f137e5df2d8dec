"""One image with what is known about it, and a lazy sequence of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from ..errors import CluscamError, naming

if TYPE_CHECKING:
    from .scenes.scene import Scene

Box = tuple[float, float, float, float]


def as_box(edges: Iterable[float | str]) -> Box:
    """Four numbers, or their texts, as a box. Raises ValueError for any other number of them, or no numbers."""
    xmin, ymin, xmax, ymax = map(float, edges)
    return xmin, ymin, xmax, ymax


@dataclass(frozen=True)
class Sample:
    """An RGB image, with what is known of it.

    Attributes:
        image_id: its name within the data set.
        image: the picture; it may be a smaller copy of the original.
        label: its class; None where that is not known.
        boxes: (xmin, ymin, xmax, ymax) of its objects, in pixels of the original.
        width, height: size of the original in pixels.
        scene: what an icon scene was drawn from, None for photographs.
    """

    image_id: str
    image: Image.Image
    label: int | None
    boxes: tuple[Box, ...]
    width: int
    height: int
    scene: "Scene | None" = None


class Samples:
    """A data set: a sequence of `Sample`, each read (and decoded) when it is asked for.

    Asking for one raises BrokenImage, which names it, if its content cannot be used.

    Args:
        name: of the data set.
        ids: the images' names, in order.
        class_names: those of the labels, empty where there are no labels.
        read: ``read(image_id) -> Sample``.
    """

    def __init__(
        self, name: str, ids: Iterable[str], class_names: Iterable[str], read: Callable[[str], Sample]
    ) -> None:
        self.name = name
        self.ids = tuple(ids)
        self.class_names = tuple(class_names)
        self._read = read

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> Sample:
        """Sample `i`, read now; negative numbers count from the end. Raises IndexError outside the data set."""
        return self._named(self.ids[i])

    def of_id(self, image_id: str) -> Sample:
        """The sample of that name, read now. Raises CluscamError for one that is not in the data set."""
        if image_id not in self.ids:
            raise CluscamError(f"the data set {self.name!r} has no image {image_id!r}; check the part and the name")
        return self._named(image_id)

    def __iter__(self) -> Iterator[Sample]:
        return map(self._named, self.ids)

    def _named(self, image_id: str) -> Sample:
        with naming(image_id):
            return self._read(image_id)

    def __repr__(self) -> str:
        return f"Samples({self.name!r}, {len(self)} images)"


def first(ids: list[str], n: int | None, where: str) -> list[str]:
    """The first `n` of `ids`, all for None. Raises CluscamError if `n` is no count or more than there are."""
    if n is None:
        return ids
    check_count(n)
    if n > len(ids):
        raise CluscamError(f"{n} images were asked for but {where} has {len(ids)}; ask for at most {len(ids)}")
    return ids[:n]


def check_count(n: object) -> None:
    """Raise CluscamError unless `n` is a whole number of at least 1."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise CluscamError(f"the number of images must be a whole number of at least 1, got {n!r}")
