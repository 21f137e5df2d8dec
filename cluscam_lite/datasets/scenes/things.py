"""The things of an icon scene: all that can be taken out of the picture, to see what it does to a logit.

Things are numbered: objects first (thing k is object k), then distractors, then badges. A thing shows only where
nothing that is drawn later lies on it, so what leaving it out changes is its *visible* mask.
"""

from dataclasses import replace

import numpy as np

from ...errors import CluscamError
from .drawing import Icon, placed
from .scene import Scene

FIELDS = {"object": "objects", "distractor": "distractors", "badge": "badges"}  # kind -> where a scene keeps it
DRAWN = ("distractor", "object", "badge")  # the order in which `render` paints


def things(scene: Scene) -> tuple[Icon, ...]:
    """All things of a scene: objects, distractors, badges."""
    return tuple(icon for field in FIELDS.values() for icon in getattr(scene, field))


def thing_kinds(scene: Scene) -> tuple[str, ...]:
    """What each thing is: "object", "distractor" or "badge"."""
    return tuple(kind for kind, field in FIELDS.items() for _ in getattr(scene, field))


def without_thing(scene: Scene, k: int) -> Scene:
    """The scene without thing k, all else as it was. Raises CluscamError if there is no thing k."""
    kind, i = _find(scene, k)
    icons = getattr(scene, FIELDS[kind])
    return replace(scene, **{FIELDS[kind]: icons[:i] + icons[i + 1 :]})


def painted_mask(scene: Scene, k: int) -> np.ndarray:
    """The pixels that thing k is painted on, hidden ones included: (size, size) bool.

    Parts that the ink encloses count where they are filled. Raises CluscamError if there is no thing k.
    """
    _find(scene, k)
    return _painted(things(scene)[k], scene.size)


def visible_mask(scene: Scene, k: int) -> np.ndarray:
    """The pixels of thing k on which nothing is painted later: (size, size) bool; there may be none.

    Raises CluscamError if there is no thing k.
    """
    kind, i = _find(scene, k)
    above = list(getattr(scene, FIELDS[kind])[i + 1 :])
    above += [icon for later in DRAWN[DRAWN.index(kind) + 1 :] for icon in getattr(scene, FIELDS[later])]
    mask = painted_mask(scene, k)
    for icon in above:
        mask &= ~_painted(icon, scene.size)
    return mask


def _painted(icon: Icon, size: int) -> np.ndarray:
    mask = np.zeros((size, size), dtype=bool)
    alpha, rows, columns = placed(icon, size)  # (h, w, 2): ink, silhouette
    mask[rows, columns] = alpha[..., 1 if icon.fill is not None else 0] > 0
    return mask


def _find(scene: Scene, k: int) -> tuple[str, int]:
    """The kind of thing k, and its number among its kind."""
    kinds = thing_kinds(scene)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 0 <= k < len(kinds):
        raise CluscamError(f"the scene has no thing {k!r}; choose a whole number from 0 to {len(kinds) - 1}")
    return kinds[k], int(k) - kinds.index(kinds[k])
