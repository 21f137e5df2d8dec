"""An interactive piece of the book as HTML: a picture, which makes way for controls when it is touched.

Its behaviour is in `book/_static`: `widgets.js`, and a function of the piece's kind in one of the `explore_*.js`. The
data travels in the page as JSON, so that the book needs no server. Without JavaScript the picture and a sentence stay.
"""

import base64
import html
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from IPython.display import HTML
from PIL import Image
from torch import Tensor

from cluscam_lite.show.drawing import OPACITY, heat_map
from cluscam_lite.show.pictures import DIM

FALLBACK = "The controls work in the built book, with JavaScript."
LOOK = {"dim": DIM, "opacity": OPACITY}  # how a photograph looks under a map


def widget(kind: str, title: str, still: Any, body: str, data: Mapping[str, Any], button: str = "Try it") -> HTML:
    """One piece.

    Args:
        kind: the name of its function in JavaScript, `cluscam.kinds.KIND`.
        title: its name for those who cannot see it.
        still: what is shown until it is touched: HTML, or what shows itself as HTML.
        body: the markup of its controls, hidden until then.
        data: what its function is given; plain values.
        button: what starts it, in words.
    """
    picture = still if isinstance(still, str) else still._repr_html_()
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    return HTML(
        f'<section class="cluscam-widget" data-widget="{kind}" aria-label="{html.escape(title)}">\n'
        f'<div class="cw-still">{picture}</div>\n'
        f'<div class="cw-start"><button type="button" hidden>{html.escape(button)}</button>'
        f'<p class="cw-fallback">{FALLBACK}</p></div>\n'
        f'<div class="cw-body" hidden>\n{body}\n<p class="cw-said" role="status" aria-live="polite"></p>\n</div>\n'
        f'<script type="application/json">{text}</script>\n</section>'
    )


def rounded(values: Tensor | np.ndarray, digits: int = 4) -> list[Any]:
    """Numbers as nested lists, rounded: as short as JSON can be."""
    found: list[Any] = np.round(np.asarray(values, dtype=np.float64), digits).tolist()
    return found


def flat(maps: Tensor, digits: int = 4) -> list[list[float]]:
    """Small maps (n, h, w), each as a list row by row."""
    return rounded(maps.flatten(1), digits)


def said(value: float | Tensor, digits: int = 2) -> str:
    """A number as text, with a true minus and without a minus zero."""
    return f"{float(value):z.{digits}f}".replace("-", "−")


def png(picture: np.ndarray) -> str:
    """A picture, uint8 (H, W) or (H, W, 3), without loss, as a data URI."""
    with io.BytesIO() as buffer:
        Image.fromarray(picture).save(buffer, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def colours() -> str:
    """The 256 colours of the book's maps, from 0 to 1, as a picture of one line."""
    return png(heat_map(np.arange(256)[None] / 255))


def choice(name: str, legend: str, options: Mapping[str, str]) -> str:
    """Radio buttons: value -> words, the first chosen."""
    buttons = "".join(
        f'<label><input type="radio" name="cw-{name}" value="{html.escape(value)}"{" checked" * (i == 0)}> '
        f"{html.escape(words)}</label>"
        for i, (value, words) in enumerate(options.items())
    )
    return f'<fieldset class="cw-radio"><legend>{html.escape(legend)}</legend>{buttons}</fieldset>'


def select(name: str, label: str, options: Mapping[str, str] | list[str], chosen: str = "") -> str:
    """A list to choose from, with its label: value -> words, or the words alone."""
    words = options if isinstance(options, Mapping) else {text: text for text in options}
    inside = "".join(
        f'<option value="{html.escape(value)}"{" selected" * (value == chosen)}>{html.escape(text)}</option>'
        for value, text in words.items()
    )
    place = f"cw-{name}"
    return f'<label class="cw-select" for="{place}">{html.escape(label)} <select id="{place}">{inside}</select></label>'
