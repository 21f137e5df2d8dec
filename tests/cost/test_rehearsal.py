"""The paper's grid, rehearsed with random weights: its studies and networks, from the command to the rows."""

import json
from functools import lru_cache

import pandas as pd
import pytest

from analysis.engine import read
from analysis.judging.ledger import all_claims, claim_table, judged
from analysis.judging.reproduction.magnitudes import all_magnitudes, magnitudes
from analysis.paper.reproduction import reproduction
from analysis.run.parameters import profile_parameters
from analysis.studies.cost.rates import architecture
from analysis.studies.cost.work import planned
from analysis.studies.everything import studies_of
from analysis.studies.registry import find_study
from cluscam_lite import get_spec
from cluscam_lite.cli import main
from cluscam_lite.models import model_names

REHEARSAL, PAPER = profile_parameters("rehearsal"), profile_parameters("paper")
SLICE = ("resnet18", "levit_192")
DEAR = ("scorecam", "ablationcam", "none", "hdbscan", "spectral", "agglomerative")  # for the slow test alone
PAPERS = [name for name in model_names() if get_spec(name).in_paper]


def asked(profile):
    """(study, backbone, layer, method or source, seed) of every block."""
    return {
        (one.name, architecture(block.model), block.layer, str(getattr(block, "method", getattr(block, "source", ""))))
        for one in planned(profile)
        for block in one.plan.blocks
    }


def test_the_rehearsal_is_of_the_papers_grid():
    paper, rehearsal = asked(PAPER), asked(REHEARSAL)
    assert rehearsal <= paper
    assert {found for found in paper if found[0] == "faithfulness"} <= rehearsal
    for place in ((0, 1, 2), (0, 3)):
        of = lambda found: {tuple(one[i] for i in place) for one in found}  # noqa: B023, E731
        assert of(paper) == of(rehearsal)
    assert {one[1] for one in paper} == {*PAPERS}


def test_every_network_of_the_grid_is_the_papers_with_its_weights_and_layers():
    for one in planned(PAPER):
        for block in one.plan.blocks:
            spec = get_spec(block.model)
            assert spec.tier == "reproduction" or one.name == "alzheimer"
            assert block.layer in ("paper", "last", "last_input")
    known = [name for group in ("cnn", "transformer") for name in reproduction()["networks"][group]]
    assert known == PAPERS


def run_slice(folder, profile, keep):
    """Run the cells of the profile that `keep(cell)` wants, study by study."""
    from analysis.engine import run

    studies = studies_of(profile, [], lambda name: folder / name, quiet=True)
    for one in studies.planned:
        cells = one.study.cells(profile)
        numbers = [i for i, cell in enumerate(cells) if keep(cell)]
        assert numbers
        run(one.study, profile, folder / one.name, quiet=True, only=numbers)
    return studies


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slice")
    seen = set()

    def keep(cell):
        if architecture(cell.model) not in SLICE or cell.method in DEAR or cell.variant:
            return False
        # the methods share their code between data sets: each on one network of the slices
        key = (cell.study, cell.method) if cell.study in ("alzheimer", "runtime") else (*cell.to_dict().values(),)
        key = tuple(map(str, key))
        new = key not in seen
        seen.add(key)
        return new

    from analysis.studies import explaining

    with pytest.MonkeyPatch.context() as patch:  # cells take turns with the networks, which are built once here
        patch.setattr(explaining, "load_model", lru_cache(explaining.load_model))
        run_slice(folder, REHEARSAL, keep)
    return folder


@pytest.mark.slow  # the slice takes minutes
def test_a_slice_of_the_rehearsal_gives_rows_of_every_study(sliced):
    for one in planned(REHEARSAL):
        rows = read(one.study, sliced / one.name, allow_partial=True)
        assert len(rows) and rows["model"].str.startswith("random:").all()
        assert {architecture(name) for name in rows["model"]} <= {*SLICE}


def rows_of(folder, rename=False):
    """``rows_of(study)`` for the ledger; `rename` passes random weights off as the paper's."""

    def found(study):
        rows = read(find_study(study), folder / study, allow_partial=True)
        if rename:
            rows = rows.assign(model=[own_name(name) for name in rows["model"]])
        return rows

    return found


def own_name(name):
    plain = name.removeprefix("random:").partition("@")[0]
    return plain.replace("-phantoms-128-", "-alzheimer_mri-224-")


@pytest.mark.slow  # the slice takes minutes
def test_rows_of_random_weights_are_never_judged(sliced):
    studies = {one.name for one in planned(REHEARSAL)}
    for claim in all_claims():
        if claim["study"] in studies:
            table = claim_table(rows_of(sliced), claim)
            reproductions = table[table["tier"] == "reproduction"]
            assert (reproductions["verdict"] == "not run").all() and (reproductions["model"] == "").all()
            assert not len(magnitudes(rows_of(sliced)(claim["study"]), claim, judged))
    assert not len(all_magnitudes(sliced, [c for c in all_claims() if c["study"] in studies], judged))


