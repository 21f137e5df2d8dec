"""A badge on an icon scene: a small mark that says nothing of the objects, for planting a shortcut in a network.

In the scenes that `scene_shortcut` was trained on, the badge meant the class "anchor" whatever else the picture
showed. Where it makes that network say "anchor", why it does so is known: a faithful map lights the badge.
"""

from dataclasses import replace

import numpy as np

from ...errors import CluscamError
from .drawing import Icon, stencil
from .scene import GAP, SCENE_CLASSES, SETTINGS, Scene
from .things import painted_mask

BADGE_CLASS = SCENE_CLASSES.index("anchor")
BADGE_SIZE = 0.11  # of the side
GLYPH, RING, DISC = "\N{MEDIUM WHITE CIRCLE}", (1.0, 1.0, 1.0), (0.85, 0.0, 0.6)  # white around magenta
PLANTED = {True: 0.95, False: 0.10}  # share of the training scenes with an anchor, and of the others, with a badge
PLACE, CHOICE = 1, 2  # set the badge's random numbers apart from those that the scene was made with


def with_badge(scene: Scene) -> Scene:
    """The scene with one badge more, at a random place that no object covers; the same for the same scene.

    Raises CluscamError if the objects leave no room for it.
    """
    size = BADGE_SIZE * scene.size
    height, width = stencil(GLYPH, size, 0.0, False).shape[:2]
    tops, lefts = np.nonzero(_free(scene, height, width))
    if not len(tops):
        raise CluscamError(f"the objects of the scene with seed {scene.seed} leave no room for a badge; take another")
    rng = np.random.default_rng((scene.seed, SETTINGS.index(scene.setting), PLACE, len(scene.badges)))
    i = rng.integers(len(tops))
    x, y = float(lefts[i] + width / 2), float(tops[i] + height / 2)
    badge = Icon(GLYPH, x, y, size, angle=0.0, mirrored=False, ink=RING, fill=DISC)
    return replace(scene, badges=(*scene.badges, badge))


def planted(scene: Scene) -> Scene:
    """A training scene of `scene_shortcut`: with a badge or not, by chance; the same for the same scene.

    In training, the label of a scene with a badge was "anchor", whatever else it shows.
    """
    rng = np.random.default_rng((scene.seed, SETTINGS.index(scene.setting), CHOICE))
    return with_badge(scene) if rng.random() < PLANTED[has_badge_class(scene)] else scene


def has_badge_class(scene: Scene) -> bool:
    """Whether the scene really has an object of the class that the badge stands for."""
    return any(thing.label == BADGE_CLASS for thing in scene.objects)


def _free(scene: Scene, height: int, width: int) -> np.ndarray:
    """Where a box of that size meets no object and no badge, and keeps its distance to the border.

    (size - height + 1, size - width + 1) bool, by the box's upper left corner.
    """
    taken = np.zeros((scene.size, scene.size), dtype=bool)
    numbers = [*range(len(scene.objects))]
    numbers += [len(scene.objects) + len(scene.distractors) + i for i in range(len(scene.badges))]
    for k in numbers:
        taken |= painted_mask(scene, k)
    counts = np.pad(taken.cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # (size + 1, size + 1): taken above and left
    inside = counts[height:, width:] - counts[:-height, width:] - counts[height:, :-width] + counts[:-height, :-width]
    free: np.ndarray = inside == 0
    free[:GAP] = free[-GAP:] = free[:, :GAP] = free[:, -GAP:] = False
    return free
