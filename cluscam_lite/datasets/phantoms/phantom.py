"""Brain phantoms: drawn axial slices of a head in four grades of widened ventricles and sulci.

They are no model of a disease. They stand in for the Alzheimer slices, which may not be published, and know what no
scan does: the same brain at another grade, and so the exact pixels on which the grade depends.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ...errors import CluscamError, check_known
from .anatomy import Anatomy, neighbouring, random_anatomy
from .drawing import draw, inside_head

PHANTOM_CLASSES = ("none", "slight", "clear", "marked")  # how far ventricles and sulci are widened
GRADES = len(PHANTOM_CLASSES)
PARTS = ("train", "validation", "test")
SIZE = 128  # pixels, height and width
SPREAD = 0.38  # widening is the grade and up to this much more or less: grades come close, but do not meet
VISIBLE = 8  # grey levels of 255 by which a pixel has to change to belong to the mask


@dataclass(frozen=True)
class Phantom:
    """A head at a grade, with `more` widening than the grade's middle (less, if negative)."""

    anatomy: Anatomy
    grade: int
    more: float = 0.0

    @property
    def widening(self) -> float:
        """What is drawn: the grade and a little more or less, never below none."""
        return max(0.0, self.grade + self.more)


def make_phantom(seed: int, grade: int) -> Phantom:
    """A phantom, the same for the same arguments. Raises CluscamError for a bad seed or grade."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise CluscamError(f"a phantom's seed must be a whole number of at least 0, got {seed!r}")
    _check_grade(grade)
    more = float(np.random.default_rng((int(seed), 3)).uniform(-SPREAD, SPREAD))
    return Phantom(random_anatomy(int(seed)), int(grade), more)


def at_grade(phantom: Phantom, grade: int) -> Phantom:
    """The same brain at another grade, as far from its middle as it was: what would have made it that class."""
    _check_grade(grade)
    return replace(phantom, grade=int(grade))


def neighbour(phantom: Phantom, steps: int) -> Phantom:
    """The same brain and grade `steps` slices higher or lower, as neighbouring slices of one scan are."""
    return replace(phantom, anatomy=neighbouring(phantom.anatomy, steps))


def phantom_pixels(phantom: Phantom, size: int = SIZE) -> np.ndarray:
    """The slice, (size, size) uint8."""
    return draw(phantom.anatomy, phantom.widening, size)


def render_phantom(phantom: Phantom, size: int = SIZE) -> Image.Image:
    """The slice as an RGB image of three equal channels."""
    return Image.fromarray(phantom_pixels(phantom, size)).convert("RGB")


def grade_mask(phantom: Phantom, size: int = SIZE) -> np.ndarray:
    """What differs between grades: the pixels that any two grades of this brain draw differently.

    (size, size) bool; `VISIBLE` grey levels count as a difference. The same for every grade of one brain.
    """
    grades = np.stack([phantom_pixels(at_grade(phantom, grade), size) for grade in range(GRADES)])  # (4, size, size)
    mask: np.ndarray = np.ptp(grades.astype(int), axis=0) >= VISIBLE
    return mask


def head_mask(phantom: Phantom, size: int = SIZE) -> np.ndarray:
    """Where the head is, skull and scalp included, (size, size) bool."""
    return inside_head(phantom.anatomy, size)


def phantom_seed(seed: int, i: int, part: str = "test") -> int:
    """The seed of phantom `i` of a collection; no two of (seed, i, part) share one: parts never overlap."""
    check_known("part of the phantoms", part, PARTS)
    for what, number in (("the seed of the phantoms", seed), ("the number of a phantom", i)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 0 <= number < 1 << 28:
            raise CluscamError(f"{what} must be a whole number from 0 to {(1 << 28) - 1}, got {number!r}")
    return len(PARTS) * ((int(seed) << 28) + int(i)) + PARTS.index(part)


def phantom_at(i: int, seed: int = 0, part: str = "test") -> Phantom:
    """Phantom `i` of the collection `seed`, `part`; the grades take turns."""
    return make_phantom(phantom_seed(seed, i, part), int(i) % GRADES)


def _check_grade(grade: object) -> None:
    if isinstance(grade, bool) or not isinstance(grade, int | np.integer) or not 0 <= grade < GRADES:
        raise CluscamError(f"a phantom's grade is a whole number from 0 to {GRADES - 1}, got {grade!r}")
