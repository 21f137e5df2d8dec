"""The ablation: sources of masks, the study's rows against ClusCAM itself, and its tables."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from analysis import ablation_chapter as chapter
from analysis import ablation_evidence as evidence
from analysis import ablation_figures as figures
from analysis.mask_sources import (
    NULLS,
    SOURCES,
    TITLES,
    effective_rank,
    explain_with,
    inertia_share,
    masks_of_source,
)
from analysis.meta_representations import ScoredImage
from analysis.studies import find_study
from analysis.studies.ablation import PLANS, STUDY, blocks, plan_of
from analysis.study import read, run, same_rows
from analysis.verdicts import CONTRADICTED, NOT_RUN, SUPPORTED
from analysis.weighting_grid import FIGURE_5, FULL, MATCHED, settings_of
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model, temperature
from cluscam_lite.clustering import cluster, inertia
from cluscam_lite.errors import UnknownName
from cluscam_lite.features import HookedModel
from cluscam_lite.masks import masks_of, normalized_maps, upsample
from cluscam_lite.metrics.masking import evaluate

SPEC = get_spec("scene_cnn")


@pytest.fixture(scope="module")
def scored():
    """Two scenes under the small CNN."""
    model = HookedModel(load_model(SPEC).module, SPEC.layer("paper"))
    samples = load_dataset("scenes", part="test", n=2)
    return [ScoredImage(model, SPEC.preprocess()(samples[i].image)[None]) for i in range(2)]


def masks(source, scored, k=6, seed=0, image_id="one"):
    return masks_of_source(source, scored[0], k, seed, image_id, donor=scored[1])


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_masks_in_range(source, scored):
    found = masks(source, scored)
    full = upsample(found.centroids[None], scored[0].size)
    assert full.min() >= -1e-6 and full.max() <= 1 + 1e-6 and source in TITLES
    assert len(found.centroids) == {"none": 128}.get(source, len(found.centroids) if source == "hdbscan" else 6)
    assert (found.labels is None) == (source in NULLS)
    again = masks(source, scored)
    assert torch.equal(found.centroids, again.centroids)


def test_what_is_random_depends_on_seed_and_image():
    model = HookedModel(load_model(SPEC).module, SPEC.layer("paper"))
    one = ScoredImage(model, torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1)))
    for source in ("random", "rolled", "smooth", "channels"):
        found = {
            key: masks_of_source(source, one, 6, key[0], key[1]).centroids for key in ((0, "a"), (0, "b"), (1, "a"))
        }
        assert not torch.equal(found[0, "a"], found[0, "b"]) and not torch.equal(found[0, "a"], found[1, "a"])


def test_a_random_partition_keeps_the_sizes_and_moved_masks_keep_the_area(scored):
    own, other = masks("kmeans", scored), masks("random", scored)
    assert sorted(own.labels.bincount().tolist()) == sorted(other.labels.bincount().tolist())
    assert not torch.equal(own.labels, other.labels)
    full = masks_of(own.centroids[None], scored[0].size)[0]
    moved = masks("rolled", scored).centroids
    torch.testing.assert_close(full.mean((1, 2)), moved.mean((1, 2)))
    assert not torch.allclose(full, moved)


def test_a_donor_lends_its_own_clusters(scored):
    lent = masks_of_source("kmeans", scored[1], 6, 0, "other")
    assert torch.equal(masks("donor", scored).centroids, lent.centroids)


def test_unknown_source(scored):
    with pytest.raises(UnknownName, match="nearest: kmeans"):
        masks("kmean", scored)


def test_k_means_masks_explain_as_cluscam_does(scored):
    cam = ClusCAM.from_spec(SPEC, load_model(SPEC).module)
    e = cam(scored[0].x)
    mine = explain_with(scored[0], masks("kmeans", scored, SPEC.n_clusters), SPEC.drop_ratio)
    torch.testing.assert_close(mine.scores, e.scores, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mine.saliency, e.saliency, rtol=1e-3, atol=1e-3)
    assert mine.forward_passes == e.forward_passes


def test_effective_rank_by_hand(scored):
    one = scored[0]
    eye = torch.zeros(3, *one.maps.shape[-2:])
    eye[0, 0, 0] = eye[1, -1, -1] = 1
    assert effective_rank(one, eye[:1]) == pytest.approx(1)
    assert effective_rank(one, torch.cat([eye[:1]] * 5)) == pytest.approx(1)
    assert effective_rank(one, eye[:2]) == pytest.approx(2, rel=1e-6)  # apart, and alike
    assert effective_rank(one, eye[2:]) == 0
    # the oracle: singular values of the masks at full size
    centroids = masks("kmeans", scored).centroids
    values = torch.linalg.svdvals(upsample(centroids[None].double(), one.size)[0].flatten(1))
    share = values / values.sum()
    assert effective_rank(one, centroids) == pytest.approx(float((-(share * share.log()).sum()).exp()), rel=1e-6)


def test_inertia_share_is_that_of_the_full_maps(scored):
    one = scored[0]
    full = upsample(normalized_maps(one.maps.double(), one.size), one.size).flatten(2)
    labels = masks("kmeans", scored).labels
    total = (full - full.mean(1, keepdim=True)).square().sum()
    assert inertia_share(one, labels) == pytest.approx(float(inertia(full, labels[None]) / total), rel=1e-4)
    assert inertia_share(one, torch.arange(full.shape[1])) == 0
    assert inertia_share(one, torch.zeros(full.shape[1], dtype=torch.long)) == pytest.approx(1)
    assert inertia_share(one, cluster(full[..., ::97], 6, "random")[0]) > inertia_share(one, labels)


def test_the_settings_are_a_factorial_and_figure_5_is_in_it():
    settings = settings_of(30, 0.3712)
    names = [s.name for s in settings]
    assert len(set(names)) == len(names) == 9 + 4 and set(FIGURE_5.values()) | set(MATCHED) <= set(names)
    table_3 = temperature(30, 0.3712)
    by_name = {s.name: (s.ratio, s.temperature) for s in settings}
    assert by_name[FULL] == (0.3712, table_3) and by_name["r 0, tau table 3"] == (0.0, table_3)
    assert by_name["r 0.5, tau 50"] == (0.5, 50.0)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Rows of a small run on scenes: three sources, two networks' worth of settings."""
    folder = tmp_path_factory.mktemp("ablation")
    profile = {"dataset": "scenes", "models": ["scene_cnn"], "n_images": 3, "methods": list(SOURCES), "seed": 0}
    run(STUDY, profile, folder, quiet=True)
    return read(STUDY, folder), folder, profile


