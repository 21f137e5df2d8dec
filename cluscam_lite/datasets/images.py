"""Opening any image as 8-bit RGB: turned upright, transparency on white, 16 bits scaled to 8."""

import os
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import BrokenImage, CluscamError, reason_of
from ..files import PathLike, as_path

# what is opened: other decoders are rarely needed, and some (EPS) start another program
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow's grey modes of more than 8 bits
DEPTHS = (255.0, 4095.0, 65535.0)  # of 8, 12 (medical images) and 16 bits
TRANSPARENT = ("RGBA", "LA", "PA", "La", "RGBa")


def open_image(source: PathLike | bytes | BinaryIO, *, upright: bool = True, name: str = "") -> Image.Image:
    """An image as 8-bit RGB: transparency on white, 16-bit grey scaled to 8 bits, of an animation the first frame.

    Args:
        source: a path, bytes, or an open binary file.
        upright: whether to turn it as its EXIF tag says.
        name: stands for bytes and files in messages.

    Raises:
        CluscamError: the image is missing or a folder.
        BrokenImage: it is empty, cut short, or no image.
    """
    if isinstance(source, str | os.PathLike):
        path = as_path(source)
        _check_file(path)
        return _decode(path, str(path), upright)
    label = name or str(getattr(source, "name", "") or "the given data")
    if isinstance(source, bytes | bytearray | memoryview):
        if not len(source):
            raise BrokenImage(f"the image {label} is empty; give an image file")
        source = BytesIO(source)
    if not hasattr(source, "read"):
        raise CluscamError(f"the image is a {type(source).__name__}; expected a path, bytes or an open binary file")
    return _decode(source, label, upright)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise CluscamError(f"the image {path} is a folder; give a file in it, or the folder as data set 'folder'")
    if not path.is_file():
        raise CluscamError(f"there is no image {path}; check the path")
    if path.stat().st_size == 0:
        raise BrokenImage(f"the image {path} is empty; give an image file")


def _decode(source: Path | BinaryIO, label: str, upright: bool) -> Image.Image:
    try:
        with Image.open(source, formats=FORMATS) as image:
            image.load()
            return to_rgb(image, upright)
    except PermissionError as error:
        raise BrokenImage(f"the image {label} may not be read; change its permissions") from error
    except UnidentifiedImageError as error:
        raise BrokenImage(f"{label} is not an image in a format that can be read: {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise BrokenImage(f"the image {label} has too many pixels to be safe; make it smaller first") from error
    except Exception as error:  # Pillow's decoders fail on damaged files in a dozen ways
        raise BrokenImage(f"the image {label} is cut short or damaged ({reason_of(error)}); get it again") from error


def to_rgb(image: Image.Image, upright: bool = True) -> Image.Image:
    """A Pillow image as 8-bit RGB, as `open_image` gives it."""
    if upright:
        with suppress(Exception):  # a broken EXIF block does not make the picture unreadable
            image = ImageOps.exif_transpose(image)
    if image.mode in DEEP:
        image = _eight_bits(image)
    if image.mode in TRANSPARENT or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Deep grey as 8 bits: whole numbers of 8, 12 or 16 bits, by their largest, and floats of 0-1 to 0-255.

    Any other range is stretched to its extremes.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)  # (H, W)
    low, high = values.min(), values.max()
    full = 1.0 if image.mode == "F" else next((depth for depth in DEPTHS if high <= depth), DEPTHS[-1])
    if low < 0 or high > full:
        values, full = values - low, max(high - low, 1e-12)
    return Image.fromarray(np.round(values * (255 / full)).astype(np.uint8))
