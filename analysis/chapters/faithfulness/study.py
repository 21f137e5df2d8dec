"""The study of Sections 4.2 and Appendix D: how faithful is each method's map, and is it in the right place?

One map per image and method. Each is evaluated in three forms (as it is, brought to a coverage of one half, and its
complement) with three fills, and, on images with one box, against that box: so Tables 2, 4 and 5 come from one run.
"""

from collections.abc import Mapping
from typing import Any

from analysis.chapters.faithfulness.plan import plan_of
from analysis.engine.map_study import MapStudy
from analysis.engine.plan import Plan


class Faithfulness(MapStudy):
    """Every method of the paper, the null methods and the trivial maps."""

    name, version = "faithfulness", 1

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """Which methods run on which images."""
        return plan_of(profile)


STUDY = Faithfulness()
