"""Icon scenes: ten classes of glyphs on textured backgrounds, generated from a seed.

A scene is a list of objects, so it knows what no photograph does: the exact mask of every object, and what
the image looks like without it (``render(scene, without=k)``). Three settings follow the paper's qualitative
figures: one object, several of one class, objects of different classes.
"""

import colorsys
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from PIL import Image

from ...errors import CluscamError, check_known
from .drawing import Background, Colour, Icon, paint, paint_background, placed, stencil, to_image

GLYPHS = {
    "aeroplane": "\N{AIRPLANE}",
    "umbrella": "\N{UMBRELLA}",
    "anchor": "\N{ANCHOR}",
    "telephone": "\N{BLACK TELEPHONE}",
    "scissors": "\N{BLACK SCISSORS}",
    "cup": "\N{HOT BEVERAGE}",
    "knight": "\N{BLACK CHESS KNIGHT}",
    "skull": "\N{SKULL AND CROSSBONES}",
    "note": "\N{BEAMED EIGHTH NOTES}",
    "cat": "\N{CAT FACE}",
}
SCENE_CLASSES = tuple(GLYPHS)
SETTINGS = ("single", "same", "different")
SPLITS = ("train", "test")
DISTRACTORS = (
    "\N{BLACK HEART SUIT}\N{BLACK SPADE SUIT}\N{BLACK STAR}\N{BLACK CLUB SUIT}\N{BLACK DIAMOND SUIT}"
    "\N{CLOUD}\N{LAST QUARTER MOON}\N{BLACK CIRCLE}\N{WHITE CIRCLE}\N{BLACK SQUARE}\N{WHITE SQUARE}"
    "\N{BLACK UP-POINTING TRIANGLE}\N{WHITE UP-POINTING TRIANGLE}RK5&?Z"
)

BASE = 96  # the side in pixels at which scenes are laid out; other sizes are enlargements of that layout
SIZES = {"single": (0.32, 0.50), "same": (0.24, 0.35), "different": (0.24, 0.35)}  # fractions of the side
GAP = 2  # pixels at BASE between the boxes of two objects, and between a box and the border
TURN = 35.0  # degrees: an object's largest rotation either way
SMALLEST = 32  # pixels: below this side the glyphs are no longer drawn well


Thing = TypeVar("Thing", bound=Icon)


@dataclass(frozen=True)
class SceneObject(Icon):
    """An object of class ``SCENE_CLASSES[label]``; see :class:`Icon` for its pose and colours."""

    label: int = 0


@dataclass(frozen=True)
class Scene:
    """A picture as a list of things: background, `distractors`, `objects`, `badges`, drawn in that order.

    `make_scene` gives no badge; :func:`~cluscam_lite.datasets.scenes.badges.with_badge` adds one.
    """

    seed: int
    setting: str
    size: int
    objects: tuple[SceneObject, ...]
    distractors: tuple[Icon, ...]
    background: Background
    badges: tuple[Icon, ...] = ()


def make_scene(seed: int, setting: str = "single", size: int = BASE) -> Scene:
    """A scene, the same for the same arguments. Boxes of objects do not overlap.

    Args:
        seed: a whole number of at least 0.
        setting: "single" (one object), "same" (two or three of one class), or "different" (two or three classes, one
            object each).
        size: side in pixels, at least 32; another size is the same picture enlarged.

    Raises:
        CluscamError: a bad seed, setting or size.
    """
    check_known("scene setting", setting, SETTINGS)
    _check_whole("a scene's seed", seed, 0)
    _check_whole("a scene's size in pixels", size, SMALLEST)
    rng = np.random.default_rng((int(seed), SETTINGS.index(setting)))
    background = _background(rng)
    ground = (_luminance(background.start) + _luminance(background.end)) / 2
    if setting == "single":
        labels = rng.choice(len(SCENE_CLASSES), 1)
    elif setting == "same":
        labels = np.repeat(rng.choice(len(SCENE_CLASSES), 1), rng.integers(2, 4))
    else:
        labels = rng.choice(len(SCENE_CLASSES), rng.integers(2, 4), replace=False)
    objects = _arrange([_object(rng, int(label), SIZES[setting], ground) for label in labels], rng)
    distractors = [_distractor(rng, ground) for _ in range(rng.integers(4, 9))]
    return Scene(
        seed=int(seed),
        setting=setting,
        size=int(size),
        objects=tuple(_enlarged(thing, size / BASE) for thing in objects),
        distractors=tuple(_enlarged(thing, size / BASE) for thing in distractors),
        background=background,
    )


def render(scene: Scene, without: int | None = None) -> Image.Image:
    """The scene as an RGB image.

    Args:
        scene: from `make_scene`.
        without: number of an object to leave out; no pixel outside its mask changes.

    Raises:
        CluscamError: there is no such object.
    """
    if without is not None:
        _check_object(scene, without)
    canvas = paint_background(scene.background, scene.size)  # (size, size, 3)
    for distractor in scene.distractors:
        paint(canvas, distractor)
    for k, thing in enumerate(scene.objects):
        if k != without:
            paint(canvas, thing)
    for badge in scene.badges:
        paint(canvas, badge)
    return to_image(canvas)


def object_mask(scene: Scene, k: int) -> np.ndarray:
    """Where object k is painted, enclosed parts included: (size, size) bool. Raises CluscamError if there
    is no object k.
    """
    _check_object(scene, k)
    mask = np.zeros((scene.size, scene.size), dtype=bool)
    alpha, rows, columns = placed(scene.objects[k], scene.size)
    mask[rows, columns] = alpha[..., 1] > 0
    return mask


