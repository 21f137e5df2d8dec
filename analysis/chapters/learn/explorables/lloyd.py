"""K-Means step by step on the maps of one picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from IPython.display import HTML
from sklearn.cluster import kmeans_plusplus

from analysis.chapters.learn.explorables.regroup import alive
from analysis.chapters.learn.playground import Playground
from analysis.page.grid import picture_grid
from analysis.page.widget import colours, flat, rounded, select, widget
from cluscam_lite.algorithm.clustering import coordinates

MAPS, CENTRES, STARTS = 60, 4, 4


@dataclass(frozen=True)
class Step:
    """One step of Lloyd's algorithm. `what` is "start", "assign" or "move".

    `labels` (n,) are the groups, -1 before the first; `centres` (K, p); `inertia` is the sum of the squared distances
    of the points to their centres, None before the first assignment.
    """

    what: str
    labels: np.ndarray
    centres: np.ndarray
    inertia: float | None


def lloyd(points: np.ndarray, n_clusters: int, seed: int) -> list[Step]:
    """All steps of K-Means on points (n, p), from the centres that K-Means++ draws, until no label changes."""
    centres, _ = kmeans_plusplus(points, n_clusters, random_state=seed)
    labels = np.full(len(points), -1)
    steps = [Step("start", labels, centres, None)]
    while True:
        distances = ((points[:, None] - centres[None]) ** 2).sum(-1)  # (n, K)
        new = distances.argmin(1)
        steps.append(Step("assign", new, centres, float(distances.min(1).sum())))
        if (new == labels).all():
            return steps
        labels = new
        centres = np.stack(
            [points[labels == j].mean(0) if (labels == j).any() else centres[j] for j in range(n_clusters)]
        )
        steps.append(Step("move", labels, centres, float(((points - centres[labels]) ** 2).sum())))


def some_maps(play: Playground, n: int = MAPS) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of about `n` maps, evenly spaced among those that are not black, and their points (n, p).

    Distances between the points are those that ClusCAM clusters by (its space "upsampled").
    """
    normalized = play.reading.normalized
    points, _ = coordinates(play.reading.maps.float(), normalized, play.reading.size, "upsampled")
    there = np.flatnonzero(alive(play).numpy())
    numbers = there[np.linspace(0, len(there) - 1, min(n, len(there))).astype(int)]
    return numbers, points[0].double().numpy()[numbers]


def plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (p,) of points (n, p), and the two directions (p, 2) in which they vary most (PCA)."""
    middle = points.mean(0)
    return middle, np.linalg.svd(points - middle, full_matrices=False)[2][:2].T


def lloyd_data(play: Playground, seed: int = 0) -> dict[str, Any]:
    """The maps, their places in the plane, and the steps from several starts."""
    numbers, points = some_maps(play)
    middle, axes = plane(points)
    maps = play.reading.normalized[0, numbers.tolist()]
    starts = [lloyd(points, CENTRES, seed + i) for i in range(STARTS)]
    return {
        "height": maps.shape[1],
        "width": maps.shape[2],
        "colours": colours(),
        "maps": flat(maps, 3),
        "numbers": numbers.tolist(),
        "points": rounded((points - middle) @ axes, 2),
        "starts": [
            [
                {
                    "what": step.what,
                    "labels": step.labels.tolist(),
                    "centres": rounded((step.centres - middle) @ axes, 2),
                    "inertia": None if step.inertia is None else round(step.inertia, 1),
                }
                for step in steps
            ]
            for steps in starts
        ],
    }


def lloyd_widget(play: Playground, seed: int = 0) -> HTML:
    """Steps of K-Means: the maps in a plane with the centres, and the maps of each group."""
    starts = {str(i): f"draw {i + 1}" for i in range(STARTS)}
    body = f"""<div class="cw-buttons">{select("start", "First centres", starts)}
<button type="button">Step</button><button type="button">To the end</button>
<button type="button">Start again</button></div>
<div class="cw-columns"><div class="cw-plot"></div><div class="cw-members"></div></div>"""
    return widget(
        "lloyd", "K-Means step by step", _still(play, seed), body, lloyd_data(play, seed), "Step through K-Means"
    )


def _still(play: Playground, seed: int) -> HTML:
    """The mean map of each group at the end of the first start."""
    numbers, points = some_maps(play)
    labels = lloyd(points, CENTRES, seed)[-1].labels
    # what is upsampled of a map lies in [0, 1]; its own cells may reach beyond
    maps = play.reading.normalized[0, numbers.tolist()].clamp(0, 1).numpy()
    groups = ((j, maps[labels == j]) for j in range(CENTRES))  # one may have lost all its maps
    return picture_grid({f"group {j + 1}: {len(mine)} maps": mine.mean(0) for j, mine in groups if len(mine)}, side=140)
