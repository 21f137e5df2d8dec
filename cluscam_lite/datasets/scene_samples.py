"""The icon scenes as a data set."""

from functools import partial

from ..errors import unknown
from .sample import Sample, Samples, check_count
from .scenes import SCENE_CLASSES, SETTINGS, SPLITS, object_box, render, scene_at, scene_label, scene_seed

DEFAULT_N = 100


def load_scenes(part: str = "test", n: int | None = None, seed: int = 0, setting: str | None = None) -> Samples:
    """The first `n` scenes (default 100) of a part, "train" or "test", drawn when they are asked for.

    Without a `setting` ("single", "same", "different") the three take turns. The label is the class of the
    largest object; there is a box for each object. Raises UnknownName or CluscamError for bad arguments.
    """
    if part not in SPLITS:
        raise unknown("part", part, SPLITS)
    if setting is not None and setting not in SETTINGS:
        raise unknown("scene setting", setting, SETTINGS)
    n = DEFAULT_N if n is None else n
    check_count(n)
    scene_seed(seed, n - 1, part)  # raises for a bad seed
    numbers = {f"scene-{part}-{seed}-{setting or SETTINGS[i % len(SETTINGS)]}-{i:05d}": i for i in range(n)}
    return Samples("scenes", numbers, SCENE_CLASSES, partial(_read, numbers, part, seed, setting))


def _read(numbers: dict[str, int], part: str, seed: int, setting: str | None, image_id: str) -> Sample:
    scene = scene_at(numbers[image_id], seed, part, setting)
    boxes = tuple(tuple(map(float, object_box(scene, k))) for k in range(len(scene.objects)))
    return Sample(image_id, render(scene), scene_label(scene), boxes, scene.size, scene.size, scene)