def object_box(scene: Scene, k: int) -> tuple[int, int, int, int]:
    """The tight box (xmin, ymin, xmax, ymax) of object k's mask in pixels, the maxima exclusive."""
    _check_object(scene, k)
    _, rows, columns = placed(scene.objects[k], scene.size)  # stencils are cropped to their mask
    return columns.start, rows.start, columns.stop, rows.stop


def scene_label(scene: Scene) -> int:
    """The class of the largest object (of its longest side; the first of equals)."""
    return max(scene.objects, key=lambda thing: thing.size).label


def scene_seed(seed: int, i: int, split: str = "test") -> int:
    """The seed of scene `i` of a collection; no two of (seed, i, split) share one: splits never overlap."""
    check_known("split of the scenes", split, SPLITS)
    _check_whole("the seed of the scenes", seed, 0)
    _check_whole("the number of a scene", i, 0)
    if i >= 1 << 31:
        raise CluscamError(f"there are only 2^31 scenes to a seed, got number {i}; choose another seed")
    return 2 * ((int(seed) << 31) + int(i)) + SPLITS.index(split)


def scene_at(i: int, seed: int = 0, split: str = "test", setting: str | None = None, size: int = BASE) -> Scene:
    """Scene `i` of the collection `seed`, `split`; without a `setting` the three take turns."""
    return make_scene(scene_seed(seed, i, split), setting or SETTINGS[i % len(SETTINGS)], size)


def _object(rng: np.random.Generator, label: int, sizes: tuple[float, float], ground: float) -> SceneObject:
    """An object at no place yet, its ink in clear contrast to the ground, its fill to the ink."""
    ink = _colour(rng, ground, 0.4, 1.0)
    return SceneObject(
        glyph=GLYPHS[SCENE_CLASSES[label]],
        x=0.0,
        y=0.0,
        size=float(rng.uniform(*sizes) * BASE),
        angle=float(rng.uniform(-TURN, TURN)),
        mirrored=bool(rng.integers(2)),
        ink=ink,
        fill=_colour(rng, _luminance(ink), 0.42, 1.0),
        label=label,
    )


def _distractor(rng: np.random.Generator, ground: float) -> Icon:
    """Something that is not an object: smaller, fainter, anywhere."""
    x, y = rng.uniform(0.04 * BASE, 0.96 * BASE, 2)
    return Icon(
        glyph=str(rng.choice(list(DISTRACTORS))),
        x=float(x),
        y=float(y),
        size=float(rng.uniform(0.06, 0.14) * BASE),
        angle=float(rng.uniform(-180, 180)),
        mirrored=False,
        ink=_colour(rng, ground, 0.08, 0.2),
    )


def _arrange(objects: list[SceneObject], rng: np.random.Generator) -> list[SceneObject]:
    """Give every object a random place so that no two boxes meet; start over, a little smaller, if stuck."""
    boxes: list[tuple[float, float, float, float]] = []
    for k, thing in enumerate(objects):
        height, width = stencil(thing.glyph, thing.size, thing.angle, thing.mirrored).shape[:2]
        for _ in range(60):
            left = float(rng.uniform(GAP, BASE - GAP - width))
            top = float(rng.uniform(GAP, BASE - GAP - height))
            box = (left - GAP, top - GAP, left + width + GAP, top + height + GAP)
            if not any(_meet(box, other) for other in boxes):
                break
        else:
            return _arrange([replace(thing, size=0.96 * thing.size) for thing in objects], rng)
        boxes.append(box)
        objects[k] = replace(thing, x=left + width / 2, y=top + height / 2)
    return objects


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _background(rng: np.random.Generator) -> Background:
    hue, saturation, value = rng.uniform(0, 1), rng.uniform(0.1, 0.5), rng.uniform(0.25, 0.95)
    end_hue = (hue + rng.uniform(-0.15, 0.15)) % 1
    end_value = min(max(value + rng.uniform(-0.15, 0.15), 0.2), 1)
    return Background(
        seed=int(rng.integers(1 << 32)),
        start=colorsys.hsv_to_rgb(hue, saturation, value),
        end=colorsys.hsv_to_rgb(end_hue, saturation, end_value),
        direction=float(rng.uniform(0, 2 * np.pi)),
        roughness=float(rng.uniform(0.02, 0.045)),
    )


def _colour(rng: np.random.Generator, other: float, least: float, most: float) -> Colour:
    """A random colour whose luminance differs from `other` by `least` to `most` (all in [0, 1])."""
    while True:
        hue, saturation, value = rng.uniform(0, 1), rng.uniform(0.1, 1), rng.uniform(0.05, 1)
        colour = colorsys.hsv_to_rgb(hue, saturation, value)
        if least <= abs(_luminance(colour) - other) <= most:
            return colour


def _luminance(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _enlarged(icon: Thing, factor: float) -> Thing:
    return replace(icon, x=icon.x * factor, y=icon.y * factor, size=icon.size * factor)


def _check_object(scene: Scene, k: int) -> None:
    n = len(scene.objects)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 0 <= k < n:
        raise CluscamError(f"the scene has no object {k!r}; choose a whole number from 0 to {n - 1}")


def _check_whole(what: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise CluscamError(f"{what} must be a whole number of at least {least}, got {number!r}")
