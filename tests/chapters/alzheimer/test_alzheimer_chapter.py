"""From rows to the chapter: components as units, ranks over seeds, claims, and figures."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal

from analysis.chapters.alzheimer import figures as alzheimer_figures
from analysis.chapters.alzheimer import page as alzheimer_chapter
from analysis.chapters.alzheimer import tables as alzheimer_tables
from analysis.chapters.alzheimer.answers import answers_page, answers_table, answers_text
from analysis.chapters.alzheimer.class_maps import with_class_maps
from analysis.chapters.alzheimer.evidence import (
    by_component,
    comparison_table,
    concordance,
    means_table,
    rank_table,
    sanity_table,
    truth_table,
    tuned_table,
)
from analysis.chapters.alzheimer.plan import OTHER_SEEDS, RESNET, VIT
from analysis.engine.contract import empty_rows
from analysis.engine.registry import find_study
from analysis.judging.ledger import judged
from analysis.page.panels import prepared
from analysis.paper.tables import paper_table
from cluscam_lite import get_spec
from cluscam_lite.datasets.phantoms.phantom import phantom_at

NOTHING = empty_rows(find_study("alzheimer"))  # the rows of a run that has not begun


def rows_by_hand(models=(RESNET, VIT), n=24, per_component=4, methods=("cluscam", "opticam", "donor"), seed=0):
    """Rows of a run on n slices, `per_component` to a component: ClusCAM raises the probability more often."""
    rng = np.random.default_rng(seed)
    found = []
    for model in models:
        for method in methods:
            for i in range(n):
                up = 100.0 * (rng.random() < {"cluscam": 0.9}.get(method, 0.2))
                found.append({
                    "dataset": "alzheimer_mri", "part": "test", "model": model, "layer": "paper", "method": method,
                    "variant": "", "seed": 0, "image_id": f"test-{i:05d}", "target": i % 2, "form": "raw",
                    "fill": "mean", "coverage": 0.3, "increase": up, "gain": up / 2, "drop": 100 - up, "uniform": False,
                    "forward_passes": 31, "backward_passes": 0, "component": i // per_component, "reason": "",
                    "class_map": "", "class_images": 0,
                })  # fmt: skip
    return pd.DataFrame(found)


def test_slices_of_a_component_count_once():
    rows = rows_by_hand(models=(VIT,), methods=("cluscam",))
    grouped = by_component(prepared(rows))
    assert len(grouped) == 6 and grouped["increase"].mean() == pytest.approx(rows["increase"].mean())
    table = means_table(rows)
    assert table["images"].tolist() == [6] and table["slices"].tolist() == [24]
    alone = means_table(rows.assign(component=-1))  # as phantoms are
    assert alone["images"].tolist() == [24] and alone["IC"][0] == pytest.approx(table["IC"][0])


def test_copies_of_a_slice_do_not_make_an_interval_narrower():
    """Every slice eight times in its component: by component nothing changes, slice by slice everything seems sure."""
    once = rows_by_hand(models=(VIT,), n=12, per_component=1)
    copies = pd.concat([once.assign(image_id=once["image_id"] + f"-{k}") for k in range(8)])
    width = lambda table: (table["high"] - table["low"]).tolist()  # noqa: E731
    assert width(comparison_table(copies, "increase")) == pytest.approx(width(comparison_table(once, "increase")))
    apart = copies.assign(component=-1)
    assert (
        np.array(width(comparison_table(apart, "increase"))) < 0.6 * np.array(width(comparison_table(once, "increase")))
    ).all()


def test_comparisons_are_on_the_slices_of_both():
    rows = rows_by_hand(models=(VIT,))
    few = rows[(rows["method"] != "opticam") | (rows["image_id"] < "test-00008")]
    table = comparison_table(few, "increase").set_index("against")
    assert table["slices"].to_dict() == {"opticam": 8, "donor": 24} and table["n"].to_dict() == {
        "opticam": 2,
        "donor": 6,
    }
    assert (table["mean"] > 0).all()


def test_claims_wait_for_all_their_slices_and_are_judged_by_component():
    claim = {
        "id": "C", "tier": {VIT: "conceptual"}, "study": "alzheimer",
        "contrast": {"measure": "increase", "method": "cluscam", "against": "opticam", "better": "higher"},
        "thresholds": {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05},
        "population": {"blocks": [{"model": VIT, "layer": "paper", "n": 24}]},
    }  # fmt: skip
    table = judged(rows_by_hand(), claim)
    assert table["verdict"].tolist() == ["supported"] and table["n"].tolist() == [6]
    assert "Wilcoxon" in table["test"][0]
    more = claim | {"population": {"blocks": [{"model": VIT, "layer": "paper", "n": 25}]}}
    assert judged(rows_by_hand(), more)["verdict"].tolist() == ["not run"]
    assert judged(pd.DataFrame(), claim)["verdict"].tolist() == ["not run"]


def test_tuned_beside_lent_clusters_by_hand():
    lent = rows_by_hand(models=("phantom_cnn",), methods=("cluscam",))
    worse = lent.assign(variant="tuned, argmax", increase=0.0, gain=0.0, drop=100.0)
    rows = pd.concat([lent, worse[worse["image_id"] < "test-00008"]])
    table = tuned_table(rows)
    assert table["variant"].tolist() == ["", "tuned, argmax"] and table["slices"].tolist() == [8, 8]
    mean = lent[lent["image_id"] < "test-00008"]["increase"].mean()
    assert table["IC"].tolist() == pytest.approx([mean, 0]) and table["mean"][1] == pytest.approx(-mean)
    assert table["n"][1] == 2  # components
    assert not len(tuned_table(lent))
    page = alzheimer_tables.tuned_rows(rows, (("phantom_cnn", "paper"), ("phantom_vit", "last")))
    assert page["K and r"].tolist() == ["lent", "tuned, argmax", "not run"]
    assert page["K"][0] == get_spec("phantom_cnn").n_clusters and page["K"][1] != page["K"][0]


def test_mean_maps_are_of_lent_clusters_alone():
    rows = rows_by_hand(models=("phantom_cnn",), methods=("cluscam",))
    rows = rows.assign(**with_class_map(rows))
    twice = pd.concat([rows, rows.assign(variant="tuned, argmax")])
    one, other = (alzheimer_chapter.mean_maps(r, "phantom_cnn", "paper", ("cluscam",)) for r in (rows, twice))
    assert {k: n for k, (_, n) in one["ClusCAM"].items()} == {k: n for k, (_, n) in other["ClusCAM"].items()}


def with_class_map(rows):
    """Columns that hold one mean map of every image."""
    maps = {i: (0, torch.ones(64, 64)) for i in rows["image_id"]}
    found = with_class_maps(rows[["image_id"]].assign(target=0), maps, 1)
    return {name: found[name].to_numpy() for name in ("target", "class_map", "class_images")}


def test_ranks_over_seeds():
    models = (VIT, *OTHER_SEEDS)
    rows = rows_by_hand(models=models, n=200, methods=("cluscam", "donor"))
    table = rank_table(rows, models)
    assert table["title"].tolist() == ["ClusCAM", "Donor masks"] and table["ranks"].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert (table["W"] == 1).all() and (table["images"] == 200).all()
    assert alzheimer_figures.ranks_figure(table).axes
    assert alzheimer_chapter.ranks_text(table, "donor") == "2 of 2 (patch embedding)"
    differ = table.assign(ranks=[[1.0, 1.5, 2.0], [2.0, 1.5, 1.0]])
    assert alzheimer_chapter.ranks_text(differ, "cluscam") == "1 to 2 of 2 (patch embedding)"
    for nothing in (alzheimer_chapter.ranks_text(table, "smooth"), alzheimer_chapter.ranks_text(table[:0], "donor")):
        assert nothing == "not run"
    lost = rows[(rows["model"] != VIT) | (rows["method"] != "donor")]
    assert not len(rank_table(lost, models))


def test_concordance_by_hand():
    assert concordance(np.array([[1, 1], [2, 2], [3, 3]])) == 1
    assert concordance(np.array([[1, 3], [2, 2], [3, 1]])) == 0
    assert concordance(np.array([[1.5, 1], [1.5, 2], [3, 3]])) == pytest.approx(12 * 6.5 / (4 * 24 - 2 * 6))


def test_table_6_is_the_papers():
    six, two = paper_table(6), paper_table(2)
    assert len(six) == 288 and (six["value"] == six["printed"].astype(float)).all()
    means = six.groupby(["family", "metric", "method"])["value"].agg(["mean", "std"]).round(2).reset_index()
    both = means.merge(two[two["dataset"] == "Alzheimer"], on=["family", "metric", "method"])
    assert len(both) == 48
    assert (both["mean"] - both["value"]).abs().max() < 0.011 and (both["std_x"] - both["std_y"]).abs().max() < 0.011


def test_what_the_chapter_says_of_table_6():
    assert alzheimer_tables.cells_fitting(1279) == "94 of 96" and alzheimer_tables.cells_fitting(900) == "14 of 96"
    cells = paper_table(6).query("model == 'EfficientNet'").pivot(index="method", columns="metric", values="value")
    assert len(cells) == 8 and (cells["AG"] > cells["IC"]).all()


def test_table_6_beside_the_run():
    rows = rows_by_hand()
    means = alzheimer_tables.means_beside(rows)
    page = alzheimer_tables.table_6(means, "IC").set_index("method")
    assert page.loc["ClusCAM", "paper, ResNet-18"] == "47.3" and page.loc["Donor masks", "paper, ViT-B"] == "–"
    mine = rows[(rows["model"] == VIT) & (rows["method"] == "cluscam")]["increase"].mean()
    (row,) = means[(means["model"] == VIT) & (means["method"] == "cluscam")].to_dict("records")
    expected = f"{mine:.1f} [{row['IC low']:.1f},\N{NO-BREAK SPACE}{row['IC high']:.1f}]"
    assert page.loc["ClusCAM", "reference run, ViT-Tiny/16 (seed 0), patch embedding"] == expected
    few = alzheimer_tables.means_beside(rows[(rows["method"] != "donor") | (rows["image_id"] < "test-00008")])
    page = alzheimer_tables.table_6(few, "AG").set_index("method")
    assert page.loc["Donor masks", "reference run, ResNet-18 (seed 0)"].endswith("] (8)")
    assert page.loc["CAM", "reference run, ResNet-18 (seed 0)"] == "not run"
    empty = alzheimer_tables.table_6(alzheimer_tables.means_beside(NOTHING), "AD")
    assert set(empty["reference run"]) == {"not run"}


def test_two_layers_of_a_network_on_the_same_slices():
    rows = rows_by_hand(models=(RESNET,), n=24)
    earlier = rows_by_hand(models=(RESNET,), n=12, methods=("cluscam", "donor")).assign(layer="layer3", increase=100.0)
    page = alzheimer_tables.layers_page(pd.concat([rows, earlier])).set_index("method")
    assert page.index.tolist() == ["ClusCAM", "Donor masks"] and set(page["IC, layer3"]) == {"100.0"}
    same = rows[(rows["method"] == "donor") & (rows["image_id"] < "test-00012")]["increase"].mean()
    assert page.loc["Donor masks", "IC, last stage"] == f"{same:.1f}"
    assert "not run" in alzheimer_tables.layers_page(rows).to_string()
    assert "not run" in alzheimer_tables.layers_page(NOTHING).to_string()
    beside = alzheimer_tables.means_beside(pd.concat([rows, earlier]))
    assert set(beside["panel"]) == {"paper"}


def test_scores_by_answer_by_hand():
    """Every score rises where the answer is class 1 and none where it is 0, whatever the method."""
    rows = rows_by_hand(models=(VIT,), n=64)
    rows = rows.assign(increase=100.0 * rows["target"], probability_masked=0.25 + 0.5 * rows["target"])
    table = answers_table(rows)
    assert table["method"].tolist() == ["cluscam"] * 2 + ["donor"] * 2 and (table["slices"] == 32).all()
    assert table["IC"].tolist() == [0, 100] * 2 and table["masked"].tolist() == [0.25, 0.75] * 2
    page = answers_page(table)
    assert page["Mild Demented"].tolist() == ["0.0 (32)"] * 2 and page["Non Demented"].tolist() == ["–"] * 2
    assert answers_text(table) == "0.0 to 100.0 % under ViT-Tiny/16 (seed 0), patch embedding"
    few = answers_text(answers_table(rows[rows["image_id"] < "test-00020"]))
    assert "not run" in few and "not run" in answers_text(answers_table(NOTHING))
    assert "not run" in answers_page(answers_table(NOTHING)).to_string()
    moved = rows.assign(component=rows["image_id"].eq("test-00001").map({True: 99, False: 0}))
    one = answers_table(moved.assign(increase=100.0 * (moved["component"] == 99)))
    assert (
        one.set_index(["method", "answer"]).loc[("cluscam", 1), "IC"] == 50
    )  # two components, of 31 slices and of one


def test_truth_and_sanity_tables():
    rows = rows_by_hand(models=("phantom_cnn",), per_component=1).assign(component=-1)
    rows = rows.assign(auc_mask=[40.0 + i % 24 for i in range(len(rows))], ep_mask=20.0, share_mask=14.0)
    table = truth_table(rows)
    assert table["AUC"].tolist() == pytest.approx([51.5] * 3) and (table["share"] == 14).all()
    assert alzheimer_figures.truth_figure(table).axes and not len(truth_table(rows_by_hand()))
    sanity = rows.assign(extent="all", rho=0.1, entropy_rise=[0.1 + 0.01 * (i % 5) for i in range(len(rows))])
    sanity.loc[0, "rho"] = math.nan
    found = sanity_table(sanity)
    assert found["undefined"].tolist() == [1, 0, 0] and found["rho"].tolist() == pytest.approx([0.1] * 3)
    assert (found["rise"] > 10).all() and alzheimer_figures.sanity_figure(found).axes
    assert alzheimer_chapter.sanity_text(found, "donor") == "0.10 to 0.10"
    assert alzheimer_chapter.sanity_text(sanity_table(empty_rows(find_study("sanity"))), "donor") == "not run"


def test_the_interval_of_sanity_is_over_components():
    rows = rows_by_hand(models=("phantom_cnn",), per_component=1)
    rows = rows.assign(extent="all", entropy_rise=0.0, rho=rows.groupby("method").cumcount() / 100)
    copied = [rows.assign(image_id=rows["image_id"] + f" slice {k}") for k in range(4)]
    assert_frame_equal(
        sanity_table(pd.concat(copied)).drop(columns="images"), sanity_table(rows).drop(columns="images")
    )


# cards


def test_figures_of_phantoms():
    phantom = phantom_at(3)
    assert len(alzheimer_figures.grades_figure(phantom).axes) == 5
    maps, said = {"A": torch.rand(128, 128), "B": torch.ones(128, 128)}, {"A": 50.0, "B": 50.0}
    assert len(alzheimer_figures.example_figure(phantom, maps, said).axes) == 4
    means = {"A": {0: (np.ones((16, 16)), 7), 2: (np.zeros((16, 16)), 9)}, "B": {2: (np.ones((16, 16)), 9)}}
    assert len(alzheimer_figures.class_means_figure(means, ("a", "b", "c")).axes) == 4
    assert alzheimer_figures.similarity_figure(alzheimer_tables.leakage()).axes
    assert alzheimer_figures.twins_figure(np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8), 0.99).axes


def test_class_means_of_two_methods_are_compared(monkeypatch):
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    means = {"ClusCAM": {0: (ramp, 7), 1: (ramp, 9)}, "Donor masks": {0: (2 * ramp, 7), 1: (1 - ramp, 9), 2: (ramp, 5)}}
    monkeypatch.setattr(alzheimer_chapter, "mean_maps", lambda *_: means)
    assert alzheimer_chapter.likeness_text(VIT, "last", "cluscam", "donor") == "-1.00 to 1.00"
    del means["Donor masks"]
    assert alzheimer_chapter.likeness_text(VIT, "last", "cluscam", "donor") == "not run"


def test_figures_of_the_reference_run_or_not_run(monkeypatch):
    monkeypatch.setattr(alzheimer_chapter, "reference", lambda study="alzheimer": empty_rows(find_study(study)))
    places = (
        alzheimer_chapter.reference_sanity(alzheimer_chapter.sanity()),
        alzheimer_chapter.reference_ranks(alzheimer_chapter.ranks()),
        alzheimer_chapter.reference_means(VIT, "last", ("cluscam",)),
    )
    assert all("not run" in place.to_html() for place in places)
    rows = rows_by_hand(models=(VIT, *OTHER_SEEDS), n=40)
    monkeypatch.setattr(alzheimer_chapter, "reference", lambda study="alzheimer": rows)
    assert alzheimer_chapter.reference_ranks(alzheimer_chapter.ranks()).axes


def test_an_example_of_maps():
    phantom, maps, said = alzheimer_chapter.example("phantom_cnn", "paper", 2, ("gradcam", "edges"))
    assert phantom == phantom_at(2) and list(maps) == list(said) == ["GradCAM", "Edges"]


def test_the_public_split_leaks_in_words():
    leak = alzheimer_tables.leakage()
    page = alzheimer_tables.leakage_table(leak, pd.DataFrame([leak["splits"]["paper, test"] | {"split by": "slices"}]))
    assert page["of a head seen in training, %"].tolist() == ["100", "0", "100"]


def test_the_claims_of_the_chapter_are_not_run_or_judged():
    page = alzheimer_tables.claim_rows(alzheimer_tables.reference())
    assert page["claim"].tolist() == ["C5a", "C5b", "C5c", *["C5d"] * 6, *["C5e"] * 6, *["C5n"] * 3]
    assert set(page["decision"]) <= {"not run", "supported", "contradicted", "inconclusive"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"profile": "smoke", "dataset": "scenes"}, "smoke"),
        ({"profile": "reference", "dataset": "ilsvrc"}, "embedded"),
        ({"profile": "mine", "dataset": "phantoms"}, "mine"),
        ({"profile": "mine", "dataset": "scenes"}, "embedded"),  # a profile of the whole book
    ],
)
def test_a_profile_about_other_images_leaves_the_phantoms_as_they_are(monkeypatch, parameters, expected):
    asked = []
    monkeypatch.setattr(
        alzheimer_chapter, "study_rows", lambda study, mine: asked.append((study.name, mine["profile"]))
    )
    alzheimer_chapter.phantom_rows(parameters)
    assert asked == [("alzheimer", expected), ("sanity", expected)]
