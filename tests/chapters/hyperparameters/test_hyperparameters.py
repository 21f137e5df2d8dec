"""Section 3.4 from rows: the study on scenes, P(K), bootstraps and decisions, on rows whose answer is known."""

import numpy as np
import pytest
from drawn import heights, lines, titles
from same_rows import same_rows
from scores_by_size import GRID, made_rows, saturating

from analysis.chapters.hyperparameters import evidence, figures
from analysis.chapters.hyperparameters import mixture_evidence as mixtures
from analysis.chapters.hyperparameters import page as chapter
from analysis.chapters.hyperparameters.study import STUDY
from analysis.engine import read, run
from analysis.engine.contract import empty_rows
from analysis.studies.registry import find_study
from cluscam_lite import ClusCAM, load_dataset, load_model
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.tuning import elbow, proxy

# the study


@pytest.fixture(scope="module")
def scene_rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hyperparameters")
    run(find_study("hyperparameters"), {"profile": "smoke"}, folder, quiet=True)
    return read(STUDY, folder)


def test_rows_are_the_scores_of_cluscam(scene_rows):
    block = STUDY.planned("smoke").blocks[0]
    loaded = load_model(block.model)
    sample = load_dataset("scenes", part="train", n=block.n_images)[1]
    x = loaded.spec.preprocess()(sample.image)[None]
    for seed in block.seeds:
        for k in block.grid:
            mine = scene_rows[(scene_rows["image_id"] == sample.image_id) & (scene_rows["seed"] == seed)]
            mine = mine[mine["n_clusters"] == k].sort_values("group")
            e = ClusCAM.from_spec(loaded.spec, loaded.module, n_clusters=k, seed=seed)(x)
            assert mine["score"].to_numpy() == pytest.approx(e.scores[0].numpy(), abs=1e-6)
            assert mine["size"].tolist() == e.labels[0].bincount().tolist()
            assert mine["coverage"].to_numpy() == pytest.approx(e.masks[0].mean((1, 2)).numpy(), abs=1e-6)
            assert (mine["target"] == int(e.target)).all()


def test_the_study_runs_twice_the_same_and_keeps_float32(scene_rows, tmp_path):
    run(STUDY, {"profile": "smoke"}, tmp_path, quiet=True)
    assert same_rows(read(STUDY, tmp_path), scene_rows)
    assert (scene_rows[["score", "coverage"]].dtypes == "float32").all()
    block = STUDY.planned("smoke").blocks[0]
    assert len(scene_rows) == block.n_images * sum(block.grid) * len(block.seeds)


def test_cells_are_small_and_name_the_grid():
    cells = STUDY.cells({"dataset": "scenes", "models": ["scene_cnn"], "n_images": 25, "seeds": 2, "grid": [2, 3, 4]})
    assert [(len(cell.images), cell.seed) for cell in cells] == [(10, 0), (10, 1), (10, 0), (10, 1), (5, 0), (5, 1)]
    assert all(cell.settings["grid"] == [2, 3, 4] and cell.part == "train" for cell in cells)
    assert len({cell.hash for cell in cells}) == 6


def test_plans_and_profiles_of_ones_own():
    mine = {"dataset": "scenes", "models": ["scene_cnn"], "n_images": 2}
    small, large = (STUDY.planned(profile).blocks[0].grid for profile in ("embedded", "reference"))
    assert len(small) == 7 and max(small) == 60 and len(large) == 10 and max(large) == 100
    assert STUDY.plan(mine).blocks[0].grid == small and STUDY.plan(mine).part == "train"
    assert (
        STUDY.plan(mine | {"dataset": "ilsvrc"}).part == "tune" and STUDY.plan(mine | {"part": "test"}).part == "test"
    )
    assert STUDY.plan(mine | {"dataset": "ilsvrc"}).blocks[0].grid == large
    with pytest.raises(CluscamError, match="at least 3 sizes"):
        STUDY.plan(mine | {"grid": [5, 10]})
    with pytest.raises(CluscamError, match="strictly ascending"):
        STUDY.plan(mine | {"grid": [5, 10, 8]})
    with pytest.raises(CluscamError, match="no 'n_images'"):
        STUDY.plan(mine | {"n_images": 0})
    with pytest.raises(UnknownName, match="scene_cnn"):
        STUDY.plan(mine | {"models": ["scene_cmn"]})


