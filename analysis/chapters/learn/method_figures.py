"""Pictures of the `method` chapter: sheets of maps, the groups to look at, and the whole way in five pictures."""

import numpy as np
from torch import Tensor

from analysis.page.figures import mosaic
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.show.drawing import masked

CELL = 64  # pixels: about the size of one map on a sheet


def sheet(maps: Tensor, columns: int) -> np.ndarray:
    """Maps (n, h, w) side by side, `columns` to a line, their cells enlarged: a picture (H, W, 3) uint8.

    Their upsampled versions span [0, 1]; what cells have beyond is cut.
    """
    maps, times = maps.clamp(0, 1), max(1, CELL // maps.shape[-1])
    return mosaic(maps.repeat_interleave(times, 1).repeat_interleave(times, 2), columns)


def telling_groups(labels: Tensor, scores: Tensor, n: int = 3, fewest: int = 2) -> list[int]:
    """The n groups of highest score and the n of lowest, by falling score: labels (d,), scores (K,).

    Only groups of at least `fewest` maps count; of any size, if there are not 2 n of those.
    """
    size = labels[labels >= 0].bincount(minlength=len(scores))
    large = [j for j in range(len(scores)) if size[j] >= fewest]
    some = large if len(large) >= 2 * n else [j for j in range(len(scores)) if size[j] > 0]
    ranked = sorted(some, key=lambda j: -float(scores[j]))
    return ranked if len(ranked) <= 2 * n else ranked[:n] + ranked[-n:]


def pipeline_pictures(
    photo: np.ndarray, maps: Tensor, explanation: ClusteredExplanation, background: object = 0.5
) -> dict[str, np.ndarray | Tensor]:
    """Fig. 1 of the paper for one image (H, W, 3): text -> picture or map (H, W), from the input to the map.

    `maps` (d, h, w) are in [0, 1]; `background` is the colour of hidden pixels.
    """
    e, some = explanation, maps[:36]
    best = e.scores[0].argsort(descending=True)[: int(e.valid[0].sum())]
    behind = masked(photo, e.masks[0, best[0]], background)
    return {
        "1. The image": photo,
        f"2. What one layer sees in it: {len(maps):,} maps, of which {len(some)} are here": sheet(some, 6),
        f"3. {len(best)} groups of similar maps; the mean of each is a mask": sheet(e.centroids[0, best[:36]], 6),
        f"4. Each mask is tried: behind the best one the logit changes by {float(e.scores[0, best[0]]):+.2f}": behind,
        "5. The masks, weighed by such scores and added up: the saliency map": e.saliency[0],
    }
