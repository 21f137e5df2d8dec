"""The interactive widgets of the book as HTML. Their behaviour is in `book/_static/widgets.js`.

Without JavaScript, and outside the book, the controls are disabled, and the pictures and a sentence remain.
"""

import base64
import html
import io
import json
from typing import Any

import numpy as np
from PIL import Image

from analysis.chapters.learn.playground import Playground, at_temperature, temperatures
from cluscam_lite.show.drawing import heat_map, overlay

COLOURS = 64  # of the temperature's pictures
FALLBACK = "These controls work in the built book, with JavaScript; the figure below shows the same without them."


def png(picture: np.ndarray, colours: int | None = None) -> str:
    """A picture, uint8 (H, W) or (H, W, 3), as a data URI; `colours` makes it a palette, which is smaller."""
    image = Image.fromarray(picture)
    if colours:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    with io.BytesIO() as buffer:
        image.save(buffer, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def bytes_of(values: Any) -> np.ndarray:
    """Numbers in [0, 1] as uint8."""
    return np.rint(255 * np.asarray(values)).astype(np.uint8)


def mask_data(play: Playground) -> dict[str, Any]:
    """The data that `widgets.js` needs to show any of the 256 subsets; lists are in the order of the subsets."""
    masks = play.few.masks[0].numpy()  # (8, H, W)
    return {
        "class": play.example.class_name,
        "n": len(masks),
        "height": masks.shape[1],
        "width": masks.shape[2],
        "hidden": [round(255 * value) for value in play.example.spec.mean],
        "scene": png(bytes_of(play.example.photo)),
        "masks": png(bytes_of(masks.reshape(-1, masks.shape[2]))),  # one below the other
        "logit": np.round(play.subsets["logit"], 3).tolist(),
        "coverage": np.round(100 * play.subsets["coverage"], 2).tolist(),
        **{name: np.round(play.subsets[name], 2).tolist() for name in ("probability", "drop", "gain")},
        "shapley": np.round(play.values, 3).tolist(),
        "unmasked": {"logit": round(play.example.logit, 3), "probability": round(play.example.probability, 2)},
    }


def mask_widget(play: Playground) -> str:
    """Eight switches, the masked scene, and its numbers."""
    data = mask_data(play)
    boxes = "\n".join(
        f'<label class="cw-choice"><img class="dark-light" src="{png(heat_map(mask))}" width="72" height="72" '
        f'alt="Mask of group {j + 1}"><span><input type="checkbox" disabled value="{j}"> group {j + 1}</span></label>'
        for j, mask in enumerate(play.few.masks[0].numpy())
    )
    presets = {"nothing": 0, "everything": 2 ** data["n"] - 1, "what ClusCAM keeps": play.kept, "the best": play.best}
    buttons = "\n".join(
        f'<button type="button" disabled data-subset="{subset}">{name}</button>' for name, subset in presets.items()
    )
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td data-value="{key}">–</td></tr>'
        for key, name in (("logit", "logit"), ("probability", "probability, %"), ("coverage", "coverage, %"))
        + (("drop", "drop, %"), ("gain", "gain, %"))
    )
    body = f"""<div class="cw-columns">
<fieldset><legend>Groups that may show the image</legend>
<div class="cw-choices">
{boxes}
</div>
<div class="cw-buttons" role="group" aria-label="Choose at once">
{buttons}
</div>
</fieldset>
<div class="cw-view">
<canvas width="{data["width"]}" height="{data["height"]}" role="img" aria-label="The scene through the chosen groups">
</canvas>
<table><caption class="cw-hidden">What the network says of the masked scene</caption><tbody>{rows}</tbody></table>
</div>
</div>
<p class="cw-said" role="status" aria-live="polite"></p>"""
    return _widget("masks", "Build your own mask", body, data)


def tau_data(play: Playground) -> dict[str, Any]:
    """One frame for each temperature: its picture, the weights by falling score, and three numbers."""
    explanation = play.full
    frames = []
    for tau in temperatures(explanation):
        found = at_temperature(explanation, tau)
        picture = overlay(play.example.photo, found.pop("saliency"))
        weights = [round(value, 4) for value in found.pop("weights")]
        numbers = {name: round(value, 3) for name, value in found.items()}
        frames.append({**numbers, "weights": weights, "picture": png(picture, COLOURS)})
    return {"frames": frames, "equation": round(float(explanation.temperature[0]), 3)}


def tau_widget(play: Playground) -> str:
    """A slider over the temperatures; the map, the weights and three numbers follow it."""
    data = tau_data(play)
    start = [frame["tau"] for frame in data["frames"]].index(data["equation"])
    first = data["frames"][start]
    bars = '<span class="cw-bar"></span>' * len(first["weights"])
    body = f"""<p><label for="cw-tau">Temperature τ</label>
<input id="cw-tau" type="range" disabled min="0" max="{len(data["frames"]) - 1}" step="1" value="{start}"
 aria-describedby="cw-tau-said"></p>
<div class="cw-columns">
<div class="cw-view"><img class="dark-light" src="{first["picture"]}" width="240" height="240"
 alt="The scene under ClusCAM's map at the chosen temperature"></div>
<div class="cw-bars" role="img" aria-label="Weights of the groups, by falling score">{bars}</div>
</div>
<p class="cw-said" id="cw-tau-said" role="status" aria-live="polite"></p>"""
    return _widget("tau", "Turn the temperature", body, data)


def _widget(kind: str, title: str, body: str, data: dict[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    return (
        f'<section class="cluscam-widget" data-widget="{kind}" aria-label="{html.escape(title)}">\n'
        f'<p class="cw-fallback">{FALLBACK}</p>\n{body}\n<script type="application/json">{text}</script>\n</section>'
    )
