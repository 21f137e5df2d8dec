"""The Python beside Algorithms 2 and 3 on the chapter's page does what `cluscam_lite.tuning` does."""

import re

import nbformat
import numpy as np
import pytest

from analysis.run.parameters import notebook_path
from cluscam_lite.tuning import elbow, fit_mixture, proxy

GRID = (5, 10, 20, 40, 60)


@pytest.fixture(scope="module")
def printed():
    found = {}
    for cell in nbformat.read(notebook_path("hyperparameters"), 4).cells:
        if cell.cell_type == "markdown":
            for text in re.findall(r"```python\n(.*?)```", cell.source, re.S):
                exec(text, found)
    return found


def test_algorithm_2(printed):
    rng = np.random.default_rng(0)
    scores = [[rng.normal(size=k) for _ in range(3)] for k in GRID]
    curve = [proxy(images) for images in scores]
    assert printed["algorithm_2"](GRID, scores) == elbow(GRID, curve)
    assert printed["algorithm_2"](GRID, scores, np.argmin) == elbow(GRID, curve, "argmin")


def test_algorithm_3(printed):
    rng = np.random.default_rng(0)
    scores = np.r_[rng.normal(-3, 1, 300), rng.normal(2, 0.5, 700)].reshape(10, 100)
    assert printed["algorithm_3"](scores) == pytest.approx(fit_mixture(scores, tolerance=1e-3).drop_ratio)
    assert printed["algorithm_3"](scores) == pytest.approx(0.3, abs=0.02)
