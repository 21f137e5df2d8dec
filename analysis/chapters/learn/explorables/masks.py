"""Build your own mask: eight switches, the picture that they leave, and what the network says of it."""

from typing import Any

import numpy as np
from IPython.display import HTML

from analysis.chapters.learn.playground import Playground, chosen_masks
from analysis.page.grid import picture_grid, uri
from analysis.page.widget import flat, rounded, said, widget
from cluscam_lite.show.drawing import heat_map, masked

NUMBERS = {
    "logit": "logit", "probability": "probability, %", "coverage": "coverage, %", "drop": "drop, %", "gain": "gain, %"
}  # fmt: skip


def mask_data(play: Playground) -> dict[str, Any]:
    """What the page needs to show any of the 256 subsets; lists of numbers are in the order of the subsets."""
    centroids = play.few.centroids[0]  # (8, h, w)
    return {
        "class": play.example.class_name,
        "height": centroids.shape[1],
        "width": centroids.shape[2],
        "hidden": [round(255 * value) for value in play.example.spec.mean],
        "photo": uri(play.example.photo),
        "masks": flat(centroids),
        "logit": rounded(play.subsets["logit"], 3),
        "coverage": rounded(100 * play.subsets["coverage"], 2),
        **{name: rounded(play.subsets[name], 2) for name in ("probability", "drop", "gain")},
        "unmasked": {"logit": round(play.example.logit, 3), "probability": round(play.example.probability, 2)},
    }


def mask_widget(play: Playground) -> HTML:
    """Eight switches, the masked picture, and its numbers."""
    boxes = "\n".join(
        f'<label class="cw-choice"><img class="dark-light" src="{uri(heat_map(mask), 72)}" width="72" height="72" '
        f'alt="Mask of group {j + 1}"><span><input type="checkbox" value="{j}"> group {j + 1}</span></label>'
        for j, mask in enumerate(play.few.masks[0].numpy())
    )
    everything = 2 ** len(play.values) - 1
    presets = {"nothing": 0, "everything": everything, "what ClusCAM keeps": play.kept, "the best": play.best}
    buttons = "\n".join(
        f'<button type="button" data-subset="{subset}">{name}</button>' for name, subset in presets.items()
    )
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td data-value="{key}">–</td></tr>' for key, name in NUMBERS.items()
    )
    body = f"""<div class="cw-columns">
<fieldset><legend>Groups that may show the picture</legend>
<div class="cw-choices">
{boxes}
</div>
<div class="cw-buttons" role="group" aria-label="Choose at once">
{buttons}
</div>
</fieldset>
<div class="cw-view">
<canvas role="img" aria-label="The picture through the chosen groups"></canvas>
<table><caption class="cw-hidden">What the network says of the masked picture</caption><tbody>{rows}</tbody></table>
</div>
</div>"""
    return widget("masks", "Build your own mask", _still(play), body, mask_data(play), "Build your own mask")


def _still(play: Playground) -> HTML:
    logits, photo = play.subsets["logit"], play.example.photo
    shown: dict[str, np.ndarray] = {f"the picture: logit {said(play.example.logit)}": photo}
    for name, subset in {"what ClusCAM keeps": play.kept, "the best": play.best, "the worst": play.worst}.items():
        shown[f"{name}: logit {said(logits[subset])}"] = masked(
            photo, chosen_masks(play, subset), play.example.spec.mean
        )
    return picture_grid(shown, side=140)
