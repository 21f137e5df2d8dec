"""The icon scenes as data sets: as they are, and with badges."""

from itertools import count, islice

from ...errors import CluscamError, check_known, unknown
from ..sample import Sample, Samples, as_box, check_count
from .badges import has_badge_class, with_badge
from .scene import SCENE_CLASSES, SETTINGS, SPLITS, object_box, render, scene_at, scene_label, scene_seed

DEFAULT_N = 100
BADGES_N = 50
KINDS = ("scene", "badge")  # how an image's id begins


def load_scenes(part: str = "test", n: int | None = None, seed: int = 0, setting: str | None = None) -> Samples:
    """The first `n` scenes (default 100) of a part, "train" or "test", drawn when they are asked for.

    Without a `setting` ("single", "same", "different") the three take turns. The label is the class of the
    largest object; there is a box for each object. Raises UnknownName or CluscamError for bad arguments.
    """
    n = DEFAULT_N if n is None else n
    _check(part, n, seed, setting)
    ids = (_image_id("scene", part, seed, setting, i) for i in range(n))
    return Samples("scenes", ids, SCENE_CLASSES, scene_sample)


def load_badges(part: str = "test", n: int | None = None, seed: int = 0, setting: str | None = None) -> Samples:
    """The first `n` (default 50) of the same scenes that have no anchor in them, each with a badge added.

    A scene has the number that it has in `load_scenes`; the label is still the class of its largest object.
    Raises UnknownName or CluscamError for bad arguments.
    """
    n = BADGES_N if n is None else n
    _check(part, n, seed, setting)
    chosen = (i for i in count() if not has_badge_class(scene_at(i, seed, part, setting)))
    ids = (_image_id("badge", part, seed, setting, i) for i in islice(chosen, n))
    return Samples("badges", ids, SCENE_CLASSES, scene_sample)


def scene_sample(image_id: str) -> Sample:
    """The sample of an id that `load_scenes` or `load_badges` gave. Raises CluscamError for any other."""
    kind, part, seed, setting, number = [*image_id.split("-"), "", "", "", ""][:5]
    if kind not in KINDS or not seed.isdecimal() or not number.isdecimal():
        raise CluscamError(f"{image_id!r} is not the id of an icon scene; take one from the ids of the data set")
    scene = scene_at(int(number), int(seed), part, setting)
    if kind == "badge":
        scene = with_badge(scene)
    boxes = tuple(as_box(object_box(scene, k)) for k in range(len(scene.objects)))
    return Sample(image_id, render(scene), scene_label(scene), boxes, scene.size, scene.size, scene)


def _check(part: str, n: int, seed: int, setting: str | None) -> None:
    check_known("part", part, SPLITS)
    if setting is not None and setting not in SETTINGS:
        raise unknown("scene setting", setting, SETTINGS)
    check_count(n)
    scene_seed(seed, n - 1, part)  # raises for a bad seed


def _image_id(kind: str, part: str, seed: int, setting: str | None, i: int) -> str:
    return f"{kind}-{part}-{seed}-{setting or SETTINGS[i % len(SETTINGS)]}-{i:05d}"
