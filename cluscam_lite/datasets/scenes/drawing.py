"""Drawing for the icon scenes: glyphs of a font as stencils, coloured noise as background.

Everything is drawn in floating-point RGB in [0, 1] on an (H, W, 3) canvas and quantised once, at the end.
The font is the DejaVu Sans that matplotlib ships, so nothing is downloaded.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_fill_holes

from ...packages import from_extra

Colour = tuple[float, float, float]

MASTER = 160  # pixels: longest side of the glyph drawings from which all stencils are reduced
BORDER = 10  # empty pixels around a master, so that straight edges at its box stay smooth when turned
FAINT = 24 / 255  # opacity below which a stencil's pixel counts as untouched
OCTAVES = (3, 6, 12, 24, 48)  # cells per side of the background's noise grids


@dataclass(frozen=True)
class Icon:
    """One glyph in a scene. Lengths in pixels, angle in degrees counter-clockwise, colours RGB in [0, 1].

    `x`, `y` is the centre of the turned glyph's box, `size` the longest side of the box before turning.
    `fill` colours the parts that the ink encloses; None leaves them open.
    """

    glyph: str
    x: float
    y: float
    size: float
    angle: float
    mirrored: bool
    ink: Colour
    fill: Colour | None = None


@dataclass(frozen=True)
class Background:
    """A gradient between two colours, roughened by noise of the given amplitude at several scales."""

    seed: int
    start: Colour
    end: Colour
    direction: float
    roughness: float


@lru_cache(maxsize=1)
def font_path() -> Path:
    """The path of DejaVu Sans, found without importing matplotlib's plotting code."""
    with from_extra("pictures"):
        import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@lru_cache(maxsize=256)
def _master(glyph: str) -> Image.Image:
    """A glyph drawn large: its ink in the red channel, its silhouette with holes filled in the green."""
    font = ImageFont.truetype(str(font_path()), 2 * MASTER)
    left, top, right, bottom = font.getbbox(glyph)
    drawing = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(drawing).text((4 - left, 4 - top), glyph, font=font, fill=255)
    drawing = drawing.crop(drawing.getbbox())
    scale = MASTER / max(drawing.size)
    drawing = drawing.resize([max(1, round(side * scale)) for side in drawing.size], Image.Resampling.BOX)
    ink = np.pad(np.asarray(drawing), BORDER)
    silhouette = np.where(binary_fill_holes(ink > 127), 255, ink).astype(np.uint8)
    return Image.fromarray(np.stack([ink, silhouette, np.zeros_like(ink)], axis=-1))


@lru_cache(maxsize=512)
def stencil(glyph: str, size: float, angle: float, mirrored: bool) -> np.ndarray:
    """Opacity of a glyph's ink and silhouette, (h, w, 2) float32 in [0, 1], cropped to what is not zero."""
    master = _master(glyph)
    if mirrored:
        master = master.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    sides = [max(1, round(side * size / MASTER)) for side in master.size]
    small = master.resize(sides, Image.Resampling.BILINEAR, reducing_gap=2.0)
    turned = small.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    alpha = np.asarray(turned, dtype=np.float32)[..., :2] / 255
    alpha *= alpha[..., 1:] >= FAINT  # (h, w, 2), so that the mask is exactly where something is painted
    rows, columns = np.nonzero(alpha[..., 1].any(axis=1))[0], np.nonzero(alpha[..., 1].any(axis=0))[0]
    alpha = alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    alpha.setflags(write=False)  # it is cached
    return alpha


def placed(icon: Icon, canvas: int) -> tuple[np.ndarray, slice, slice]:
    """An icon's stencil, clipped to a square canvas, with the rows and columns that it covers there."""
    alpha = stencil(icon.glyph, icon.size, icon.angle, icon.mirrored)
    height, width = alpha.shape[:2]
    top, left = round(icon.y - height / 2), round(icon.x - width / 2)
    y0, y1 = max(top, 0), min(top + height, canvas)
    x0, x1 = max(left, 0), min(left + width, canvas)
    return alpha[y0 - top : y1 - top, x0 - left : x1 - left], slice(y0, y1), slice(x0, x1)


def paint(canvas: np.ndarray, icon: Icon) -> None:
    """Paint an icon on an (H, W, 3) canvas, in place; no pixel outside its stencil changes."""
    alpha, rows, columns = placed(icon, len(canvas))
    patch = canvas[rows, columns]
    if icon.fill is not None:
        patch += alpha[..., 1:] * (np.asarray(icon.fill, np.float32) - patch)
    patch += alpha[..., :1] * (np.asarray(icon.ink, np.float32) - patch)


def paint_background(background: Background, size: int) -> np.ndarray:
    """The canvas before any icon: (size, size, 3) float32. The same seed looks the same at every size."""
    rng = np.random.default_rng(background.seed)
    along = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    slope = np.add.outer(np.sin(background.direction) * along, np.cos(background.direction) * along) + 0.5
    start, end = np.asarray(background.start, np.float32), np.asarray(background.end, np.float32)
    noise = np.zeros((3, size, size), np.float32)
    for cells in OCTAVES:
        light = rng.standard_normal((1, cells, cells), dtype=np.float32)
        tint = rng.standard_normal((3, cells, cells), dtype=np.float32)
        up = _upsampling(cells, size)  # (size, cells)
        noise += up @ (light + 0.45 * tint) @ up.T  # (3, size, size)
    gradient = start + slope[..., None].astype(np.float32) * (end - start)  # (size, size, 3)
    canvas: np.ndarray = gradient + background.roughness * noise.transpose(1, 2, 0)
    return canvas


@lru_cache(maxsize=64)
def _upsampling(cells: int, size: int) -> np.ndarray:
    """Bicubic interpolation from `cells` to `size` samples as a matrix, (size, cells)."""
    identity = Image.fromarray(np.eye(cells, dtype=np.float32))
    return np.asarray(identity.resize((cells, size), Image.Resampling.BICUBIC))


def to_image(canvas: np.ndarray) -> Image.Image:
    """An RGB image of an (H, W, 3) canvas."""
    return Image.fromarray((canvas.clip(0, 1) * 255 + 0.5).astype(np.uint8))