def test_rows_are_whole_and_reproducible(results, tmp_path):
    rows, _, profile = results
    settings = settings_of(SPEC.n_clusters, SPEC.drop_ratio)
    per_image = len(settings) + len(MATCHED)
    assert (rows.groupby(["method", "image_id"]).size() == per_image).all() and set(rows["method"]) == set(SOURCES)
    assert ((rows["gain"] <= rows["increase"] + 1e-4) | rows["gain"].isna()).all()
    assert (rows.loc[rows["form"] == "matched", "coverage"] - 0.5).abs().max() < 0.05
    small = profile | {"methods": ["kmeans", "random"], "n_images": 2}
    run(STUDY, small, tmp_path, quiet=True)
    again = read(STUDY, tmp_path)
    first = rows[rows["method"].isin(["kmeans", "random"]) & rows["image_id"].isin(again["image_id"])]
    columns = ["method", "image_id", "setting", "form", "increase", "drop", "coverage", "entropy"]
    assert same_rows(first[columns].reset_index(drop=True), again[columns].reset_index(drop=True))


def test_a_row_is_what_the_metrics_say_of_cluscam(results):
    rows, *_ = results
    samples = load_dataset("scenes", part="test", n=3)
    module = load_model(SPEC).module
    x = SPEC.preprocess()(samples[1].image)[None]
    e = ClusCAM.from_spec(SPEC, module)(x)
    (expected,) = evaluate(module, x, e.saliency[0], int(e.target[0]), fills=("mean",), forms=("raw",))
    mine = rows[(rows["method"] == "kmeans") & (rows["image_id"] == samples.ids[1]) & (rows["setting"] == FULL)]
    row = mine[mine["form"] == "raw"].iloc[0]
    for column in ("probability", "probability_masked", "drop", "increase", "gain", "coverage"):
        assert row[column] == pytest.approx(expected[column], rel=1e-3, abs=2e-3), column
    assert row["forward_passes"] == e.forward_passes


