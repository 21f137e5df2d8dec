"""Drawing a brain phantom: ellipses, slits and soft edges in the head's own coordinates, then texture and noise."""

import numpy as np

from .anatomy import CSF, GREY_MATTER, SCALP, SKULL, WHITE_MATTER, Anatomy

RIM = 0.86  # where the brain ends when nothing has shrunk; 1 is the outline of the head
SOFT = 1.2  # pixels over which one tissue turns into the next
BLUR = 12  # cells across of the smooth texture


def draw(anatomy: Anatomy, widening: float, size: int) -> np.ndarray:
    """The slice as (size, size) uint8. `widening` (0 none, 3 marked) moves the borders of fluid, and nothing else.

    Texture, shading and noise depend on the anatomy alone, so that two drawings of one brain differ exactly where
    fluid has taken the place of tissue.
    """
    u, v = _coordinates(anatomy, size)  # (size, size) each, of the head's half axes
    radius = np.hypot(u, v)
    edge = 2 * SOFT / size / min(anatomy.half_axes)  # SOFT pixels in the head's coordinates
    values = np.zeros((size, size), dtype=np.float32)
    values = _over(values, SCALP, _inside(1 - radius, edge))
    values = _over(values, SKULL, _inside(0.95 - radius, edge))
    values = _over(values, CSF, _inside(0.90 - radius, edge))
    brain = RIM - 0.018 * widening - radius
    values = _over(values, GREY_MATTER, _inside(brain, edge))
    angle = np.arctan2(v, u)
    ribbon = 0.10 + sum(a * np.cos(k * angle + phase) for k, a, phase in anatomy.folds)
    values = _over(values, WHITE_MATTER, _inside(np.minimum(RIM - radius - ribbon, brain), 2 * edge))
    for x, y, half_width, half_height in anatomy.nuclei:
        values = _over(values, GREY_MATTER, _inside(_ellipse(u, v, x, y, half_width, half_height, 0.0), 2 * edge))
    for x, y, spot, shade in anatomy.spots:
        values = _over(values, shade, _inside(_ellipse(u, v, x, y, spot, spot, 0.0), edge))
    fluid = _sulci(anatomy, u, v, radius, angle, widening, edge)
    fluid = np.maximum(fluid, _ventricles(anatomy, u, v, widening, edge)) * _inside(brain, edge)
    values = _over(values, CSF, fluid)
    return _finish(anatomy, values, radius, size)


def inside_head(anatomy: Anatomy, size: int) -> np.ndarray:
    """The pixels within the head's outline, (size, size) bool."""
    u, v = _coordinates(anatomy, size)
    inside: np.ndarray = np.hypot(u, v) <= 1
    return inside


def _coordinates(anatomy: Anatomy, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each pixel: u to the right and v downwards in the turned head, 1 at its outline."""
    at = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    x, y = np.meshgrid(at - anatomy.centre[0], at - anatomy.centre[1])
    c, s = np.cos(anatomy.tilt), np.sin(anatomy.tilt)
    return (c * x + s * y) / anatomy.half_axes[0], (c * y - s * x) / anatomy.half_axes[1]


def _sulci(
    anatomy: Anatomy,
    u: np.ndarray,
    v: np.ndarray,
    radius: np.ndarray,
    angle: np.ndarray,
    widening: float,
    edge: float,
) -> np.ndarray:
    """Slits that run inwards from the surface, and the two fissures between the halves: how much of each pixel."""
    found = _inside((0.009 + 0.006 * widening) * anatomy.sulcal_width - np.abs(u), edge)
    found = found * (np.abs(v) > anatomy.callosum)  # the halves are joined in the middle
    at, depth, width = (np.array(column, dtype=np.float32) for column in zip(*anatomy.sulci, strict=True))
    n = len(at)
    nearest = np.round(angle * (n / (2 * np.pi))).astype(int) % n  # sulci stand at nearly equal distances
    away = np.abs((angle - at[nearest] + np.pi) % (2 * np.pi) - np.pi) * radius
    tapered = np.clip((radius - RIM) / depth[nearest] + 1, 0, 1)  # 0 at the bottom, 1 at the surface
    half = (0.006 + 0.011 * widening) * anatomy.sulcal_width * width[nearest] * tapered
    slits: np.ndarray = np.maximum(found, _inside(half - away, edge) * (tapered > 0))
    return slits


def _ventricles(anatomy: Anatomy, u: np.ndarray, v: np.ndarray, widening: float, edge: float) -> np.ndarray:
    """Two horns on either side, each an ellipse that leans outwards, and a slit between them."""
    wide = anatomy.ventricular_width * (1 + 0.42 * widening)
    tall = anatomy.ventricular_height * (1 + 0.10 * widening)
    found = _inside(_ellipse(u, v, 0.0, 0.04, 0.014 * wide, 0.09, 0.0), edge)
    for side, slant in ((-1, anatomy.asymmetry), (1, 1 / anatomy.asymmetry)):
        # the inner border stays where it is: a ventricle grows outwards
        front = _ellipse(u, v, side * (0.05 + 0.045 * wide), -0.20, 0.045 * wide * slant, 0.17 * tall, -0.35 * side)
        back = _ellipse(u, v, side * (0.10 + 0.040 * wide), 0.21, 0.040 * wide * slant, 0.16 * tall, 0.45 * side)
        found = np.maximum(found, np.maximum(_inside(front, edge), _inside(back, edge)))
    return found


def _ellipse(
    u: np.ndarray, v: np.ndarray, x: float, y: float, half_width: float, half_height: float, lean: float
) -> np.ndarray:
    """Signed distance to an ellipse, roughly, positive within."""
    c, s = np.cos(lean), np.sin(lean)
    across, along = c * (u - x) + s * (v - y), c * (v - y) - s * (u - x)
    distance: np.ndarray = (1 - np.hypot(across / half_width, along / half_height)) * min(half_width, half_height)
    return distance


def _inside(distance: np.ndarray, edge: float) -> np.ndarray:
    """How much of a pixel is within, 0 to 1, from its signed distance to the border."""
    share: np.ndarray = np.clip(distance / edge + 0.5, 0, 1)
    return share


def _over(values: np.ndarray, shade: float, cover: np.ndarray) -> np.ndarray:
    covered: np.ndarray = values + (shade - values) * cover
    return covered


def _finish(anatomy: Anatomy, values: np.ndarray, radius: np.ndarray, size: int) -> np.ndarray:
    """Smooth texture, uneven brightness and grain, as a scanner leaves them; black around the head."""
    rng = np.random.default_rng((anatomy.seed, 1))
    texture = _upsampled(rng.standard_normal((BLUR, BLUR)), size)
    slope = np.linspace(-1, 1, size)
    shading = 1 + anatomy.shading[0] * slope[None, :] + anatomy.shading[1] * slope[:, None]
    grain = rng.standard_normal((size, size)) * anatomy.noise
    values = values * shading * (1 + 0.05 * texture) * anatomy.brightness
    values = np.abs(values + grain * (radius < 1.02))  # a magnitude image
    grey: np.ndarray = np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return grey


def _upsampled(cells: np.ndarray, size: int) -> np.ndarray:
    """(n, n) to (size, size), linear along both axes."""
    n = len(cells)
    at = np.linspace(0, n - 1, size)
    low = np.minimum(at.astype(int), n - 2)
    share = at - low
    rows = cells[low] * (1 - share)[:, None] + cells[low + 1] * share[:, None]
    full: np.ndarray = rows[:, low] * (1 - share) + rows[:, low + 1] * share
    return full
