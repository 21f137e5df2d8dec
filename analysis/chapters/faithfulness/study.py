"""The study of Sections 4.2 and Appendix D: how faithful is each method's map, and is it in the right place?

One map per image and method. Each is evaluated in three forms (as it is, brought to a coverage of one half, and its
complement) with three fills, and, on images with one box, against that box: so Tables 2, 4 and 5 come from one run.
"""

from analysis.studies.map_study import MapStudy


class Faithfulness(MapStudy):
    """Every method of the paper, the null methods and the trivial maps."""

    name, version = "faithfulness", 1


STUDY = Faithfulness()
