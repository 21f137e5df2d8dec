"""The ablation: sources of masks, the study's rows against ClusCAM itself, and its figures."""

import math

import pytest
import torch
from same_rows import same_rows

from analysis.chapters.ablation import evidence, figures
from analysis.chapters.ablation.study import STUDY
from analysis.engine import read, run
from analysis.studies.mask_sources import (
    NULLS,
    SOURCES,
    TITLES,
    explain_all,
    inertia_share,
    masks_of_source,
    masks_rank,
)
from analysis.studies.registry import find_study
from analysis.studies.weightings import FIGURE_5, FULL, MATCHED, settings_of
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model, temperature
from cluscam_lite.algorithm.clustering import cluster, inertia
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.masks import masks_of, normalized_maps, upsample
from cluscam_lite.errors import UnknownName
from cluscam_lite.metrics import evaluate
from cluscam_lite.reading import read as read_image

SPEC = get_spec("scene_cnn")


@pytest.fixture(scope="module")
def scored():
    """Two scenes under the small CNN."""
    model = HookedModel(load_model(SPEC).module, SPEC.layer("paper"))
    samples = load_dataset("scenes", part="test", n=2)
    return [read_image(model, SPEC.preprocess()(samples[i].image)[None]) for i in range(2)]


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
    one = read_image(model, torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1)))
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
    mine = explain_all(scored[0], [masks("kmeans", scored, SPEC.n_clusters)], SPEC.drop_ratio)[0]
    torch.testing.assert_close(mine.scores, e.scores, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mine.saliency, e.saliency, rtol=1e-3, atol=1e-3)
    assert mine.forward_passes == e.forward_passes


def test_rank_of_masks_by_hand(scored):
    one = scored[0]
    eye = torch.zeros(3, *one.maps.shape[-2:])
    eye[0, 0, 0] = eye[1, -1, -1] = 1
    assert masks_rank(one, eye[:1]) == pytest.approx(1)
    assert masks_rank(one, torch.cat([eye[:1]] * 5)) == pytest.approx(1)
    assert masks_rank(one, eye[:2]) == pytest.approx(2, rel=1e-6)  # apart, and alike
    assert masks_rank(one, eye[2:]) == 0
    # the oracle: singular values of the masks at full size
    centroids = masks("kmeans", scored).centroids
    values = torch.linalg.svdvals(upsample(centroids[None].double(), one.size)[0].flatten(1))
    share = values / values.sum()
    assert masks_rank(one, centroids) == pytest.approx(float((-(share * share.log()).sum()).exp()), rel=1e-6)


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
    reference = STUDY.planned("reference").blocks
    assert {b.source for b in reference} == set(SOURCES) and {b.n_images for b in reference} == {200}
    assert {(b.source, b.seed) for b in reference if b.seed} == {
        (s, i) for s in ("kmeans", "random") for i in range(1, 5)
    }
    assert find_study("ablation") is STUDY
    with pytest.raises(UnknownName, match="source of masks"):
        STUDY.plan({"dataset": "scenes", "models": ["scene_cnn"], "n_images": 1, "methods": ["gradcam"]})
    own = {"dataset": "scenes", "models": ["scene_cnn", "scene_vit"], "n_images": 1, "methods": ["kmeans", "none"]}
    turns = [(block.source, block.model) for block in STUDY.plan(own).blocks]
    assert turns == [(source, model) for source in own["methods"] for model in own["models"]]


def test_figures_draw_what_a_run_gives(results):
    rows, *_ = results
    bars = figures.bars_figure(evidence.bars_table(rows), {"AD": "AD", "IC": "IC"})
    assert len(bars.axes) == 2 and len(bars.axes[0].get_yticks()) == len(evidence.BARS)
    factorial = figures.factorial_figure(evidence.factorial_table(rows), "IC")
    assert [tick.get_text() for tick in factorial.axes[0].get_yticklabels()] == [TITLES[s] for s in SOURCES]
    assert len(factorial.axes[0].collections) == 9
    assert len(figures.sources_figure(evidence.sources_table(rows), "IC").axes) == 2
