"""The study of stability: its rows against explanations made one by one, its changes, and what a plan may not say."""

import math

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from analysis.chapters.stability.perturbations import (
    BASE,
    PERTURBATIONS,
    Perturbation,
    agreement,
    made_smaller,
    perturbation,
    saved_as_jpeg,
    shifted,
)
from analysis.chapters.stability.study import STUDY, Block
from analysis.engine import read, run
from analysis.paths import ROOT
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.methods import METHODS, method
from cluscam_lite.metrics import correlation, evaluate, overlap, rank_correlation

SPEC = get_spec("scene_vit")
PROFILE = {"profile": "mine", "dataset": "scenes", "models": ["scene_vit"], "n_images": 1, "layer": "last", "seed": 0}
CHANGES = ["seed 2", "beside", "shift 4", "jpeg 75", "fill black", "K + 1"]


def one(block, folder):
    """The rows of one block on scenes."""
    plan = STUDY.plan(PROFILE)
    cells = list(STUDY.block_cells(plan, STUDY.finished(block, "scenes"), 0))
    return STUDY.run(cells[0], lambda done: None).set_index(["explainer", "perturbation"])


@pytest.fixture(scope="module")
def picture():
    return load_dataset("scenes", part="test", n=1)[0].image


@pytest.fixture(scope="module")
def module():
    return load_model(SPEC).module


def cam(module, **settings):
    return ClusCAM.from_spec(SPEC, module, "last", **settings)


def input_of(picture):
    return SPEC.preprocess()(picture)[None]


def test_every_row_is_what_explaining_apart_gives(module, picture, tmp_path):
    block = Block("scene_vit", "last", "cluscam", 1, perturbations=tuple(CHANGES))
    rows = one(block, tmp_path)
    x = input_of(picture)
    base = cam(module)(x)
    target = int(base.target[0])
    k = SPEC.n_clusters
    apart = {
        "none": (x, 0, {}),
        "seed 2": (x, 0, {"seed": 2}),
        "beside": (torch.cat([x, x.flip(-1)]), 0, {}),
        "shift 4": (torch.cat([x[..., :1]] * 4 + [x[..., :-4]], -1), 4, {}),
        "jpeg 75": (input_of(saved_as_jpeg(picture)), 0, {}),
        "fill black": (x, 0, {"fill": "black"}),
        "K + 1": (x, 0, {"n_clusters": k + 1}),
    }
    for explainer, weighting in (("cluscam", {}), ("soft", {"drop_ratio": 0.0, "temperature": 1.0})):
        before = cam(module, **weighting)(x).saliency[0]
        for name, (changed, shift, settings) in apart.items():
            again = cam(module, **settings, **weighting)(changed, target)
            after, width = again.saliency[0], before.shape[1]
            pair = before[:, : width - shift], after[:, shift:]
            row = rows.loc[explainer, name]
            expected = [correlation(*pair), rank_correlation(*pair), overlap(*pair)]
            assert row[["correlation", "rank", "overlap"]].tolist() == pytest.approx(expected, abs=1e-5), name
            (said,) = evaluate(module, changed[:1], after, target, fills=("mean",), forms=("raw",))
            measures = ["coverage", "probability", "probability_masked", "drop", "increase", "gain"]
            assert row[measures].tolist() == pytest.approx([said[m] for m in measures], abs=1e-3), name
            assert row["target"] == target and row["top1"] == int(again.output[0].argmax())
    assert rows.loc["cluscam", "none"][["correlation", "rank", "overlap"]].tolist() == [1, 1, 1]
    assert set(rows.index.get_level_values(0)) == {"cluscam", "soft"}  # no mean was asked for


def test_the_mean_over_five_seeds_is_held_against_that_of_five_others(module, picture, tmp_path):
    block = Block("scene_vit", "last", "cluscam", 1, perturbations=("seed 1", "shift 1"), averaged=("seed 1",))
    rows = one(block, tmp_path)
    x = input_of(picture)
    maps = [cam(module, seed=seed)(x).saliency[0] for seed in range(10)]
    first, second = (sum(maps[start : start + 5]) / 5 for start in (0, 5))
    assert rows.loc["mean5", "seed 1"]["correlation"] == pytest.approx(correlation(first, second), abs=1e-5)
    assert rows.loc["mean5", "none"]["coverage"] == pytest.approx(
        float(((first - first.min()) / (first.max() - first.min())).mean()), abs=1e-5
    )
    assert ("mean5", "shift 1") not in rows.index
    assert rows.loc["cluscam", "seed 1"]["correlation"] == pytest.approx(correlation(maps[0], maps[1]), abs=1e-5)


@pytest.mark.parametrize("name", ["gradcam", "smooth", "donor"])
def test_other_methods_are_what_the_registry_gives(name, module, picture, tmp_path):
    changes = ("seed 1", "shift 2")
    block = Block("scene_vit", "last", name, 1, perturbations=changes)
    rows = one(block, tmp_path)
    x = input_of(picture)
    if name == "gradcam":
        e = method(name, module, SPEC, "last_input")
        assert set(rows.index) == {("gradcam", "none"), ("gradcam", "shift 2")}  # it has no seed
        pair = e(x).saliency[0][:, :-2], e(shifted(x, 2), int(e(x).target[0])).saliency[0][:, 2:]
        assert rows.loc[name, "shift 2"]["correlation"] == pytest.approx(correlation(*pair), abs=1e-5)
    else:
        assert {name for _, name in rows.index} == {"none", *changes}
        assert rows.loc[name, "seed 1"]["correlation"] < 0.999


