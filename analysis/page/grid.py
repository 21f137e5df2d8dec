"""Pictures side by side that wrap: each stays wide enough to see, on a phone, too."""

import base64
import html
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from IPython.display import HTML
from PIL import Image

from cluscam_lite.show.drawing import as_rgb, heat_map, overlay

SIDE = 224  # pixels: of the pictures, unless they are asked to be larger
QUALITY = 88  # of their JPEGs


def uri(picture: Any, side: int | None = None) -> str:
    """A picture (H, W, 3), of whole numbers up to 255 or of floats up to 1, as a data URI.

    `side` is its width in pixels; by default it keeps its own. What is enlarged keeps its cells.
    """
    image = Image.fromarray(np.rint(255 * as_rgb(picture)).astype(np.uint8))
    if side and side != image.width:
        way = Image.Resampling.LANCZOS if image.width > side else Image.Resampling.NEAREST
        image = image.resize((side, round(image.height * side / image.width)), way)
    with io.BytesIO() as buffer:
        image.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def picture_grid(pictures: Mapping[str, Any], photo: Any = None, side: int = SIDE) -> HTML:
    """Pictures with the text below each, in lines that wrap.

    Args:
        pictures: text -> what is shown above it: a picture (H, W, 3), or a map (H, W) in [0, 1], which is laid over
            `photo` (H, W, 3), or shown alone without one.
        side: the width of each, in pixels.
    """
    cells = []
    for text, picture in pictures.items():
        array = np.asarray(picture)
        if array.ndim == 2:
            array = heat_map(array) if photo is None else overlay(photo, array)
        said = html.escape(text, quote=True)
        shown = f'class="dark-light" width="{side}" style="width: 100%; height: auto" alt="{said}"'
        cells.append(
            f'<div style="max-width: {side}px; font-size: 0.9em">'
            f'<img src="{uri(array, side)}" {shown}>'
            f"<div>{said.replace(chr(10), '<br>')}</div></div>"
        )
    most = "45%" if len(cells) > 1 else "100%"  # two to a line on a phone
    columns = f"repeat(auto-fill, minmax(min({side}px, {most}), 1fr))"
    look = f"display: grid; gap: 0.8em; grid-template-columns: {columns}"
    return HTML(f'<div class="cluscam-grid" style="{look}">' + "".join(cells) + "</div>")