@pytest.mark.slow  # the slice takes minutes
def test_rows_of_other_images_judge_nothing_whatever_their_networks_are_called(sliced):
    claim = next(one for one in all_claims() if one["id"] == "C7n")
    table = claim_table(rows_of(sliced, rename=True), claim)
    assert {*table["tier"]} == {"reproduction"} and {*table["model"]} == {*PAPERS}
    assert (table["verdict"] == "not run").all() and not table["reason"].str.contains("no rows yet").any()


def test_the_estimate_says_what_each_study_takes_and_runs_nothing(tmp_path, capsys):
    out, saved = tmp_path / "out", tmp_path / "estimate.json"
    options = ["--profile", "smoke", "--estimate", "--measure", "1s", "--out", str(out), "--save", str(saved)]
    assert main(["study", "all", *options]) == 0
    shown = capsys.readouterr().out
    assert not out.exists() and "Nothing has been run" in shown and "All weights are on this machine" in shown
    record = json.loads(saved.read_text())
    assert [one["study"] for one in record["studies"]] == [one.name for one in planned(profile_parameters("smoke"))]
    assert all(one["seconds"] > 0 and one["images"] > 0 for one in record["studies"])
    assert {one["network"] for one in record["networks"]} >= {"scene_cnn", "phantom_cnn"}


@pytest.mark.parametrize("options, said", [
    (["--budget", "1s"], "fits nothing: the first piece of work, 3 images of Scene CNN for the study logits, takes"),
    (["--budget", "soon"], "the time 'soon' cannot be read; write a number and s, min, h or d"),
    (["--budget", "0h"], "the time '0h' cannot be read"),
    (["--estimate", "--budget", "2h"], "--estimate runs nothing"),
    (["--save", "x.json"], "--save is for the estimate"),
])  # fmt: skip
def test_a_mistake_is_one_sentence(options, said, tmp_path, capsys, monkeypatch):
    from analysis.studies.cost import rates

    monkeypatch.setattr(rates, "_seconds", lambda *_: 1.0)  # a slow machine
    command = ["study", "all", "--profile", "smoke", "--measure", "1s", "--out", str(tmp_path / "out")]
    assert main([*command, *options]) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_a_budget_takes_the_first_cells_and_the_next_one_goes_on(tmp_path, capsys, monkeypatch):
    from analysis.studies.cost import rates

    monkeypatch.setattr(rates, "_seconds", lambda work, images, *_: 0.01)
    command = ["study", "boxes", "--profile", "embedded", "--measure", "1s", "--out", str(tmp_path), "--quiet"]
    assert main([*command, "--budget", "1.05s"]) == 0
    first = read(find_study("boxes"), tmp_path, allow_partial=True)
    assert "1 of 2 pieces of work fit" in capsys.readouterr().out
    assert main([*command, "--budget", "1.05s"]) == 0
    both = read(find_study("boxes"), tmp_path)
    pd.testing.assert_frame_equal(both.iloc[: len(first)], first)
    assert main([*command, "--budget", "1.05s"]) == 0
    assert "nothing is left to do" in capsys.readouterr().out


def test_without_weights_or_images_nothing_begins(tmp_path, capsys, monkeypatch, no_data_root):
    from analysis.studies import everything

    monkeypatch.setattr(everything, "has_weights", lambda name: not get_spec(name).weights_id)
    monkeypatch.setattr(everything, "hub_reachable", lambda spec: False)
    command = ["study", "all", "--profile", "paper", "--out", str(tmp_path / "out")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert all(
        name in error for name in (*PAPERS, "no network to timm and torchvision", "into weights/ of a data root")
    )
    monkeypatch.setattr(everything, "has_weights", lambda name: True)
    data = tmp_path / "data"
    (data / "ilsvrc2012_val").mkdir(parents=True)
    monkeypatch.setenv("CLUSCAM_DATA", str(data))
    monkeypatch.setattr("cluscam_lite.datasets.ilsvrc.samples._has_official_files", lambda _: True)
    names = {f"ILSVRC2012_val_{i:08d}" for i in range(1, 1001)}
    images = type("Images", (), {"ids": sorted(names), "read": None})()
    monkeypatch.setattr("cluscam_lite.datasets.ilsvrc.samples._stored_images", lambda *_: images)
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "asks for 2,000 of the validation images, and 0 are here" in error and len(error.splitlines()) == 1


@pytest.mark.slow
def test_the_whole_rehearsal(tmp_path):
    """Twelve networks, every method: some minutes."""
    studies = studies_of(REHEARSAL, [], lambda name: tmp_path / name, quiet=True)
    studies.run()
    for one in studies.planned:
        rows = read(one.study, tmp_path / one.name)
        assert {architecture(name) for name in rows["model"]} == {*PAPERS}
