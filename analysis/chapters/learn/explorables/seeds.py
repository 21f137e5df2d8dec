"""Is this map stable? The maps of ten seeds of K-Means, and how alike two of them are."""

from typing import Any

import numpy as np
import torch
from IPython.display import HTML

from analysis.chapters.learn.playground import Playground
from analysis.page.grid import picture_grid, uri
from analysis.page.widget import LOOK, colours, flat, rounded, select, widget
from cluscam_lite.metrics.agreement import correlation
from cluscam_lite.show.drawing import overlay
from cluscam_lite.stability import Stability, over_seeds

SEEDS = 10


def of_seeds(play: Playground, n: int = SEEDS) -> Stability:
    """The picture explained with the seeds 0 to n - 1, all else the network's own."""
    return over_seeds(play.cam, play.example.x, seeds=range(n), target=play.example.target)


def correlations(stability: Stability) -> np.ndarray:
    """Pearson's correlation (S, S) of the maps of every two seeds."""
    maps = stability.maps[:, 0]
    return np.array([[correlation(a, b) for b in maps] for a in maps])


def seeds_data(play: Playground, stability: Stability) -> dict[str, Any]:
    """The maps before upsampling, and their correlations."""
    summed = torch.stack([torch.einsum("k,khw->hw", e.weights[0], e.centroids[0]) for e in stability.explanations])
    return {
        "height": summed.shape[1],
        "width": summed.shape[2],
        "photo": uri(play.example.photo),
        "colours": colours(),
        "look": LOOK,
        "maps": flat(summed, 5),
        "correlations": rounded(correlations(stability), 4),
    }


def seeds_widget(play: Playground, stability: Stability) -> HTML:
    """Two seeds to choose; their maps, how far they differ, and the mean of all."""
    table = correlations(stability)
    first, second = np.unravel_index(np.nanargmin(table), table.shape)
    names = [str(seed) for seed in stability.seeds]
    cell = '<div class="cw-cell"><canvas role="img" aria-label="{0}"></canvas><div>{0}</div></div>'
    cells = "".join(
        cell.format(text)
        for text in ("first seed", "second seed", "how far they differ, 0 to 1", f"mean of {len(names)} seeds")
    )
    body = f"""<div class="cw-buttons">{select("first", "First seed", names, names[min(first, second)])}
{select("second", "Second seed", names, names[max(first, second)])}</div>
<div class="cw-grid">{cells}</div>"""
    return widget(
        "seeds", "Compare two seeds", _still(play, stability), body, seeds_data(play, stability), "Compare two seeds"
    )


def _still(play: Playground, stability: Stability) -> HTML:
    photo = play.example.photo
    maps = {f"seed {seed}": overlay(photo, stability.maps[i, 0]) for i, seed in enumerate(stability.seeds[:3])}
    return picture_grid({**maps, f"mean of {len(stability.seeds)}": overlay(photo, stability.mean[0])}, side=140)
