"""The landing page's HTML: ClusCAM in seven steps on one image, and the findings as cards.

Steps are chosen by radio buttons and CSS (`book/_static/story.css`), so they need no JavaScript; without that style
sheet all of them are shown, one below the other.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from IPython.display import HTML
from torch import Tensor

from analysis.chapters.verdicts.story import Finding
from analysis.page.charts import number
from analysis.page.grid import uri
from cluscam_lite import ClusCAM
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.models import LoadedModel
from cluscam_lite.show.drawing import denormalized, heat_map, masked, overlay

SHOWN, MEMBERS = 6, 4  # groups that are followed, and maps shown of each
SIDE, PICTURE = 224, 180  # pixels: width of the image, and of what is shown of a group


@dataclass(frozen=True)
class Pipeline:
    """One image on its way: what the network saw (H, W, 3), its maps (d, h, w) in [0, 1], and ClusCAM's explanation.

    `chosen` are the groups that are followed, from the highest score to the lowest: the best, and five of those with
    several maps. `name` is the class in words, `fill` (3,) the colour that hides.
    """

    photo: np.ndarray
    maps: Tensor
    explanation: ClusteredExplanation
    chosen: list[int]
    name: str
    probability: float
    fill: Sequence[float]


def pipeline(loaded: LoadedModel, x: Tensor, seed: int) -> Pipeline:
    """ClusCAM of one image (1, 3, H, W) as the network takes it, for its first choice."""
    spec = loaded.spec
    cam = ClusCAM.from_spec(spec, loaded.module, seed=seed)
    e = cam(x)
    with torch.no_grad():
        maps, _ = cam.model.forward(x)
    low, high = maps[0].amin((1, 2), keepdim=True), maps[0].amax((1, 2), keepdim=True)
    order = e.scores[0].argsort(descending=True)[: int(e.valid[0].sum())].tolist()
    sizes = e.labels[0].bincount(minlength=len(order))
    many = [j for j in order[1:] if sizes[j] >= MEMBERS] or order[1:]
    places = np.unique(np.linspace(0, len(many) - 1, SHOWN - 1).round().astype(int))
    target = int(e.target[0])
    return Pipeline(
        photo=denormalized(x[0], spec.mean, spec.std),
        maps=(maps[0] - low) / (high - low).clamp_min(1e-12),
        explanation=e,
        chosen=[order[0], *(many[place] for place in places)],
        name=spec.class_names[target].split(",")[0],
        probability=100 * float(e.output[0].softmax(0)[target]),
        fill=spec.mean,
    )


def steps(found: Pipeline) -> HTML:
    """The image, its maps, their groups, masks, scores, weights, and the map that comes out: one step at a time."""
    panels = [
        ("image", *_image(found)),
        ("maps", *_maps(found)),
        ("groups", *_groups(found)),
        ("masks", *_masks(found)),
        ("scores", *_scores(found)),
        ("weights", *_weights(found)),
        ("map", *_map(found)),
    ]
    choices, figures = [], []
    for i, (name, text, pictures) in enumerate(panels, 1):
        checked = " checked" if i == 1 else ""
        choices.append(
            f'<label><input type="radio" name="cluscam-step" value="{i}"{checked}><span>{i} {name}</span></label>'
        )
        shown = "".join(
            f'<div class="cs-picture"><img class="dark-light" src="{source}" alt="{html.escape(alt, quote=True)}">'
            f"<span>{html.escape(caption)}</span></div>"
            for source, alt, caption in pictures
        )
        figures.append(
            f'<div class="cs-step cs-step-{i}"><p><b>{i}. {name.capitalize()}.</b> {html.escape(text)}</p>'
            f'<div class="cs-pictures">{shown}</div></div>'
        )
    return HTML(
        '<div class="cluscam-steps"><fieldset>'
        "<legend>ClusCAM in seven steps: choose one, or use the arrow keys</legend>"
        f'<div class="cs-choices">{"".join(choices)}</div></fieldset>{"".join(figures)}</div>'
    )


Panel = tuple[str, list[tuple[str, str, str]]]  # a text; of each picture its source, what it shows, what stands below


def _image(found: Pipeline) -> Panel:
    text = (
        f"The network says: {found.name}, {number(found.probability, 0)} %. Which part of the picture made it say so?"
    )
    saliency = overlay(found.photo, found.explanation.saliency[0])
    return text, [
        (uri(found.photo, SIDE), "The photograph", "the picture"),
        (uri(saliency, SIDE), "ClusCAM's map over the photograph", "ClusCAM's answer, seven steps later"),
    ]


def _maps(found: Pipeline) -> Panel:
    d, h, w = found.maps.shape
    lit = (found.maps.amax((1, 2)) > found.maps.amin((1, 2))).nonzero()[:, 0]
    few = lit[torch.linspace(0, len(lit) - 1, min(2 * SHOWN, len(lit))).round().long()]
    some = "" if len(lit) == d else f" of the {len(lit):,} that are not empty"
    text = (
        f"One of its last layers describes the picture by {d:,} feature maps of {h} × {w} cells. "
        f"Here are {len(few)}{some}."
    )
    return text, [(uri(heat_map(one), 120), "A feature map", "") for one in found.maps[few]]


def _groups(found: Pipeline) -> Panel:
    labels = found.explanation.labels[0]
    pictures = []
    for n, j in enumerate(found.chosen, 1):
        members = found.maps[(labels == j).nonzero()[:MEMBERS, 0]]
        size = int((labels == j).sum())
        caption = f"group {n}: {size} map{'s' * (size != 1)}"
        pictures.append((uri(_sheet(members), PICTURE), f"Feature maps of group {n}", caption))
    text = (
        f"K-Means sorts the maps into {int(found.explanation.valid[0].sum())} groups: maps that light up at the same "
        f"places come together. Here are {len(found.chosen)} of the groups, each with up to four of its maps."
    )
    return text, pictures


def _sheet(maps: Tensor) -> np.ndarray:
    """Four maps (n, h, w) in two lines, or the first alone where there are fewer, as RGB uint8."""
    if len(maps) < MEMBERS:
        return heat_map(maps[0])
    cells = [np.pad(np.kron(heat_map(one), np.ones((8, 8, 1), np.uint8)), ((2, 2), (2, 2), (0, 0)), constant_values=255)
             for one in maps]  # fmt: skip
    return np.concatenate([np.concatenate(cells[:2], 1), np.concatenate(cells[2:], 1)])


def _masks(found: Pipeline) -> Panel:
    masks = found.explanation.masks[0]
    pictures = [
        (
            uri(masked(found.photo, masks[j], found.fill), PICTURE),
            f"The photograph through the mask of group {n}",
            f"group {n}",
        )
        for n, j in enumerate(found.chosen, 1)
    ]
    text = "The average of a group is a mask. Through it, only some of the picture is seen; the rest is grey."
    return text, pictures


def _scores(found: Pipeline) -> Panel:
    masks, scores = found.explanation.masks[0], found.explanation.scores[0]
    pictures = [
        (
            uri(masked(found.photo, masks[j], found.fill), PICTURE),
            f"The photograph through the mask of group {n}",
            f"{'+' * bool(scores[j] > 0)}{number(float(scores[j]))} logits",
        )
        for n, j in enumerate(found.chosen, 1)
    ]
    text = (
        f'The network looks at each masked picture. A group\'s score is how much the logit of "{found.name}" changes, '
        "compared with the whole picture."
    )
    return text, pictures


def _weights(found: Pipeline) -> Panel:
    e = found.explanation
    kept = int((e.weights[0] > 0).sum())
    pictures = [
        (
            uri(heat_map(e.masks[0, j]), PICTURE),
            f"The mask of group {n}",
            _weight(float(e.weights[0, j])),
        )
        for n, j in enumerate(found.chosen, 1)
    ]
    text = (
        f"The worst groups are dropped: {kept} of {int(e.valid[0].sum())} remain. A softmax with the temperature "
        f"τ = {number(float(e.temperature[0]), 2)} turns the scores into weights; the best few get most."
    )
    return text, pictures


def _weight(weight: float) -> str:
    if not weight:
        return "dropped"
    return f"weight {number(100 * weight)} %" if weight >= 0.0005 else "weight below 0.1 %"


def _map(found: Pipeline) -> Panel:
    e = found.explanation
    text = (
        f'The masks, added up by their weights, are the saliency map: where the network looked for "{found.name}", as '
        f"ClusCAM has it. That took {e.forward_passes} passes of the network, and no gradient."
    )
    return text, [
        (uri(found.photo, SIDE), "The photograph", "the picture"),
        (uri(overlay(found.photo, e.saliency[0]), SIDE), "ClusCAM's map over the photograph", "ClusCAM's map"),
    ]


def finding_cards(found: Sequence[Finding]) -> HTML:
    """The findings as a list of cards, each with its chart and a link to its chapter."""
    cards = []
    for one in found:
        said = {
            name: html.escape(getattr(one, name), quote=True) for name in ("key", "stand", "title", "text", "legend")
        }
        cards.append(
            f'<li class="finding" id="finding-{said["key"]}"><h3>{said["title"]}</h3>'
            f'<p class="finding-stand" data-stand="{said["stand"]}">{said["stand"]}</p>'
            f'{one.chart}<p class="finding-legend">{said["legend"]}</p><p>{said["text"]}</p>'
            f'<p><a href="{html.escape(one.page, quote=True)}.html">Read: {html.escape(one.question)}</a></p></li>'
        )
    return HTML(f'<ul class="cluscam-findings">{"".join(cards)}</ul>')
