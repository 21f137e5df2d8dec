"""The anatomy of a brain phantom: what differs from one head to the next, and nothing that a grade changes."""

from dataclasses import dataclass, replace

import numpy as np

# grey values, 0 to 1, in the order of a T1-weighted image: fluid dark, white matter bright
SCALP, SKULL, CSF, GREY_MATTER, WHITE_MATTER = 0.72, 0.10, 0.13, 0.48, 0.74
SULCI = (14, 19)  # fewest and one more than most


@dataclass(frozen=True)
class Anatomy:
    """One head in one slice. Lengths are in half axes of the head unless said otherwise; angles in radians.

    `half_axes` and `centre` are in half sides of the image. `folds` are (frequency, amplitude, phase) of the border
    of white matter; `sulci` (angle, depth, relative width); `nuclei` (x, y, half width, half height) and `spots`
    (x, y, radius, grey value) are of every grade alike. `ventricular_width`, `ventricular_height` and `sulcal_width`
    are how large this brain's are before any widening, 1 on average: brains differ.
    """

    seed: int
    half_axes: tuple[float, float]
    centre: tuple[float, float]
    tilt: float
    folds: tuple[tuple[int, float, float], ...]
    sulci: tuple[tuple[float, float, float], ...]
    callosum: float
    nuclei: tuple[tuple[float, float, float, float], ...]
    spots: tuple[tuple[float, float, float, float], ...]
    ventricular_width: float
    ventricular_height: float
    sulcal_width: float
    asymmetry: float
    brightness: float
    shading: tuple[float, float]
    noise: float


def random_anatomy(seed: int) -> Anatomy:
    """A head, the same for the same seed (a whole number of at least 0)."""
    rng = np.random.default_rng((seed, 0))
    uniform = rng.uniform
    n = int(rng.integers(*SULCI))
    angles = (np.arange(n) + uniform(-0.2, 0.2, n)) * 2 * np.pi / n
    sulci = tuple(
        (float(at), float(depth), float(width))
        for at, depth, width in zip(angles, uniform(0.14, 0.30, n), uniform(0.7, 1.3, n), strict=True)
    )
    folds = tuple((int(k), float(uniform(0.006, 0.016)), float(uniform(0, 2 * np.pi))) for k in (7, 11, 13, 17))
    shift = float(uniform(-0.01, 0.01))
    nuclei = tuple(
        (side * 0.20, 0.02 + shift, float(uniform(0.07, 0.09)), float(uniform(0.10, 0.13))) for side in (-1, 1)
    )
    spots = tuple(_spot(rng) for _ in range(int(rng.integers(0, 4))))
    return Anatomy(
        seed=seed,
        half_axes=(float(uniform(0.66, 0.74)), float(uniform(0.80, 0.88))),
        centre=(float(uniform(-0.04, 0.04)), float(uniform(-0.04, 0.04))),
        tilt=float(uniform(-0.10, 0.10)),
        folds=folds,
        sulci=sulci,
        callosum=float(uniform(0.38, 0.44)),
        nuclei=nuclei,
        spots=spots,
        ventricular_width=float(np.exp(rng.normal(0, 0.12))),
        ventricular_height=float(np.exp(rng.normal(0, 0.08))),
        sulcal_width=float(np.exp(rng.normal(0, 0.10))),
        asymmetry=float(np.exp(rng.normal(0, 0.08))),
        brightness=float(uniform(0.85, 1.1)),
        shading=(float(uniform(-0.12, 0.12)), float(uniform(-0.12, 0.12))),
        noise=float(uniform(0.02, 0.05)),
    )


def _spot(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A small bright or dark spot in the white matter: it says nothing of the grade."""
    at, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.42, 0.62)
    shade = float(rng.choice([0.30, 0.92]))
    return float(far * np.cos(at)), float(far * np.sin(at)), float(rng.uniform(0.025, 0.05)), shade


def neighbouring(anatomy: Anatomy, steps: int) -> Anatomy:
    """The same head `steps` slices higher (negative: lower): a little smaller or larger, its grain another.

    What makes a head itself (folds, sulci, spots, brightness, shading) stays: neighbours look alike.
    """
    grown = 1 - 0.008 * steps
    return replace(
        anatomy,
        seed=anatomy.seed if steps == 0 else hash_of(anatomy.seed, steps),
        half_axes=(anatomy.half_axes[0] * grown, anatomy.half_axes[1] * grown),
        ventricular_width=anatomy.ventricular_width * (1 - 0.015 * steps),
        ventricular_height=anatomy.ventricular_height * (1 - 0.02 * steps),
        sulci=tuple((at, depth * (1 - 0.015 * steps), width) for at, depth, width in anatomy.sulci),
    )


def hash_of(seed: int, steps: int) -> int:
    """A seed of its own for each slice of a head."""
    return int(np.random.SeedSequence((seed, 2, steps % (1 << 16))).generate_state(1, np.uint64)[0] >> 1)