def test_limits_of_the_entropy(results):
    rows, *_ = results
    kmeans = rows[(rows["method"] == "kmeans") & (rows["form"] == "raw")].set_index("setting")
    assert kmeans.loc["best", "entropy"].max() == 0
    assert kmeans.loc["uniform", "entropy"].to_numpy() == pytest.approx(math.log(SPEC.n_clusters), rel=1e-5)


def test_plans():
    reference = PLANS["reference"].blocks
    assert {b.source for b in reference} == set(SOURCES) and {b.n_images for b in reference} == {200}
    assert {(b.source, b.seed) for b in reference if b.seed} == {
        (s, i) for s in ("kmeans", "random") for i in range(1, 5)
    }
    assert find_study("ablation") is STUDY
    with pytest.raises(UnknownName, match="source of masks"):
        plan_of({"dataset": "scenes", "models": ["scene_cnn"], "n_images": 1, "methods": ["gradcam"]})
    assert len(blocks({("scene_cnn", "paper"): 3}, ("kmeans", "none"), 2)) == 3


# evidence, on rows made by hand


def made(n=60, lead=0.5, seed=0):
    """Rows of two sources in which K-Means raises the confidence in a share `lead` more of the images."""
    rng = np.random.default_rng(seed)
    found = []
    for source, share in (("kmeans", 0.2 + lead), ("random", 0.2)):
        for setting, change in ((FULL, 0.0), ("r 0, tau table 3", 0.0), ("uniform", -0.2)):
            up = np.arange(n) < round(n * max(0.0, share + change))
            drop = rng.uniform(0, 10, n)
            for form in ("raw", "matched"):
                found.append(
                    pd.DataFrame(
                        {"model": "scene_cnn", "layer": "paper", "method": source, "variant": "", "seed": 0}
                        | {"image_id": [f"i{k}" for k in range(n)], "setting": setting, "form": form, "reason": ""}
                        | {"increase": 100.0 * up, "drop": drop, "gain": 50.0 * up, "coverage": 0.3}
                        | {"n_masks": 30, "effective_rank": rng.uniform(5, 10, n), "inertia": rng.uniform(0, 1, n)}
                        | {"noise": 0.0, "probability": 0.5},
                        index=range(n),
                    )
                )
    return pd.concat(found, ignore_index=True)


CLAIM = {
    "id": "X",
    "study": "ablation",
    "tier": {"scene_cnn": "conceptual"},
    "population": {"blocks": [{"model": "scene_cnn", "layer": "paper", "n": 60}]},
    "contrast": {"measure": "increase", "first": ["kmeans", FULL], "second": ["random", FULL], "points": 5},
}


@pytest.mark.parametrize(("lead", "decision"), [(0.5, SUPPORTED), (-0.15, CONTRADICTED), (0.0, CONTRADICTED)])
def test_a_claim_is_decided_by_its_rows(lead, decision):
    (row,) = evidence.claim_evidence(made(lead=lead), CLAIM).to_dict("records")
    assert row["mean"] == pytest.approx(100 * lead, abs=1) and row["decision"] == decision


def test_a_claim_waits_for_all_its_images():
    rows = made()
    for missing in (pd.DataFrame(), rows[rows["method"] == "kmeans"], rows[rows["image_id"] != "i3"]):
        assert evidence.claim_evidence(missing, CLAIM)["decision"].tolist() == [NOT_RUN]


def test_images_without_masks_are_counted_and_left_out_of_the_pairs():
    rows = made()
    gone = (rows["method"] == "random") & (rows["image_id"] == "i3")
    lost = rows[gone].head(1).assign(setting="", form="", reason="no cluster", increase=np.nan)
    rows = pd.concat([rows[~gone], lost])
    assert evidence.claim_evidence(rows, CLAIM)["n"].tolist() == [59]
    table = evidence.sources_table(rows).set_index("source")
    assert table["without masks"].to_dict() == {"kmeans": 0, "random": 1}


def test_tables_of_the_ablation_by_hand():
    rows = made(lead=0.5)
    bars = evidence.bars_table(rows).set_index("bar")
    assert bars.loc["ClusCAM", "IC"] == pytest.approx(70) and bars.loc["random partition", "IC"] == pytest.approx(20)
    assert bars.loc["random partition", "ahead"] == pytest.approx(50)
    assert bars.loc["uniform weights", "ahead"] == pytest.approx(20)
    assert bars.loc["spectral", "images"] == 0 and math.isnan(bars.loc["spectral", "IC"])


