"""Turn tau and r: from the scores of the groups to weights to the map, without another pass of the network."""

import math
from typing import Any

from IPython.display import HTML

from analysis.chapters.learn.playground import Playground
from analysis.page.grid import picture_grid, uri
from analysis.page.widget import LOOK, colours, flat, rounded, widget
from cluscam_lite.show.drawing import overlay

STEPS = 60  # of the slider of the temperature, from 0.05 to 20


def weights_data(play: Playground) -> dict[str, Any]:
    """The masks before upsampling, their scores in logits, and the r and tau of the paper's rules."""
    e = play.full
    centroids, scores = e.centroids[0][e.valid[0]], e.scores[0][e.valid[0]]
    return {
        "height": centroids.shape[1],
        "width": centroids.shape[2],
        "photo": uri(play.example.photo),
        "colours": colours(),
        "look": LOOK,
        "masks": flat(centroids),
        "scores": rounded(scores, 5),
        "r": e.drop_ratio,
        "tau": float(e.temperature[0]),
    }


def weights_widget(play: Playground) -> HTML:
    """Two sliders; the map, the weights and what they amount to follow."""
    body = f"""<p class="cw-slider"><label for="cw-tau">Temperature τ</label>
<input id="cw-tau" type="range" min="0" max="{STEPS}" step="1"> <output for="cw-tau" data-value="tau"></output></p>
<p class="cw-slider"><label for="cw-r">Share of groups dropped, r</label>
<input id="cw-r" type="range" min="0" max="98" step="1"> <output for="cw-r" data-value="r"></output></p>
<p><label><input type="checkbox" checked> τ follows r, as in Eq. 10</label>
<button type="button">the paper's values</button></p>
<div class="cw-columns">
<div class="cw-view"><canvas role="img" aria-label="The picture under ClusCAM's map with these weights"></canvas></div>
<div class="cw-bars" role="img" aria-label="Weights of the groups, by falling score; those dropped are hatched"></div>
</div>"""
    return widget("weights", "Turn the temperature", _still(play), body, weights_data(play), "Turn τ and r")


def _still(play: Playground) -> HTML:
    tau = float(play.full.temperature[0])
    settings = {
        "τ = 0.05: one group": {"temperature": 0.05},
        f"τ = {tau:.2f}: Eq. 10": {},
        "τ = 20: all kept groups alike": {"temperature": 20.0},
        "nothing dropped, τ infinite": {"drop_ratio": 0.0, "temperature": math.inf},
    }
    photo = play.example.photo
    maps = {text: overlay(photo, play.full.reweigh(**given).saliency[0]) for text, given in settings.items()}
    return picture_grid(maps, side=140)
