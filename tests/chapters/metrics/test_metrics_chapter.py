"""The chapter on the metrics: its tables and figures, and the sentences that are made from rows."""

import pandas as pd
import pytest
from drawn import dots

from analysis.chapters.faithfulness.evidence import fill_table, layer_table
from analysis.chapters.metrics import facts
from analysis.chapters.metrics import page as chapter
from analysis.chapters.metrics.figures import PALETTE, ways_figure
from analysis.engine.contract import empty_rows
from analysis.page.panels import prepared
from analysis.studies.registry import find_study

RISES = {"cluscam": 60, "gradcam": 40, "fakecam": 50, "ones": 0, "opticam": 90}
DROPS = {"cluscam": 20.0, "gradcam": 30.0, "fakecam": 0.5, "ones": 0.0, "opticam": 0.1}
BY = ["network", "title"]


def rows(rises=RISES, n=20, models=("mobileone_s0", "squeezenet1_1")):
    """Rows of n images for each network and method; `rises` has the percentage of images with an increase."""
    found = []
    for model in models:
        for name, share in rises.items():
            for i in range(n):
                up = 100.0 if 100 * i < share * n else 0.0
                drop = DROPS.get(name, 10.0)
                row = {
                    "model": model,
                    "layer": "paper",
                    "method": name,
                    "image_id": f"i{i}",
                    "variant": "",
                    "form": "raw",
                }
                row |= {"fill": "mean", "increase": up, "drop": drop, "gain": up / 100, "coverage": 0.5}
                found.append(row)
    return prepared(pd.DataFrame(found))


def test_titled_has_words_for_every_row():
    found = chapter.titled(rows())
    assert found["network"].unique().tolist() == ["MobileOne-S0", "SqueezeNet 1.1"]
    kinds = found.drop_duplicates("method").set_index("title")["kind"]
    assert kinds.to_dict() == {
        "ClusCAM": "ClusCAM",
        "GradCAM": "rivals",
        "FakeCAM": "FakeCAM",
        "All ones": "trivial maps",
        "OptiCAM": "rivals",
    }
    assert kinds.sort_values().iloc[-1] == "FakeCAM" and set(kinds.cat.categories) == set(PALETTE)
    assert len(chapter.titled(prepared(empty_rows(find_study("faithfulness"))))) == 0


def test_spans():
    assert facts.span([4.4, 83.2]) == "4 to 83"
    assert facts.span([0.31, 0.29], 1) == "0.3"
    assert facts.span([-2, float("nan"), 3]) == "−2 to 3"


def test_facts_about_fakecam():
    means = chapter.titled(rows()).groupby(BY)[["drop", "increase", "gain"]].mean()
    means.loc[("SqueezeNet 1.1", "ClusCAM"), ["drop", "increase"]] = 0.2, 45.0
    found = facts.fake_facts(means)
    assert found == {
        "panels": "2",
        "fake_ad": "0.5",
        "clus_ad": "0 to 20",
        "fake_ad_ahead": "1",
        "below_fake": "ClusCAM, OptiCAM",
        "fake_ic": "50",
        "clus_ic": "45 to 60",
        "fake_ic_ahead": "1",
        "fake_ag": "0.5",
    }


def test_facts_about_coverage():
    index = pd.MultiIndex.from_product([["a", "b"], ["ClusCAM", "GradCAM", "ScoreCAM"]], names=BY)
    both = pd.DataFrame({"before": [3.0, 2, 1, 3, 2, 1], "after": [3.0, 2, 1, 1, 2, 3]}, index=index)
    found = facts.coverage_facts(both, "before", "after")
    assert found == {"ahead_before": "2", "ahead_after": "1", "order": "−1.00 to 1.00"}


def test_what_the_own_fill_adds():
    block = {"model": "m", "panel": "paper", "images": 10}
    table = pd.DataFrame(
        [
            block | {"scored with": "mean", "mean": 50.0, "black": 20.0},
            block | {"scored with": "black", "mean": 40.0, "black": 26.0},
        ]
    )
    assert facts.own_fill(table).to_dict() == {("m", "paper"): 8.0}


def test_facts_about_null_methods():
    found = facts.null_facts(rows({"cluscam": 60, "donor": 5, "smooth": 100, "inverted": 60}))
    assert (found["donor_ahead"], found["donor_behind"]) == ("2", "0")
    assert (found["smooth_ahead"], found["smooth_behind"]) == ("0", "2")
    assert (found["inverted_ahead"], found["inverted_behind"]) == ("0", "0")


@pytest.mark.parametrize("networks", [1, 2, 3])
def test_the_figure_of_ways_has_every_number(networks):
    names = list("abc")[:networks]
    index = pd.MultiIndex.from_product([names, ["GradCAM", "ClusCAM"]], names=BY)
    table = pd.DataFrame({"one": range(len(index)), "other": range(5, 5 + len(index))}, index=index, dtype=float)
    figure = ways_figure(table, "IC, %")
    for ax, name in zip(figure.axes, names, strict=False):
        mine = table.loc[name].loc[["ClusCAM", "GradCAM"]]  # in the order of the registry
        assert dots(ax)[:, 0].tolist() == [*mine["one"], *mine["other"]] and ax.get_title() == name
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "other"]


def test_tables_of_a_run_that_has_not_begun():
    nothing = prepared(empty_rows(find_study("faithfulness")))
    assert chapter.fill_text(fill_table(nothing)).iloc[0, 0] == "not run"
    assert chapter.layers_page(layer_table(nothing)).iloc[0, 0] == "not run"
    assert chapter.curve_table(empty_rows(find_study("curves"))).iloc[0, 0] == "not run"