def test_every_other_source_is_held_against_k_means():
    rows = made(lead=0.5)
    (row,) = evidence.against_sources(rows).to_dict("records")
    assert (row["source"], row["mean"], row["n"]) == ("random", pytest.approx(50), 60)
    assert chapter.against_page(rows)["IC ahead by [95 %]"][0].startswith("+50.00 [")
    assert chapter.best_null(rows) == NOT_RUN  # a random partition is of the image's own maps
    smooth = rows[rows["method"] == "random"].assign(method="smooth")
    assert "random smooth masks, K-Means++ ahead by +50.00" in chapter.best_null(pd.concat([rows, smooth]))


def test_spread_is_the_range_of_marginal_means():
    grid = {f"r {r}, tau {t}": [1.0 * i + 10 * j, 5.0 + i + 10 * j] for i, r in enumerate(("0", "table 3", "0.5"))
            for j, t in enumerate(("table 3", "1", "50"))}  # fmt: skip
    table = pd.DataFrame({"model": "scene_cnn", "layer": "paper", "source": ["kmeans", "random"], **grid})
    found = evidence.spread(table).set_index("factor")
    assert found["range"].to_dict() == pytest.approx({"source of the masks": 5, "r": 2, "tau": 20})
    assert found["best"].to_dict() == {"source of the masks": "random", "r": "0.5", "tau": "50"}


def test_variance_components_of_seeds():
    rng = np.random.default_rng(0)
    found = []
    image = rng.normal(0, 8, 400)
    for source, seed_sd in (("kmeans", 3.0), ("random", 0.0)):
        for seed in range(5):
            values = 50 + image + rng.normal(0, 1, 400) * seed_sd + (2 if source == "kmeans" else 0)
            found.append(
                pd.DataFrame(
                    {"model": "scene_cnn", "layer": "paper", "method": source, "seed": seed, "setting": FULL}
                    | {"form": "raw", "image_id": np.arange(400), "increase": values}
                )
            )
    row = evidence.seed_table(pd.concat(found)).iloc[0]
    assert row["kmeans seed"] == pytest.approx(3, rel=0.1) and row["random seed"] == pytest.approx(0, abs=1e-9)
    assert row["kmeans image"] == pytest.approx(8, rel=0.15)
    assert row["ahead low"] < 2 < row["ahead high"] and row["seeds"] == 5


def test_why_finds_a_planted_relation():
    rows = made(n=60)
    tight = rows["inertia"].where(rows["method"] == "kmeans")
    rows["gain"] = np.where(rows["method"] == "kmeans", 100 - 100 * tight, 0.0)
    table = evidence.why_table(rows).set_index("Delta against")
    assert table.loc["within-cluster inertia", "rho"] == pytest.approx(-1)
    assert abs(table.loc["effective rank of the masks", "rho"]) < 0.5
    assert not len(evidence.why_table(made(n=5)))


def test_pages_say_not_run_where_nothing_ran():
    for page in (chapter.bars_page, chapter.spread_page, chapter.seeds_page, chapter.why_page, chapter.sources_page):
        assert NOT_RUN in page(pd.DataFrame()).to_string()
    assert set(chapter.claim_rows(pd.DataFrame())["decision"]) == {NOT_RUN}
    assert NOT_RUN in chapter.answer(pd.DataFrame(), "C7a")
    assert (chapter.progress(pd.DataFrame())["complete"] == "–").all()


def test_figures_draw_what_a_run_gives(results):
    rows, *_ = results
    bars = figures.bars_figure(evidence.bars_table(rows), {"AD": "AD", "IC": "IC"})
    assert len(bars.axes) == 2 and len(bars.axes[0].get_yticks()) == len(evidence.BARS)
    factorial = figures.factorial_figure(evidence.factorial_table(rows), "IC")
    assert [tick.get_text() for tick in factorial.axes[0].get_yticklabels()] == [TITLES[s] for s in SOURCES]
    assert len(factorial.axes[0].collections) == 9
    assert len(figures.sources_figure(evidence.sources_table(rows), "IC").axes) == 2
