"""The study of Section 4.4: which part does the work? Masks of ten sources, each under thirteen weightings.

All weightings of one source share its scores. One row per image, setting and form of the map; a source that cannot
explain an image has one row with the reason.
"""

from collections.abc import Mapping
from typing import Any

from analysis.engine.mask_sources import (
    SOURCES,
)
from analysis.engine.mask_study import MaskStudy, blocks
from analysis.engine.plan import Plan, check_profile, own_plan
from cluscam_lite.errors import unknown

ALL_SEEDS = 5
PLANS = {
    "smoke": Plan("scenes", "test", "train", blocks({("scene_cnn", "paper"): 2}, ("kmeans", "random", "donor"), 1)),
    "embedded": Plan(
        "scenes", "test", "train", blocks({("scene_cnn", "paper"): 3, ("scene_vit", "paper"): 2}, SOURCES, 2)
    ),
    # fixed by analysis/paper/claims.yaml before any of these images was looked at
    "reference": Plan(
        "ilsvrc",
        "confirm",
        "tune",
        blocks({("mobileone_s0", "paper"): 200, ("vit_tiny_patch16_224", "paper"): 200}, SOURCES, ALL_SEEDS),
    ),
}


class Ablation(MaskStudy):
    """Masks of ten sources, each under thirteen weightings."""

    name, version = "ablation", 1

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """Which sources run on which images."""
        return plan_of(profile)


def plan_of(profile: Mapping[str, Any]) -> Plan:
    """The plan of a profile, by its name; for one of the user's own, its networks, and its `methods` as sources."""
    if profile.get("profile") in PLANS:
        return PLANS[profile["profile"]]
    check_profile(profile, "the ablation")
    sources = tuple(profile.get("methods") or SOURCES)
    for source in sources:
        if source not in SOURCES:
            raise unknown("source of masks", source, SOURCES)
    layer = profile.get("layer") or "paper"
    networks = {(model, layer): int(profile["n_images"]) for model in profile["models"]}
    return own_plan(profile, blocks(networks, sources, 1))


STUDY = Ablation()
