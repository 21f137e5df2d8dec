"""What the chapters on faithfulness and localisation say in words and tables, on rows whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from analysis.chapters.faithfulness.answers import lead_words, sides, squeezenet_words
from analysis.chapters.faithfulness.page import (
    PRINTED,
    RELATIVES,
    beside_paper,
    claim_rows,
    leads,
    means_table,
    paper_leads,
    reference,
    with_fifth,
)
from analysis.page.panels import MEASURES, prepared
from analysis.paper.tables import paper_network, paper_table

KNOWN = {"dataset": "ilsvrc", "part": "confirm", "variant": "", "seed": 0, "reason": "", "uniform": False}
KNOWN |= {"forward_passes": 31, "backward_passes": 0}


def rows(model="mobileone_s0", n=20, **drops):
    """Rows of one network: `drops` are each method's drop on all images but the last, on which it is twice that."""
    found = []
    for method, drop in drops.items():
        for i in range(n):
            mine = drop * (2 if i == n - 1 else 1)
            for form, fill in [("raw", "mean"), ("matched", "mean"), ("raw", "black"), ("raw", "blur")]:
                row = {"model": model, "layer": "paper", "method": method, "image_id": f"{i:02d}", "form": form}
                values = {"drop": mine / (2 if form == "matched" else 1), "increase": 100.0 * (drop < 20), "gain": 1.0}
                found.append(KNOWN | row | values | {"fill": fill, "coverage": drop / 100, "label": 0, "target": i % 2})
    return prepared(pd.DataFrame(found))


def test_leads_are_turned_so_that_above_0_the_first_is_better():
    plain = rows(cluscam=10.0, scorecam=30.0)
    table = leads(plain, "scorecam").set_index("measure")
    assert (
        table.loc["AD", "mean"] == pytest.approx(21) and table.loc["IC", "mean"] == 100 and table.loc["AG", "mean"] == 0
    )
    assert set(table["n"]) == {20} and table.loc["AD", "low"] > 0
    assert not len(leads(plain, "opticam")) and "mean" in leads(plain, "opticam")
    turned = leads(plain, "cluscam", "scorecam", {"drop": "AD"})
    assert turned["mean"].tolist() == pytest.approx([-21])


def test_words_of_leads():
    both = pd.concat([rows(cluscam=10.0, scorecam=30.0), rows("vit_tiny_patch16_224", cluscam=30.0, scorecam=10.0)])
    words = lead_words(leads(both, "scorecam"))
    assert words["mobileone_s0_paper_IC"] == words["vit_tiny_patch16_224_paper_IC"] == "100 (100 to 100)"
    assert words["cnn_IC_ahead"] == "1 of 1" and words["cnn_IC_behind"] == "0 of 1"
    assert words["transformer_IC_ahead"] == "0 of 1" and words["transformer_IC_behind"] == "1 of 1"
    assert words["cnn_AG_ahead"] == words["cnn_AG_behind"] == "0 of 1"
    assert sides(pd.Series([1.0, -2.0, 0.0, np.nan])) == {"better": 1, "worse": 1, "of": 3}


def test_the_papers_leads_are_those_of_its_means():
    table = paper_leads("scorecam").set_index(["panel", "measure"])
    printed = paper_table(5)
    mine = printed[(printed["family"] == "CNN") & (printed["metric"] == "AD")].groupby("method")["value"].mean()
    assert table.loc[("cnn", "AD"), "mean"] == pytest.approx(mine["ScoreCAM"] - mine["ClusCAM"])
    assert (table["low"] == table["mean"]).all() and len(table) == 6


def test_the_means_and_the_papers_table_beside_them():
    plain = rows("resnet50_v1", cluscam=10.0, scorecam=30.0)
    means = means_table(plain, MEASURES).set_index("method")
    assert means.loc["ScoreCAM", "AD"] == pytest.approx(31.5) and means.loc[
        "ScoreCAM", "mean of the map"
    ] == pytest.approx(30)
    beside = beside_paper(["AD", "IC"], plain)
    assert len(beside) == 12 * 8 and set(beside["paper's network"]) == set(PRINTED) >= set(RELATIVES)
    mine = beside[beside["paper's network"] == "ResNet-50"].set_index("method")
    assert mine.loc["ClusCAM", "AD, paper"] == paper_network("AD", "ResNet-50")["ClusCAM"]
    assert mine.loc["ClusCAM", "AD, here"] == pytest.approx(10.5) and mine.loc["ClusCAM", "images"] == "20"
    assert mine.loc["GradCAM", "images"] == "–" and np.isnan(mine.loc["GradCAM", "AD, here"])
    others = beside[~beside["paper's network"].isin(list(RELATIVES))]
    assert set(others["nearest here"]) == {"–"} and others["AD, here"].isna().all()


def test_mcnemar_by_hand_is_the_p_of_the_ledger():
    both = reference()
    both = both[(both["form"] == "raw") & (both["fill"] == "mean") & (both["variant"] == "")]
    mine = both[(both["model"] == "mobileone_s0") & both["method"].isin(["cluscam", "scorecam"])]
    rose = mine.pivot(index="image_id", columns="method", values="increase").astype(float) > 50
    first, second = (rose["cluscam"] & ~rose["scorecam"]).sum(), (rose["scorecam"] & ~rose["cluscam"]).sum()
    p = binomtest(int(first), int(first + second), 0.5).pvalue
    table = leads(mine, "scorecam").set_index("measure")
    assert table.loc["IC", "p"] == pytest.approx(p, rel=1e-9)
    claim = claim_rows(reference(), "C1").set_index("network")
    assert claim.loc["MobileOne-S0", "ahead by [95 %]"].startswith(f"{table.loc['IC', 'mean']:+.2f}")


def whatif_rows(model, alike, groups):
    found = []
    for way, drop in (("cluscam", 80.0), ("best", 90.0), ("alike", alike)):
        for form in ("raw", "matched"):
            row = {"model": model, "layer": "paper", "map": way, "form": form, "fill": "mean", "reason": ""}
            row |= {"drop": drop / (1 if form == "raw" else 2), "coverage": 0.2, "groups": groups, "active": 0.07}
            found.append(row | {"image_id": "a", "masks_coverage": 0.05, "logit": 20.0, "best_score": -15.0})
    return pd.DataFrame(found)


def test_why_squeezenet_is_different_in_words():
    plain = rows("squeezenet1_1", cluscam=40.0, gradcam=30.0, random=20.0, inverted=10.0)
    maps = pd.concat([whatif_rows("squeezenet1_1", 50.0, 1.5), whatif_rows("mobileone_s0", 20.0, 2.0)])
    words = squeezenet_words(plain, maps)
    assert words["ad_cluscam"] == "42" and words["matched_cluscam"] == "21" and words["cover_inverted"] == "10"
    assert words["often"] == "100" and words["fill_black"] == "42"
    assert words["squeeze_left"] == "25" and words["squeeze_groups"] == "1.5" and words["squeeze_active"] == "7"
    assert (
        words["squeeze_ad_alike"] == "50"
        and words["squeeze_matched_alike"] == "25"
        and words["mobile_ad_alike"] == "20"
    )


def test_the_fifth_network_stands_beside_the_four():
    assert {*with_fifth()["model"]} == {*reference()["model"], "efficientnet_lite0"}
