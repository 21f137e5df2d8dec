"""Choosing K and r from images (Section 3.4, Algorithms 2 and 3); tau then follows from Eq. 10."""

from .elbow import LEAST_SIZES, RULES, check_grid, curvature, elbow, proxy, slopes
from .mixture import Mixture, drop_ratio, fit_mixture
from .record import TunedSettings, read_tuned, tuning_record, weights_key
from .scores import GroupScores, grid_scores
from .tune import Choice, Tuning, tune

__all__ = [
    "LEAST_SIZES", "RULES", "Choice", "GroupScores", "Mixture", "TunedSettings", "Tuning", "check_grid", "curvature",
    "drop_ratio", "elbow", "fit_mixture", "grid_scores", "proxy", "read_tuned", "slopes", "tune", "tuning_record",
    "weights_key",
]  # fmt: skip