def test_a_run_of_a_readers_own_has_every_image_and_change(tmp_path):
    run(STUDY, PROFILE | {"models": ["scene_cnn"], "methods": ["gradcam"], "n_images": 2}, tmp_path, quiet=True)
    rows = read(STUDY, tmp_path)
    plan = yaml.safe_load((ROOT / "notebooks/plans/stability.yaml").read_text(encoding="utf-8"))
    fitting = [name for name in plan["own"]["scenes"]["perturbations"] if PERTURBATIONS[name].fits("gradcam")]
    assert len(rows) == 2 * (1 + len(fitting)) and set(rows["perturbation"]) == {BASE, *fitting}
    assert rows["correlation"].between(-1, 1).all()


# changes


def test_which_method_has_what():
    assert not any(PERTURBATIONS[name].fits("gradcam") for name in ("seed 1", "back end", "fill blur", "K - 1"))
    assert all(change.fits("cluscam") for change in PERTURBATIONS.values())
    assert PERTURBATIONS["beside"].fits("opticam") and not PERTURBATIONS["chunk 1"].fits("opticam")
    assert PERTURBATIONS["seed 1"].fits("smooth") and not PERTURBATIONS["back end"].fits("smooth")
    assert {change.kind for change in PERTURBATIONS.values()} == {"seed", "grouping", "setting", "picture"}
    for change in PERTURBATIONS.values():
        assert all(isinstance(change.fits(name), bool) for name in METHODS)


@pytest.mark.parametrize("pixels", [0, 1, 4])
def test_a_shift_is_undone_on_what_both_have_seen(pixels):
    some = torch.rand(5, 9, generator=torch.Generator().manual_seed(0))
    moved = shifted(some, pixels)
    by_hand = np.array([[row[max(0, j - pixels)] for j in range(9)] for row in some.tolist()])
    np.testing.assert_allclose(moved, by_hand, rtol=1e-6)
    assert agreement(some, moved, pixels) == {"correlation": pytest.approx(1), "rank": pytest.approx(1), "overlap": 1}
    if pixels:
        assert agreement(some, moved)["correlation"] < 0.99


def test_maps_without_contrast_and_of_one_pixel_have_no_agreement():
    flat, some = torch.zeros(3, 4), torch.rand(3, 4)
    for pair in ((flat, some), (some, flat), (flat, flat), (torch.ones(1, 1), torch.ones(1, 1))):
        assert all(math.isnan(value) for value in agreement(*pair).values())


def test_pictures_are_changed_a_little(picture):
    jpeg = saved_as_jpeg(picture)
    assert jpeg.size == picture.size and jpeg.mode == "RGB"
    difference = np.abs(np.asarray(jpeg, float) - np.asarray(picture, float)).mean()
    assert 0 < difference < 20
    assert made_smaller(picture).size == tuple(round(0.9 * side) for side in picture.size)
    assert made_smaller(Image.new("RGB", (1, 1))).size == (1, 1)


# what a plan may not say


def test_mistakes_in_a_plan_are_one_sentence():
    good = Block("scene_cnn", "paper", "cluscam", 2)
    assert STUDY.finished(good, "scenes").perturbations == tuple(PERTURBATIONS)
    with pytest.raises(UnknownName, match="unknown perturbation 'shift 3'.*shift"):
        STUDY.finished(Block("scene_cnn", "paper", "cluscam", 2, perturbations=("shift 3",)), "scenes")
    with pytest.raises(UnknownName, match="unknown perturbation 'seed 9'"):
        STUDY.finished(Block("scene_cnn", "paper", "cluscam", 2, averaged=("seed 9",)), "scenes")
    with pytest.raises(CluscamError, match="'skip' is 2 of 2 images"):
        STUDY.finished(Block("scene_cnn", "paper", "cluscam", 2, skip=2), "scenes")
    with pytest.raises(UnknownName, match="setting of gradcam"):
        STUDY.finished(Block("scene_cnn", "paper", "gradcam", 2, settings={"iterations": 3}), "scenes")
    assert perturbation(BASE) == Perturbation(BASE, BASE)


def test_skipped_images_are_left_out_and_the_others_keep_their_donors():
    plan = STUDY.plan(PROFILE)
    every = [*STUDY.block_cells(plan, Block("scene_cnn", "paper", "donor", 6, images_per_cell=2), 0)]
    later = [*STUDY.block_cells(plan, Block("scene_cnn", "paper", "donor", 6, skip=2, images_per_cell=2), 0)]
    assert [cell.images for cell in later] == [cell.images for cell in every[1:]]
    assert [cell.settings["donors"] for cell in later] == [cell.settings["donors"] for cell in every[1:]]
