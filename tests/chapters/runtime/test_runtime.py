"""Timing: phases are ClusCAM itself, passes are counted exactly, the study's rows say what ran."""

import pytest
import torch
from same_rows import same_rows
from tiny import images, network

from analysis.chapters.runtime.plan import BRUTE_FORCE, title_of
from analysis.chapters.runtime.study import STUDY
from analysis.engine import read, run
from analysis.oracles import timing as runtime
from analysis.oracles import verify
from analysis.oracles.timing import PHASES, FewerMaps, Stopwatch, phased, plain_passes, resized, side_by_side
from analysis.studies.cost.counting import counting
from analysis.studies.plans.file import groups_of_methods
from analysis.studies.registry import find_study
from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.methods import METHODS

PROFILE = {"profile": "smoke", "seed": 0}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runtime")
    run(find_study("runtime"), PROFILE, folder, quiet=True)
    return read(STUDY, folder)


# phases


@pytest.mark.parametrize("backend", ["sklearn", "torch"])
@pytest.mark.parametrize("settings", [{}, {"space": "raw"}, {"fill": "blur"}, {"precision": "bfloat16"}])
def test_the_phases_are_cluscam_to_the_bit(backend, settings):
    cam, x = ClusCAM(network(), n_clusters=7, backend=backend, batch_size=5, **settings), images(2)
    e, found = cam(x), phased(cam, x)
    for name in ("labels", "scores", "saliency", "output"):
        assert torch.equal(getattr(found, name), getattr(e, name)), name
    assert tuple(found.seconds) == PHASES and all(value > 0 for value in found.seconds.values())
    assert found.total == sum(found.seconds.values())


def test_other_clusterings_have_no_phases():
    with pytest.raises(CluscamError, match="phases are timed for K-Means, and this ClusCAM groups by 'none'"):
        phased(ClusCAM(network(), clustering="none"), images(1))


def test_the_stopwatch_adds_laps(monkeypatch):
    times = iter([0.0, 1.0, 5.0, 7.0, 10.0, 10.5])
    monkeypatch.setattr(runtime.time, "perf_counter", lambda: next(times))
    watch = Stopwatch(torch.device("cpu"))
    for phase in ("scoring", "sum", "scoring"):
        with watch(phase):
            pass
    assert watch.seconds == {"scoring": 1.5, "sum": 2.0}


def test_an_accelerator_is_waited_for(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: calls.append(device))
    with Stopwatch(torch.device("cuda"))("sum"):
        assert len(calls) == 1  # before the clock starts
    assert len(calls) == 2  # before it stops


def test_ratios_are_of_medians_of_turns():
    # the warm-up round takes 100 and 100, then the first takes 2, 9, 4 and the second 1, 1, 3
    spans = iter([100, 100, 2, 1, 9, 1, 4, 3])
    clock = [0.0]

    def work():
        clock[0] += next(spans)

    assert side_by_side(work, work, repeats=3, clock=lambda: clock[0]) == 4.0


# passes


