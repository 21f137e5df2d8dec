"""From rows to the tables behind the chapter: components as units, comparisons, ranks over seeds, claims."""

import math

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from slice_rows import rows_by_hand

from analysis.chapters.alzheimer import figures as alzheimer_figures
from analysis.chapters.alzheimer import page as alzheimer_chapter
from analysis.chapters.alzheimer import tables as alzheimer_tables
from analysis.chapters.alzheimer.answers import answers_page, answers_table, answers_text
from analysis.chapters.alzheimer.evidence import (
    by_component,
    comparison_table,
    concordance,
    means_table,
    rank_table,
    sanity_table,
    tuned_table,
)
from analysis.chapters.alzheimer.plan import OTHER_SEEDS, VIT
from analysis.engine.contract import empty_rows
from analysis.judging.ledger import judged
from analysis.page.panels import prepared
from analysis.studies.registry import find_study
from cluscam_lite import get_spec

NOTHING = empty_rows(find_study("alzheimer"))  # the rows of a run that has not begun


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
        "population": {"blocks": [{"model": VIT, "layer": "paper", "n": 48}]},
    }  # fmt: skip
    table = judged(rows_by_hand(n=48), claim)
    assert table["verdict"].tolist() == ["supported"] and table["n"].tolist() == [12]
    assert "Wilcoxon" in table["test"][0]
    more = claim | {"population": {"blocks": [{"model": VIT, "layer": "paper", "n": 49}]}}
    assert judged(rows_by_hand(n=48), more)["verdict"].tolist() == ["not run"]
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


def test_the_sanity_table():
    rows = rows_by_hand(models=("phantom_cnn",), per_component=1).assign(component=-1)
    sanity = rows.assign(extent="all", rho=0.1, entropy_rise=[0.1 + 0.01 * (i % 5) for i in range(len(rows))])
    sanity.loc[0, "rho"] = math.nan
    found = sanity_table(sanity)
    assert found["undefined"].tolist() == [1, 0, 0] and found["rho"].tolist() == pytest.approx([0.1] * 3)
    assert (found["rise"] > 10).all()
    assert alzheimer_chapter.sanity_text(found, "donor") == "0.10 to 0.10"
    assert alzheimer_chapter.sanity_text(sanity_table(empty_rows(find_study("sanity"))), "donor") == "not run"


def test_the_interval_of_sanity_is_over_components():
    rows = rows_by_hand(models=("phantom_cnn",), per_component=1)
    rows = rows.assign(extent="all", entropy_rise=0.0, rho=rows.groupby("method").cumcount() / 100)
    copied = [rows.assign(image_id=rows["image_id"] + f" slice {k}") for k in range(4)]
    assert_frame_equal(
        sanity_table(pd.concat(copied)).drop(columns="images"), sanity_table(rows).drop(columns="images")
    )
