"""The study of Section 4.4: which part does the work? Masks of ten sources, each under thirteen weightings.

All weightings of one source share its scores. One row per image, setting and form of the map; a source that cannot
explain an image has one row with the reason.
"""

from analysis.studies.mask_study import MaskStudy


class Ablation(MaskStudy):
    """Masks of ten sources, each under thirteen weightings."""

    name, version = "ablation", 1


STUDY = Ablation()