# evidence


def test_curves_are_means_and_leave_out_what_is_not_complete():
    rows = made_rows(saturating, n=4)
    of = evidence.curves(rows)
    assert (of.grid, of.seeds, of.values.shape) == (GRID, (0, 1), (2, 4, 5))
    for j, k in enumerate(GRID):
        per_image = [g["score"].to_numpy() for _, g in rows[rows["n_clusters"] == k].groupby(["image_id", "seed"])]
        assert of.mean[j] == pytest.approx(proxy(per_image))
    begun = rows[~((rows["image_id"] == "image 002") & (rows["seed"] == 1))]
    assert evidence.curves(begun).images == ("image 000", "image 001", "image 003")
    assert set(evidence.whole_images(begun)["image_id"]) == set(evidence.curves(begun).images)
    with pytest.raises(CluscamError, match="no image has rows for every seed and size"):
        evidence.curves(
            begun[(begun["image_id"] == "image 002") | (begun["seed"] == 1)].query("n_clusters > 5 or seed")
        )


def test_the_bootstrap_is_algorithm_2_on_resampled_images():
    of = evidence.curves(made_rows(lambda k: 0.0, n=7, noise=1.0))
    seeds, counts = evidence.resamples(2, 7, 50, seed=3)
    assert (counts.sum(1) == 7).all() and set(seeds) == {0, 1}
    for rule in ("argmax", "argmin"):
        slow = []
        for s, count in zip(seeds, counts, strict=True):
            drawn = [i for i, c in enumerate(count) for _ in range(c)]
            slow.append(int(elbow(of.grid, of.values[s][drawn].mean(0), rule)))
        assert evidence.bootstrap_choices(of, rule, 50, seed=3).tolist() == slow


def test_a_clear_elbow_is_found_and_noise_has_none():
    clear = evidence.choice_table(made_rows(saturating, noise=0.01)).set_index("rule")
    assert clear.loc["argmin", "K"] == clear.loc["argmin", "mode"] == 30 and clear.loc["argmin", "share"] == 1
    assert clear.loc["argmin", "near"] == 1 and clear.loc["argmin", "by seed"] == (30, 30)
    noise = evidence.choice_table(made_rows(lambda k: 0.0, noise=1.0)).set_index("rule")
    assert noise["share"].max() < 0.95
    assert clear.loc["argmin", "near by chance"] == 1  # of the three that can be chosen, all are 30 or next to it


def test_noise_bends_most_where_candidates_lie_close():
    even = evidence.noise_shares((5, 10, 15, 20, 25, 30))
    assert even.sum() == pytest.approx(1) and even.max() - even.min() < 0.08
    uneven = evidence.noise_shares((5, 10, 15, 20, 40, 60, 80))
    assert uneven[[15, 20]].sum() > 0.75  # two of five candidates
    # of three candidates either one or the other sign: both rules name the only one there is
    assert evidence.noise_shares((5, 10, 20)).to_dict() == {20: 1.0}


def test_near_table_3():
    large = STUDY.planned("reference").blocks[0].grid
    assert evidence.near_sizes(large, 30) == (20, 30, 40) and evidence.near_sizes(large, 40) == (30, 40, 50)
    assert evidence.near_sizes((5, 10, 20), 30) == (10, 20) and evidence.near_sizes((5, 10, 20), 1) == (5, 10)
    assert evidence.near_sizes((5, 10, 20), 15) == (5, 10, 20)  # of two as near, the smaller


def test_a_candidate_left_out_changes_the_choice():
    of = evidence.curves(made_rows(saturating))
    without = evidence.left_out(of, "argmin").set_index("left out")["K"]
    assert without[30] == 40 and without[5] == 30 and len(without) == 5
    for j, k in enumerate(GRID):
        assert without[k] == elbow([g for g in GRID if g != k], np.delete(of.mean, j), "argmin")


