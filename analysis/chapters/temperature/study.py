"""The study of the temperature (Figs. 7 and 8): one partition and its scores under many values of tau.

Images, scores and measures are those of the study `ablation`; only K-Means' masks, and a fine grid of tau at Table 3's
r, with the two limits: uniform weights and the best group alone.
"""

from collections.abc import Mapping
from typing import Any

from analysis.engine.mask_study import MaskStudy, blocks
from analysis.engine.plan import Plan, check_profile, own_plan
from analysis.engine.weightings import Setting
from cluscam_lite.algorithm.weighting import temperature

GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0, 50.0)
TABLE_3 = "tau table 3"

PLANS = {
    "smoke": Plan("scenes", "test", "train", blocks({("scene_cnn", "paper"): 2}, ("kmeans",), 1)),
    "embedded": Plan(
        "scenes", "test", "train", blocks({("scene_cnn", "paper"): 16, ("scene_vit", "paper"): 6}, ("kmeans",), 1)
    ),
    "reference": Plan(
        "ilsvrc",
        "confirm",
        "tune",
        blocks({("mobileone_s0", "paper"): 200, ("vit_tiny_patch16_224", "paper"): 200}, ("kmeans",), 1),
    ),
}


class Temperature(MaskStudy):
    """The study as the engine wants it."""

    name, version = "temperature", 1

    def settings(self, n_clusters: int, drop_ratio: float) -> tuple[Setting, ...]:
        """Every tau of the grid, Eq. 10's, and the limits."""
        grid = [Setting(f"tau {tau:g}", drop_ratio, tau) for tau in GRID]
        own = Setting(TABLE_3, drop_ratio, temperature(n_clusters, drop_ratio))
        return (*grid, own, Setting("uniform", drop_ratio, None, "uniform"), Setting("best", drop_ratio, None, "best"))

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """The plan of a profile, by its name; for one of the user's own, its networks."""
        if profile.get("profile") in PLANS:
            return PLANS[profile["profile"]]
        check_profile(profile, "the temperature")
        layer = profile.get("layer") or "paper"
        networks = {(model, layer): int(profile["n_images"]) for model in profile["models"]}
        return own_plan(profile, blocks(networks, ("kmeans",), 1))


STUDY = Temperature()
