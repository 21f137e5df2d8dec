"""What a study's image is said to cost is what its run takes; a plan's cells are those that it is said to have."""

import pytest
import torch
from torch import nn

from analysis.run.parameters import profile_parameters
from analysis.studies.cost import rates
from analysis.studies.cost.passes import shape_of
from analysis.studies.cost.work import ROUNDS, Piece, Planned, fitting, panel_of, pieces, planned, round_of
from analysis.studies.plan import PlannedStudy
from analysis.studies.registry import REGISTRY, find_study
from cluscam_lite import get_spec, load_model

SMOKE = profile_parameters("smoke")
AT_MOST = ("groundtruth", "logits", "stability", "runtime", "boxes", "whatif")  # their docstrings say what is not taken
STUDIES = [name for name in REGISTRY if name != "toy"]


@pytest.fixture
def through(monkeypatch):
    """Images that went through a network from outside, whichever it is."""
    seen, depth = [0], [0]
    call = nn.Module.__call__

    def counted(module, *inputs, **named):
        if depth[0] == 0 and inputs and isinstance(inputs[0], torch.Tensor) and inputs[0].ndim == 4:
            seen[0] += len(inputs[0])
        depth[0] += 1
        try:
            return call(module, *inputs, **named)
        finally:
            depth[0] -= 1

    monkeypatch.setattr(nn.Module, "__call__", counted)
    return seen


@pytest.mark.parametrize("name", STUDIES)
def test_a_block_takes_the_passes_that_are_counted_for_it(name, through):
    study = find_study(name)
    one = Planned(study, study.plan(SMOKE))
    block = one.plan.blocks[0]
    panel = panel_of(block)
    shape = shape_of(load_model(panel.model).module, get_spec(panel.model).layer(panel.layer), panel.size)
    expected = study.passes(block, shape)
    cells = [*study.block_cells(one.plan, block, 0)]
    assert [len(cell.images) for cell in cells] == [n for _, n in study.spans(block)]
    through[0] = 0
    mine = cells if name == "groundtruth" else cells[:1]  # its methods take turns
    for cell in mine:
        study.run(cell, lambda _: None)
    taken = through[0] / sum(len(cell.images) for cell in mine)
    counted = expected.forward + expected.head
    if name in AT_MOST:
        assert 0.2 * counted <= taken <= counted
    else:
        assert counted <= taken <= 1.15 * counted  # images that share batches may take a few passes more


@pytest.mark.parametrize("profile", ["smoke", "embedded"])
@pytest.mark.parametrize("name", STUDIES)
def test_the_spans_of_a_plan_are_its_cells(name, profile):
    study, parameters = find_study(name), profile_parameters(profile)
    spans = [n for block in study.plan(parameters).blocks for _, n in study.spans(block)]
    assert spans == [len(cell.images) for cell in study.cells(parameters)]


def test_all_studies_of_a_profile_are_those_that_have_a_plan_for_it():
    names = lambda profile: [one.name for one in planned(profile)]  # noqa: E731
    assert names(profile_parameters("reference")) == STUDIES
    grid = ["logits", "faithfulness", "boxes", "ablation", "temperature", "hyperparameters", "runtime", "alzheimer"]
    assert names(profile_parameters("paper")) == names(profile_parameters("rehearsal")) == grid
    mine = {"profile": "own", "dataset": "phantoms", "models": ["phantom_cnn"], "n_images": 2}
    assert names(mine) == ["alzheimer", "sanity"]
    assert [one.name for one in planned(SMOKE, ["boxes"])] == ["boxes"]


class Work(PlannedStudy):
    """Two blocks of 600 and 120 images, 100 at a time."""

    name = "work"

    class block:
        def __init__(self, n):
            self.model, self.layer, self.n_images, self.images_per_cell = "scene_cnn", "paper", n, 100

    def block_cells(self, plan, block, seed):
        return []

    def passes(self, block, shape):
        from analysis.studies.cost.passes import Passes

        return Passes(forward=1)


@pytest.fixture
def work(monkeypatch):
    from analysis.studies.plan import Plan

    study = Work()
    plan = Plan("scenes", "", "", (Work.block(600), Work.block(120)))
    shapes = {panel_of(block): None for block in plan.blocks}
    return pieces([Planned(study, plan)], shapes)


def test_the_first_images_of_every_block_come_before_further_ones(work):
    assert [piece.round for piece in work] == [0, 0, 1, 1, 1, 1, 1, 2]
    assert [piece.cell for piece in work] == [0, 6, 1, 2, 3, 4, 7, 5]
    assert [round_of(n) for n in (1, ROUNDS[0], ROUNDS[0] + 1, ROUNDS[1], ROUNDS[1] + 1)] == [0, 0, 1, 1, 2]


class Rate:
    """A second for each pass."""

    def of(self, passes):
        return passes.forward


def test_what_fits_a_budget_is_a_prefix_of_what_fits_a_larger_one(work):
    rates = {piece.panel: Rate() for piece in work}
    chosen = [fitting(work, rates, budget) for budget in range(0, 800, 50)]
    assert chosen[0] == [] and chosen[-1] == work
    assert all(larger[: len(smaller)] == smaller for smaller, larger in zip(chosen, chosen[1:], strict=False))
    # a small piece does not jump the queue
    long_first = [Piece("a", 0, work[0].panel, work[0].passes * 10), work[1]]
    assert fitting(long_first, rates, 500) == []


def test_a_first_call_that_imports_is_not_what_is_measured(monkeypatch):
    took = iter([3.0, 0.01, 0.01])
    clock = [0.0]

    def work():
        clock[0] += next(took)

    monkeypatch.setattr(rates.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(rates.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(rates.torch, "get_num_threads", lambda: 1)
    assert rates._seconds(work, 1, 0.1, torch.device("cpu")) == pytest.approx(0.01)
