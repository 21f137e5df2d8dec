"""Grey images and colour images: neither is taken for the other without a word."""

import numpy as np
from PIL import Image

from ..errors import CluscamError


def grey_pixels(image: Image.Image, name: str = "the image") -> np.ndarray:
    """The (H, W) uint8 pixels of a grey image, or of a colour image whose channels are equal.

    Raises CluscamError for any other image: it shows colours, where scans of grey are expected.
    """
    pixels = np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    if pixels.ndim == 2:
        return pixels
    if (pixels[..., 0] != pixels[..., 1]).any() or (pixels[..., 0] != pixels[..., 2]).any():
        raise CluscamError(
            f"{name} is in colour, but grey slices were expected; convert it with image.convert('L') if its colours "
            "mean nothing"
        )
    return pixels[..., 0]


def colour_image(pixels: np.ndarray, name: str = "the image") -> Image.Image:
    """Grey pixels (H, W) uint8 as an RGB image of three equal channels, as networks for photographs expect.

    Raises CluscamError for pixels of another shape or type.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise CluscamError(
            f"{name} is {pixels.dtype} {pixels.shape}, but one channel of 8 bits, (H, W) uint8, was expected; "
            "give a grey image"
        )
    return Image.fromarray(pixels).convert("RGB")
