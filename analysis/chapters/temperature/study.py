"""The study of the temperature (Figs. 7 and 8): one partition and its scores under many values of tau.

Images, scores and measures are those of the study `ablation`; only K-Means' masks, and a fine grid of tau at Table 3's
r, with the two limits: uniform weights and the best group alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.studies.mask_study import MaskStudy
from analysis.studies.weightings import Setting
from cluscam_lite.algorithm.weighting import temperature

GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0, 50.0)
TABLE_3 = "tau table 3"


class Temperature(MaskStudy):
    """K-Means' masks, scored once and weighed at every temperature of a grid."""

    name, version = "temperature", 1
    takes = ()

    def settings(self, n_clusters: int, drop_ratio: float) -> tuple[Setting, ...]:
        """Every tau of the grid, Eq. 10's, and the limits."""
        grid = [Setting(f"tau {tau:g}", drop_ratio, tau) for tau in GRID]
        own = Setting(TABLE_3, drop_ratio, temperature(n_clusters, drop_ratio))
        return (*grid, own, Setting("uniform", None, None, "uniform"), Setting("best", None, None, "best"))

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own, whose `methods` are not asked: all masks are K-Means'."""
        return super().own_lines({**profile, "methods": None}, usual)


STUDY = Temperature()