class Shapes:
    """Notes the batch shape and memory format of every pass."""

    def __init__(self, d=16):
        self.passes, self.maps = [], torch.rand(1, d, 4, 4, generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        return self.maps.expand(len(x), -1, -1, -1), self.output(x)

    def output(self, x):
        self.passes.append((tuple(x.shape), x.is_contiguous(memory_format=torch.channels_last)))
        return x[:, :2].mean((2, 3))


@pytest.mark.parametrize(("k", "chunk"), [(1, 4), (4, 4), (9, 4), (11, 3)])
def test_plain_passes_have_the_shapes_and_the_number_of_cluscams(k, chunk):
    ours, plain, x = Shapes(), Shapes(), images(1)
    ClusCAM(ours, n_clusters=k, batch_size=chunk)(x)
    plain_passes(plain, x, k, chunk)
    assert ours.passes == plain.passes and sum(shape[0] for shape, _ in plain.passes) == k + 1
    again = Shapes()
    phased(ClusCAM(again, n_clusters=k, batch_size=chunk), x)
    assert again.passes == plain.passes


def test_images_are_counted_and_the_hook_is_gone():
    net = network()
    with counting(net) as count:
        net(images(3))
        HookedModel(net, "1").forward(images(2))
    net(images(1))
    assert count.forward == 5 and not net._forward_pre_hooks
    with pytest.raises(ZeroDivisionError), counting(net):
        raise ZeroDivisionError
    assert not net._forward_pre_hooks


def test_fewer_maps_are_the_first_ones():
    whole, x = HookedModel(network(channels=12), "1"), images(1)
    maps, output = FewerMaps(whole, 5).forward(x)
    assert torch.equal(maps, whole.forward(x)[0][:, :5]) and torch.equal(output, whole.output(x))
    with pytest.raises(CluscamError, match="the layer gives 12 maps; expected at least the 13"):
        FewerMaps(whole, 13).forward(x)
    assert resized(x, 20).shape == (1, 3, 20, 20)


# the study


def test_rows_say_how_many_passes_are_in_each_piece_of_work(rows):
    own = rows[(rows.method == "cluscam") & (rows.variant == "")].set_index(["repeat", "item"]).forward_passes
    for repeat in (0, 1):
        assert own[repeat].to_dict() == {
            "whole": 31, "passes": 31, "features": 1, "normalise": 0, "clustering": 0, "scoring": 30, "sum": 0,
        }  # fmt: skip
    whole = rows[(rows.item.isin(["whole", "passes"])) & (rows.variant == "")].groupby(["method", "item"])
    through, d = whole.through.first(), rows.d.max()
    assert d == 128 and (whole.forward_passes.first() == through).all()  # as declared, so counted
    assert through.to_dict() == {
        ("cluscam", "whole"): 31, ("cluscam", "passes"): 31, (BRUTE_FORCE, "whole"): 31, (BRUTE_FORCE, "passes"): 31,
        ("gradcam", "whole"): 1, ("fakecam", "whole"): 1, ("scorecam", "whole"): d + 2,
    }  # fmt: skip
    assert (rows[rows.method == "gradcam"].backward_passes == 1).all()


def test_times_are_there_and_are_no_part_of_what_must_repeat(rows):
    timed = rows[rows.item != "agreement"]
    assert (timed.seconds > 0).all() and (timed.seconds_pass > 0).all() and rows.seconds.isna().sum() == 6
    assert same_rows(rows, rows.assign(seconds=1.0, seconds_pass=2.0))
    assert set(rows.device) == {STUDY.cells(PROFILE)[0].settings["device"]}


def test_growth_varies_one_thing_at_a_time(rows):
    grown = rows[rows.variant.str.contains(r"^(?:K|d|size) ")].drop_duplicates("variant").set_index("variant")
    assert grown[["K", "d", "height"]].T.to_dict("list") == {
        "K 5": [5, 128, 96], "K 10": [10, 128, 96], "d 32": [30, 32, 96], "d 64": [30, 64, 96],
        "size 64": [30, 128, 64], "size 96": [30, 128, 96],
    }  # fmt: skip


def test_batches_are_compared_with_their_reference(rows):
    batch = rows[rows.item == "agreement"].groupby("variant")
    assert (batch.size() == 2).all()
    same, torchs, half = (f"batch, {v}" for v in ("sklearn, float32", "torch, float32", "torch, bfloat16"))
    assert batch.max_difference.max()[same] == 0 and batch.inertia_ratio.max()[same] == 1
    assert batch.inertia_ratio.mean()[torchs] == pytest.approx(1, abs=0.1)
    assert batch.inertia_ratio.max()[half] == 1 and 0 < batch.max_difference.max()[half] < 0.1


def test_what_cannot_explain_is_a_row_with_a_reason(monkeypatch):
    def refuse(*_):
        raise NotApplicable("not on this network")

    monkeypatch.setattr("analysis.chapters.runtime.study.explainer_of", refuse)
    own = {"dataset": "scenes", "models": ["scene_cnn"], "n_images": 1, "methods": ["gradcam"]}
    found = STUDY.run(STUDY.cells(own)[-1], lambda n: None)
    assert set(found.reason) == {"not on this network"} and found.seconds.isna().all() and len(found) == 3


def test_plans():
    for name in ("smoke", "embedded", "reference"):
        blocks = STUDY.plan({"profile": name}).blocks
        assert len({(b.model, b.layer, b.method, b.variant) for b in blocks}) == len(blocks)
        assert {b.method for b in blocks} <= {*METHODS, BRUTE_FORCE}
    # every method on every real network, which then may say that it cannot
    reference = STUDY.plan({"profile": "reference"}).blocks
    for model in {b.model for b in reference}:
        assert {b.method for b in reference if b.model == model} == {*METHODS, BRUTE_FORCE}
    assert all(b.repeats == 1 for b in reference if b.method in groups_of_methods()["dear"])
    assert max(b.images_on("cuda") for b in reference) == 32
    own = {"dataset": "scenes", "models": ["scene_vit"], "n_images": 2, "methods": ["edges"]}
    assert [b.method for b in STUDY.plan(own).blocks] == ["cluscam", BRUTE_FORCE, "edges"]
    with pytest.raises(CluscamError, match="no 'models'"):
        STUDY.plan({"dataset": "scenes", "n_images": 2})
    with pytest.raises(UnknownName, match="egdes"):
        STUDY.plan(own | {"methods": ["egdes"]})
    with pytest.raises(CluscamError, match="'nocam', which is not registered"):
        title_of("nocam")


# make verify


def test_without_a_gpu_the_check_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert verify.main(["--data-root", str(tmp_path), "--only", "gpu"]) == 0
    assert "not run: torch sees no GPU here" in capsys.readouterr().out


def test_a_missed_limit_fails(monkeypatch, capsys, tmp_path):
    import pandas as pd

    monkeypatch.setitem(verify.CHECKS, "ratios", ("Time", lambda root: pd.DataFrame({"pass": [True, False]})))
    assert verify.main(["--data-root", str(tmp_path), "--only", "ratios"]) == 1
    assert "some checks FAILED" in capsys.readouterr().out
    assert verify.RATIOS == {"resnet50_v1": (1.05, 8.0), "mobileone_s0": (1.15, 20.0)} and verify.SCORECAM == 30
