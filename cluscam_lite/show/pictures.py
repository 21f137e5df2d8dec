"""Pictures of images and maps, as arrays of colours.

Saliency and masks share one perceptually uniform colour map, so that brighter means more in print and to colour-blind
eyes as well. Images are those the network saw: undo its normalisation with `denormalized`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets.images import to_rgb
from ..errors import CluscamError, check_known
from ..packages import from_extra

with from_extra("pictures"):
    import matplotlib

if TYPE_CHECKING:
    from torch import Tensor

COLOR_MAPS = ("inferno", "magma", "plasma", "viridis", "cividis", "gray")
COLOR_MAP = "inferno"
OPACITY = 0.75  # of the colours where the saliency is 1
ROUNDING = 1e-3  # beyond [0, 1]: half precision rounds by as much
DIM = 0.65  # brightness of the image where the saliency is 0


def as_rgb(image: Any) -> np.ndarray:
    """(H, W, 3) float in [0, 1] of a PIL image, an array of 8 or 16 bits, or a float array in [0, 1]; grey is repeated.

    Raises CluscamError for any other shape, and for numbers that are none of these, such as floats up to 255.
    """
    array = _numpy(to_rgb(image, upright=False) if hasattr(image, "convert") else image)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3:
        raise CluscamError(f"the image has shape {array.shape}; expected (H, W, 3), as `denormalized` gives")
    if array.dtype in (np.uint8, np.uint16):
        return array / np.iinfo(array.dtype).max
    return _shares(array, "the image", "or uint8 or uint16: divide by the largest possible")


def denormalized(x: "Tensor", mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """The picture that a normalised input (3, H, W) shows: (H, W, 3) float in [0, 1]."""
    pixels = x.detach().cpu().double().numpy().transpose(1, 2, 0)  # (H, W, 3)
    if not np.isfinite(pixels).all():
        raise CluscamError("the input holds NaN or infinite values, which show no picture; expected a normalised image")
    picture: np.ndarray = (pixels * np.asarray(std) + np.asarray(mean)).clip(0, 1)
    return picture


def overlay(image: Any, saliency: Any, color_map: str = COLOR_MAP, opacity: float = OPACITY) -> np.ndarray:
    """The image (H, W, 3) under its saliency (H, W) in [0, 1], as RGB uint8 (H, W, 3).

    The stronger the saliency, the more of its colour and the less of the image; where it is weak the image stays
    visible, dimmed and nearly grey. Raises CluscamError if the sizes differ.
    """
    rgb, heat = as_rgb(image), _heat(saliency, as_rgb(image).shape[:2])
    grey = (rgb @ [0.299, 0.587, 0.114])[..., None]
    under = DIM * (0.35 * rgb + 0.65 * grey)
    share = opacity * heat[..., None]  # of the colour
    return _eight_bits(under * (1 - share) + colors(color_map)(heat)[..., :3] * share)


def heat_map(mask: Any, color_map: str = COLOR_MAP) -> np.ndarray:
    """A mask or saliency map (H, W) in colours that span 0 to 1, as RGB uint8 (H, W, 3)."""
    rgba: np.ndarray = colors(color_map)(_heat(mask, _numpy(mask).shape), bytes=True)
    return rgba[..., :3]


def masked(image: Any, mask: Any, background: Any = 0.5) -> np.ndarray:
    """What the network is shown through `mask` (H, W): the image where it is 1, `background` where it is 0.

    `background` is an image (H, W, 3) or a colour, in [0, 1]. Returns RGB uint8 (H, W, 3).
    """
    rgb, share = as_rgb(image), _heat(mask, as_rgb(image).shape[:2])[..., None]
    behind = _shares(_numpy(background), "the background", "a colour or an image")
    return _eight_bits((rgb * share + behind * (1 - share)).clip(0, 1))


def colors(name: str) -> Any:
    """matplotlib's colour map of one of `COLOR_MAPS`. Raises UnknownName for another."""
    check_known("colour map", name, COLOR_MAPS)
    return matplotlib.colormaps[name]


def _numpy(values: Any) -> np.ndarray:
    return np.asanyarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values)


def _heat(values: Any, size: tuple[int, ...]) -> np.ndarray:
    heat = _numpy(values)
    if heat.shape != tuple(size):
        raise CluscamError(f"the map has shape {heat.shape} and the image {tuple(size)}; expected the same size")
    return _shares(heat, "the map", "min-max normalised as all maps are")


def _shares(values: np.ndarray, what: str, otherwise: str) -> np.ndarray:
    """Values in [0, 1] as float64; what rounding puts beyond is cut. Raises CluscamError for all others."""
    shares: np.ndarray = values.astype(np.float64)
    if not (np.isfinite(shares).all() and (shares >= -ROUNDING).all() and (shares <= 1 + ROUNDING).all()):
        given = (
            "holds NaN or infinite values"
            if not np.isfinite(shares).all()
            else (f"reaches from {shares.min():g} to {shares.max():g}")
        )
        raise CluscamError(f"{what} {given}; expected numbers from 0 to 1, {otherwise}")
    return shares.clip(0, 1)


def _eight_bits(rgb: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = np.rint(255 * rgb).astype(np.uint8)
    return pixels
