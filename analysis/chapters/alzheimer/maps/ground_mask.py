"""A map against the pixels on which a phantom's grade truly depends."""

from functools import lru_cache

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from cluscam_lite.datasets.phantoms.phantom import grade_mask, head_mask
from cluscam_lite.datasets.phantoms.samples import phantom_of


def mask_measures(saliency: Tensor, mask: np.ndarray, head: np.ndarray) -> dict[str, float]:
    """How well a map (H, W) in [0, 1] finds a mask (H, W) bool within a head (H, W) bool.

    `ep_mask`: the share of the map's energy on the mask, percent (Eq. 14 with a mask for a box), 0 for a map of zeros.
    `share_mask`: the mask's share of the image, percent, which is the `ep_mask` of a map of ones. `auc_mask`: of the
    pixels within the head, the percentage of pairs (one on the mask, one not) in which the one on the mask is brighter,
    ties counting half: 50 is chance, and neither the map's coverage nor the head's place in the image matters.
    """
    values = saliency.detach().double().cpu().numpy()
    total = values.sum()
    inside, on = values[head], mask[head]
    ranks, n, m = rankdata(inside), int(on.sum()), int((~on).sum())
    return {
        "ep_mask": 100 * float(values[mask].sum() / total) if total else 0.0,
        "share_mask": 100 * float(mask.mean()),
        "auc_mask": 100 * float((ranks[on].sum() - n * (n + 1) / 2) / (n * m)) if n and m else float("nan"),
    }


@lru_cache(maxsize=512)
def masks_of_image(image_id: str, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The mask of what differs between grades, and the head, of a phantom by its id; `size`: of a network's input."""
    phantom = phantom_of(image_id)
    mask, head = grade_mask(phantom), head_mask(phantom)
    return at_size(mask, size or len(mask)), at_size(head, size or len(head))


def at_size(mask: np.ndarray, size: int) -> np.ndarray:
    """A square mask with `size` pixels along each side, each the nearest of the mask's own."""
    nearest = (2 * np.arange(size) + 1) * len(mask) // (2 * size)
    return mask[np.ix_(nearest, nearest)]
