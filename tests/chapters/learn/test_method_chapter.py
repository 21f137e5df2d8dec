"""The `method` chapter: its pictures, and that its pseudocode stands beside code that it runs."""

import json
import re

import numpy as np
import torch
from tiny import images, network

from analysis.chapters.learn.method_figures import pipeline_pictures, sheet, telling_groups
from analysis.oracles.brute_force import brute_force_cluscam
from analysis.page.figures import mosaic
from analysis.paths import ROOT
from cluscam_lite import ClusCAM
from cluscam_lite.show.drawing import masked

NOTEBOOK = ROOT / "notebooks" / "method.ipynb"


def test_brute_force_gives_the_same_groups_and_the_same_map():
    net, x = network(), images(1)
    cam = ClusCAM(net, n_clusters=6, drop_ratio=0.37)
    e, slow = cam(x), brute_force_cluscam(cam.model, x, 6, 0.37)
    assert torch.equal(e.labels[0], slow["labels"])
    torch.testing.assert_close(e.scores[0], slow["scores"], rtol=0, atol=1e-5)
    torch.testing.assert_close(e.saliency[0], slow["saliency"], rtol=0, atol=1e-4)


def test_telling_groups_are_the_best_and_the_worst_of_some_size():
    labels, scores = torch.tensor([0, 0, 1, 1, 1, 2, 3, 3, 4, 4]), torch.tensor([0.1, -3.0, 9.0, 0.5, -1.0])
    assert telling_groups(labels, scores, n=1) == [3, 1]  # group 2, of one map, is passed over
    assert telling_groups(labels, scores, n=2) == [3, 0, 4, 1]
    assert telling_groups(labels, scores, n=3) == [2, 3, 0, 4, 1]  # not six of some size: all of any
    assert telling_groups(labels, scores, n=1, fewest=3) == [2, 1]


def test_mosaic_lays_maps_row_by_row():
    drawn = mosaic(torch.stack([torch.zeros(2, 2), torch.ones(2, 2), torch.zeros(2, 2)]), columns=2)
    assert drawn.shape == (5, 5, 3) and (drawn[2] == 255).all() and (drawn[3:, 3:] == 255).all()
    assert (drawn[:2, :2] == drawn[3:, :2]).all() and not (drawn[:2, :2] == drawn[:2, 3:]).all()


def test_a_sheet_has_enlarged_cells():
    maps = torch.rand(5, 8, 8, generator=torch.manual_seed(0))
    drawn = sheet(maps, columns=3)
    assert drawn.shape == (2 * 64 + 5, 3 * 64 + 10, 3)
    assert (drawn[:8, :8] == drawn[0, 0]).all() and not (drawn[:8, 8:16] == drawn[0, 0]).all()
    assert sheet(torch.ones(2, 128, 128), columns=1).shape[:2] == (2 * 128 + 11, 128)


def test_the_pipeline_ends_with_the_map_and_tries_the_best_mask():
    net, x = network(), images(1)
    e = ClusCAM(net, n_clusters=4, drop_ratio=0.3)(x)
    photo = np.random.default_rng(0).random((*x.shape[-2:], 3))
    shown = pipeline_pictures(photo, torch.rand(5, 4, 4), e, 0.25)
    assert len(shown) == 5 and list(shown)[1].startswith("2. What one layer sees in it: 5 maps")
    first, *_, tried, last = shown.values()
    assert first is photo and torch.equal(last, e.saliency[0])
    best = int(e.scores[0].argmax())
    np.testing.assert_array_equal(tried, masked(photo, e.masks[0, best], 0.25))
    assert f"{float(e.scores[0, best]):+.2f}" in list(shown)[3]


def squeezed(code):
    return re.sub(r"\s|#.*|,(?=\s*[)\]])", "", code)


def test_the_lines_beside_algorithm_1_are_those_that_run():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    (page,) = ["".join(c["source"]) for c in cells if "## Algorithm 1 beside its code" in "".join(c["source"])]
    beside = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(beside) == 7 and [int(n) for n in re.findall(r"^\*\*(\d+)\*\*", page, re.M)] == list(range(1, 17))
    lines = ["".join(line.split("#")[0] for line in c["source"]) for c in cells if c["cell_type"] == "code"]
    runs = squeezed("".join(lines))
    for block in beside:
        assert squeezed(block) in runs
