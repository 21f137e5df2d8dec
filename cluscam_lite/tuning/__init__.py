"""Choosing K and r from images (Section 3.4, Algorithms 2 and 3); tau then follows from Eq. 10."""

from .elbow import RULES, check_grid, curvature, elbow, proxy, slopes
from .mixture import Mixture, drop_ratio, fit_mixture
from .scores import GroupScores, grid_scores

__all__ = [
    "RULES",
    "GroupScores",
    "Mixture",
    "check_grid",
    "curvature",
    "drop_ratio",
    "elbow",
    "fit_mixture",
    "grid_scores",
    "proxy",
    "slopes",
]
