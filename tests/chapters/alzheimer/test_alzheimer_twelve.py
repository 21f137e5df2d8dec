"""The paper's twelve backbones on the Alzheimer slices."""

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.alzheimer import twelve
from analysis.chapters.alzheimer.figures import twelve_figure
from analysis.engine.contract import empty_rows
from analysis.paper.tables import paper_table
from analysis.studies.registry import find_study

NOTHING = empty_rows(find_study("alzheimer"))  # the rows of a run that has not begun

CARD = {"balanced_accuracy": 40.0, "balanced_accuracy low": 30.0, "balanced_accuracy high": 50.0}


def rows_by_hand(models, score, n=12, per_component=3):
    """Rows of all methods on n slices; `score(model, method, i)` is whether the probability of slice i rises."""
    return pd.DataFrame(
        {
            "dataset": "alzheimer_mri", "part": "test", "model": model, "layer": "paper", "method": method,
            "variant": "", "seed": 0, "image_id": f"test-{i:05d}", "form": "raw", "fill": "mean", "reason": "",
            "increase": 100.0 * score(model, method, i), "component": i // per_component,
        }
        for model in models
        for method in (*twelve.printed_methods(), *twelve.BESIDE)
        for i in range(n)
    )  # fmt: skip


@pytest.fixture
def cards(monkeypatch):
    monkeypatch.setattr(twelve, "cards_table", lambda names: pd.DataFrame([{"name": name, **CARD} for name in names]))


def test_the_twelve_are_the_papers_and_their_methods_planned():
    assert {twelve.printed_as(model) for model in twelve.TWELVE} == set(paper_table(6)["model"])
    assert len(twelve.printed_methods()) == paper_table(6)["method"].nunique() == 8
    planned = {
        (block.model, block.method)
        for block in find_study("alzheimer").planned("reference").blocks
        if block.layer == "paper"
    }
    for model in twelve.BACKBONES:
        assert planned >= {(model, name) for name in (*twelve.printed_methods(), *twelve.BESIDE)}


def test_table_6_by_network_and_method():
    table, printed = twelve.paper_twelve(), paper_table(6).query("metric == 'IC'")
    assert table.shape == (12, 8) and table.to_numpy().sum() == pytest.approx(printed["value"].sum())
    (cell,) = printed.query("model == 'LeViT-192' and method == 'OptiCAM'")["value"]
    assert table.loc["levit_192-alzheimer_mri-128-s0", "opticam"] == cell


def test_a_score_that_hangs_on_the_network_alone(cards):
    """On the first network no score rises, on the second all do: every bit of variance is between networks."""
    models = twelve.TWELVE[:2]
    table = twelve.twelve_table(rows_by_hand(models, lambda model, method, i: model == models[1]))
    assert table["model"].tolist() == list(models) and table["cluscam"].tolist() == [0, 100]
    found = twelve.shares(table[twelve.printed_methods()])
    assert found == pytest.approx({"networks": 100, "methods": 0, "rest": 0})
    facts = twelve.twelve_facts(table)
    assert facts["twelve_edges"] == facts["twelve_donor"] == "2 of 2" and facts["twelve_first"] == "0 of 2"
    assert facts["twelve_ran"] == "2 of 12" and facts["twelve_learned"] == "2 of 2"
    page = twelve.twelve_page(table)
    assert page.loc[1, "best other"] == "100.0 (7 methods)" and page.loc[1, "paper: best other"] == "79.5 (ScoreCAM)"
    assert page.loc[2, "ClusCAM"] == page.loc[2, "Edges"] == "not run" and len(page) == 12


def test_a_score_that_hangs_on_the_method_alone(cards):
    table = twelve.twelve_table(rows_by_hand(twelve.TWELVE, lambda model, method, i: method == "cluscam"))
    found = twelve.shares(table[twelve.printed_methods()])
    assert found == pytest.approx({"networks": 0, "methods": 100, "rest": 0})
    facts = twelve.twelve_facts(table)
    assert facts["twelve_first"] == "12 of 12" and facts["twelve_edges"] == "0 of 12"
    assert twelve_figure(table, twelve.paper_twelve(), twelve.BESIDE).axes


def test_slices_of_a_component_count_once_and_all_methods_have_the_same(cards):
    """Slice 0 is a component alone, the other eleven are one; OptiCAM has six slices only."""
    rows = rows_by_hand(twelve.TWELVE[:1], lambda model, method, i: i == 0)
    rows = rows.assign(component=(rows["image_id"] > "test-00000").astype(int))
    rows = rows[(rows["method"] != "opticam") | (rows["image_id"] < "test-00006")]
    (row,) = twelve.twelve_table(rows).to_dict("records")
    assert row["slices"] == 6 and row["cluscam"] == 50
    left_out = rows["method"].eq("scorecam")
    rows = rows.assign(reason=np.where(left_out, "it cannot", ""), form=np.where(left_out, "", "raw"))
    (row,) = twelve.twelve_table(rows).to_dict("records")
    assert np.isnan(row["scorecam"]) and row["slices"] == 6
    assert np.isnan(twelve.shares(twelve.twelve_table(rows)[twelve.printed_methods()])["networks"])


def test_before_anything_has_run():
    table = twelve.twelve_table(NOTHING)
    assert not len(table) and set(twelve.twelve_page(table)["ClusCAM"]) == {"not run"}
    assert twelve.twelve_facts(table)["twelve_first"] == "not run"
    assert twelve_figure(table, twelve.paper_twelve(), twelve.BESIDE).axes
    missing = rows_by_hand(twelve.TWELVE[:1], lambda *_: True).query("method != 'opticam'")
    assert not len(twelve.twelve_table(missing))  # a network counts when all of Table 6's methods have run


def test_networks_without_a_card_have_scores_all_the_same(monkeypatch):
    monkeypatch.setattr(twelve, "cards_table", lambda names: pd.DataFrame({"name": names, "here": False}))
    table = twelve.twelve_table(rows_by_hand(twelve.TWELVE[:2], lambda *_: True))
    assert table["balanced"].isna().all() and (table["cluscam"] == 100).all()
    assert twelve.twelve_facts(table)["twelve_learned"] == "0 of 2"


def test_the_facts_are_the_same_words_before_and_after(cards):
    ran = twelve.twelve_table(rows_by_hand(twelve.TWELVE, lambda model, method, i: i % 2))
    assert twelve.twelve_facts(ran).keys() == twelve.twelve_facts(twelve.twelve_table(NOTHING)).keys()
