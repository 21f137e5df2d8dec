"""The temperature: the study's curve, its pairs, its pictures, and what the pages say where nothing ran."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.temperature import evidence as temperature_evidence
from analysis.chapters.temperature import figures
from analysis.chapters.temperature import page as temperature_chapter
from analysis.chapters.temperature.study import GRID, STUDY
from analysis.engine import read, run
from analysis.engine.contract import empty_rows
from analysis.studies.mask_sources import MaskSet, explain_all, masks_of_source
from analysis.studies.registry import find_study
from analysis.studies.rows import NOT_RUN
from cluscam_lite import get_spec, load_dataset, load_model, temperature
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.reading import read as read_image

SPEC = get_spec("scene_cnn")


@pytest.fixture(scope="module")
def tau_rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("temperature")
    run(STUDY, {"dataset": "scenes", "models": ["scene_cnn"], "n_images": 4, "seed": 0}, folder, quiet=True)
    return temperature_evidence.prepared(read(STUDY, folder))


def test_the_curve_runs_from_one_group_to_all(tau_rows):
    curve = temperature_evidence.curve(tau_rows)
    grid = curve[curve["kind"] == "grid"]
    assert grid["tau"].tolist() == list(GRID) and (np.diff(grid["entropy"]) > 0).all()
    ends = curve.set_index("kind")["entropy"]
    assert ends["best"] == pytest.approx(1) and ends["uniform"] == pytest.approx(SPEC.n_clusters, rel=1e-4)
    own = curve[curve["kind"] == "table 3"].iloc[0]
    assert own["tau"] == pytest.approx(temperature(SPEC.n_clusters, SPEC.drop_ratio))
    best = temperature_chapter.best_tau(curve, "drop")["scene_cnn"]
    assert float(best["tau"]) in GRID and float(best["best"]) == pytest.approx(grid["drop"].min(), abs=0.05)
    assert float(best["own"]) == pytest.approx(own["drop"], abs=0.05)
    assert len(figures.temperature_figure(curve, {"drop": "AD", "entropy": "groups"}).axes) == 2


def test_the_curve_in_words():
    grid = pd.DataFrame({"tau": [0.1, 0.3, 0.4, 0.5, 1.0, 5.0, 50.0], "increase": [9.0, 20, 30, 25, 28, 21, 15]})
    grid = grid.assign(drop=range(7), coverage=50.0, entropy=2.0, model="scene_cnn", kind="grid")
    own = grid.iloc[[2]].assign(kind="table 3", tau=0.42)
    words = temperature_chapter.curve_words(pd.concat([grid, own]))
    assert words["increase_0.4_scene_cnn"] == "30" and words["entropy_5_scene_cnn"] == "2"
    assert words["range_behind"] == "10.0"  # 20 at 0.3 against 30
    assert words["level_scene_cnn"] == "20.0 to 30.0" and words["lowest_scene_cnn"] == "9.0"
    assert words["best_drop_scene_cnn_tau"] == "0.1" and words["best_increase_scene_cnn_own"] == "30.0"
    said = ["no", "no, but within 0.2 d_z", "yes, on every image", "cannot be told"]
    found = temperature_chapter.pair_words(pd.DataFrame({"AD the same?": said}))
    assert found == {"differ": "2 of 4", "same": "1", "open": "1"}


def test_pairs_of_temperatures(tau_rows):
    page = temperature_chapter.pairs_page(tau_rows)
    assert len(page) == len(temperature_chapter.PAIRS) and set(page["images"]) == {4}
    same = temperature_evidence.against(tau_rows, {"itself": ("best", "best")}).iloc[0]
    assert same["IC mean"] == same["AD mean"] == 0 and math.isnan(same["p equivalent"])


def test_the_study_is_registered():
    assert find_study("temperature") is STUDY


def test_a_page_says_not_run_where_nothing_ran():
    nothing = temperature_evidence.prepared(empty_rows(STUDY))
    assert temperature_chapter.pairs_page(nothing).iloc[0].tolist() == [NOT_RUN]
    assert temperature_chapter.best_tau(temperature_evidence.curve(nothing)) == {}


def test_pictures_of_one_image():
    model = HookedModel(load_model(SPEC).module, SPEC.layer("paper"))
    scored = read_image(model, SPEC.preprocess()(load_dataset("scenes", part="test", n=1)[0].image)[None])
    e = explain_all(scored, [MaskSet(masks_of_source("kmeans", scored, 6, 0, "one").centroids)], 0.3)[0]
    assert len(figures.sharpening_figure(e).axes) == 3


def test_the_same_and_different_are_two_questions():
    def said(low, high, p):
        return temperature_chapter.same_text(pd.Series({"AD low": low, "AD high": high, "p equivalent": p}))

    assert said(-1.0, 1.0, 0.01) == "yes, within 0.2 d_z" and said(-9.0, 9.0, 0.5) == "cannot be told"
    assert said(0.1, 0.3, 0.01) == "no, but within 0.2 d_z" and said(-5.0, -1.0, 0.5) == "no"
    assert said(0.0, 0.0, float("nan")) == "yes, on every image"
