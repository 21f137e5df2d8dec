"""What pyproject.toml cannot say: a wheel holds `cluscam_lite` alone, an editable clone the evidence, too.

Studies, verdicts and training read the plans, claims and rows of the clone. A wheel without these would have commands
that cannot work, and a package of the everyday name `analysis` in everybody's environment.
"""

import sys

from setuptools import find_packages, setup

CLONE = "editable_wheel" in sys.argv

setup(packages=find_packages(include=["cluscam_lite*", "analysis*"] if CLONE else ["cluscam_lite*"]))