def test_rise_and_bend():
    of = evidence.curves(made_rows(saturating, n=3))
    rise, bend = evidence.rise_and_bend(of)
    early, late = (saturating(20) - saturating(5)) / 15, (saturating(40) - saturating(20)) / 20
    assert rise == pytest.approx([saturating(40) - saturating(5)] * 3) and bend == pytest.approx([early - late] * 3)


def test_the_table_of_p():
    table = evidence.proxy_table(made_rows(saturating, noise=0.1))
    assert table["K"].tolist() == list(GRID) and table["C"].isna().tolist() == [True, True, False, False, False]
    assert ((table["P low"] < table["P"]) & (table["P"] < table["P high"])).all()
    assert table["groups"].tolist() == list(GRID) and table["coverage"].tolist() == pytest.approx([0.3] * 5)


# the chapter


def test_pages(scene_rows, monkeypatch):
    table = evidence.choice_table(scene_rows)
    page = chapter.choice_page(table)
    assert page["network"].tolist() == ["Scene CNN"] * 2 and page["Table 3"].tolist() == [30, 30]
    starts = chapter.start_page(mixtures.start_summary(mixtures.start_table(scene_rows)))
    assert starts["EM stops at a gain of"].tolist() == ["1e-03", "1e-07"]
    assert chapter.choice_page(evidence.choice_table(empty_rows(STUDY))).iloc[0].tolist() == ["not run"]
    nothing = mixtures.start_summary(mixtures.start_table(empty_rows(STUDY)))
    assert chapter.start_page(nothing).iloc[0].tolist() == ["not run"]
    monkeypatch.setattr(chapter, "reference", lambda: empty_rows(STUDY))
    assert set(chapter.claim_rows(empty_rows(STUDY))["decision"]) == {"not run"}
    assert chapter.plan_text() == "100 images, 10 candidates from 5 to 100, 3 seeds of K-Means"


def test_the_curve_drawn_to_order():
    drawn, large = chapter.saturating(), STUDY.planned("reference").blocks[0].grid
    assert drawn["argmax"] == large[-1] and drawn["argmin"] == large[2] and (drawn["C"][2:] < 0).all()


def test_the_reference_runs_finished_images(monkeypatch):
    begun = made_rows(saturating, n=4)
    begun = begun[~((begun["image_id"] == "image 003") & (begun["n_clusters"] == 40))]
    monkeypatch.setattr(chapter, "reference_rows", lambda study: begun)
    chapter.reference.cache_clear()
    assert chapter.reference()["image_id"].nunique() == 3
    chapter.reference.cache_clear()


def test_curves_are_drawn_with_the_choices_of_both_rules(scene_rows):
    example = chapter.saturating()
    curve, *chosen = lines(figures.elbow_figure(example).axes[0])
    assert curve[:, 1].tolist() == list(example["P"])
    assert [point[0, 0] for point in chosen] == [example[rule] for rule in chapter.RULES]
    of = evidence.curves(scene_rows)
    drawn = lines(figures.proxy_figure(scene_rows).axes[0])
    assert drawn[len(of.seeds)].tolist() == [list(pair) for pair in zip(of.grid, of.mean, strict=True)]
    assert [point[0, 0] for point in drawn[-3:-1]] == [elbow(of.grid, of.mean, rule) for rule in chapter.RULES]
    for ax in figures.choices_figure(scene_rows).axes:
        assert sum(heights(ax)) == pytest.approx(100)


def test_mixtures_are_drawn_with_their_ratios(scene_rows):
    scores, k, fits = chapter.mixture_example(scene_rows)
    said = titles(figures.mixture_figure(scores, k, fits))
    assert said == [f"{name}:\nr = {fit.drop_ratio:.1%}" for name, fit in fits.items()]
    by_size, draws = figures.ratios_figure(scene_rows).axes
    table = mixtures.ratio_table(scene_rows)
    np.testing.assert_allclose(lines(by_size)[0], np.column_stack([table["K"], 100 * table["r"]]))
    block_draws = mixtures.bootstrap_r("scene_cnn", scene_rows)
    assert sum(heights(draws)) == len(block_draws)
    curve, *printed = lines(figures.temperature_figure().axes[0])
    np.testing.assert_allclose(curve[:, 1], 1 / np.log1p(curve[:, 0]))
    assert sum(len(points) for points in printed[:2]) == 12  # the rows of Table 3
