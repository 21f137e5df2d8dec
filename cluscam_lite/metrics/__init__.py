"""Measures of one saliency map on one image; means over images are for whoever holds the images.

- `faithfulness`: `changes` (drop, increase, gain: Eqs. 11 to 13), `log_odds`, `probabilities`.
- `evaluation`: what the network makes of a map, every form with every fill: `evaluate`; `evaluate_images` of several.
- `masking`: the network on masked copies: `masked_outputs`, `matched` (a map brought to a coverage of one half),
  `matching_power`.
- `boxes`: `boxes_in_input`, `unscaled_boxes`, `box_mask`.
- `localisation`: `localise` (everything at once), `energy_pointing` (Eq. 14), `localisation_error` (Eq. 15),
  `predicted_box` (of the map's largest part, or of all that it marks), and the public code's `soft_error`,
  `half_error`, `energy_error`.
- `agreement`: how alike two maps are: `correlation`, `rank_correlation`, `overlap` (of their top tenths).
- `curves`: `insertion` and `deletion` (Petsiuk et al. 2018).
- `adcc`: `complexity`, `coherency`, `adcc` (Poppi et al. 2021), `explained_again`.

Percent are 0-100; probabilities, coverage and areas under curves 0-1.
"""

from .adcc import adcc, coherency, complexity, explained_again
from .agreement import correlation, overlap, rank_correlation
from .boxes import box_mask, boxes_in_input, unscaled_boxes
from .curves import deletion, insertion
from .evaluation import evaluate, evaluate_images
from .faithfulness import changes, log_odds, probabilities
from .localisation import (
    energy_error,
    energy_pointing,
    half_error,
    localisation_error,
    localise,
    predicted_box,
    soft_error,
)
from .masking import FORMS, masked_outputs, matched, matching_power

__all__ = [
    "FORMS", "adcc", "box_mask", "boxes_in_input", "changes", "coherency", "complexity", "correlation", "deletion",
    "energy_error", "energy_pointing", "evaluate", "evaluate_images", "explained_again", "half_error", "insertion",
    "localisation_error", "localise", "log_odds", "masked_outputs", "matched", "matching_power", "overlap",
    "predicted_box", "probabilities", "rank_correlation", "soft_error", "unscaled_boxes",
]  # fmt: skip
