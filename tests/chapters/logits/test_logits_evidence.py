"""The tables of the study of Section 4.1, from rows that are small enough to work out by hand."""

import numpy as np
import pandas as pd
import pytest
from logits_rows import rows

from analysis.chapters.logits.evidence import (
    CONTRASTS,
    advantages,
    contrast_table,
    group_differences,
    tables_1,
    top_scores,
    whole_scores,
)
from analysis.chapters.logits.page import group_leads
from analysis.chapters.logits.specifications import sides_of
from analysis.judging.ledger import judged
from analysis.paper.claims import claims_of
from analysis.statistics import d_z, mean_and_d_z, standardised


def test_images_keep_their_order():
    assert list(whole_scores(rows(3)).index) == ["i9", "i8", "i7"]


def test_advantages_by_hand():
    scores = whole_scores(rows(4))
    found = advantages(scores)
    assert list(found) == list(CONTRASTS)
    np.testing.assert_allclose(found["rolled"], [2, 1.99, 1.98, 1.97])
    np.testing.assert_allclose(found["random"], scores["kmeans"] - (scores["random 000"] + scores["random 001"]) / 2)


def test_contrasts_and_decisions():
    table = contrast_table(rows(12)).set_index("against")
    assert table.loc["members", "mean"] == pytest.approx(1, abs=0.1) and table.loc["members", "low"] > 0.8
    assert table.loc["random", "mean"] == pytest.approx(-1, abs=0.1) and table.loc["random", "share ahead, %"] == 0
    # 3 partitions, 12 images: the observed one is the lowest in each
    assert table.loc["random", "p"] < 0.01
    one = contrast_table(rows(12), ["random"]).set_index("against")
    pd.testing.assert_frame_equal(one, table.loc[["random"]])
    members, random = (
        claim
        | {
            "population": {"blocks": [{"model": "scene_cnn", "layer": "paper", "n": 12}]},
            "tier": {"scene_cnn": "conceptual"},
        }
        for claim in claims_of("logits")
    )
    assert judged(rows(12), members)["verdict"].tolist() == ["supported"]
    assert judged(rows(12), random)["verdict"].tolist() == ["reversed"]


def test_group_differences_order_groups_by_their_score():
    found = group_differences(rows(5, gain=0.5))
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-12)  # both groups of an image differ by the same
    assert tables_1(rows(5)).loc[0, "groups"] == 2


def test_best_groups_of_both_partitions():
    table = top_scores(rows(6), n=1).set_index("masks")["mean of the best 1"]
    assert table["random 000"] - table["kmeans"] == pytest.approx(1)


def test_standardised_by_hand():
    assert standardised(np.array([1.0, 2, 3])) == pytest.approx(2) and standardised(np.ones(4)) == 0
    assert standardised(np.array([[1.0, 2, 3], [1, 1, 1]])).tolist() == [2, 0]


@pytest.mark.parametrize("same", [0.0, 0.1])
def test_equal_differences_have_no_effect_size(same):
    _, found = mean_and_d_z(same * np.array([1.0, 1 + 2e-16, *[1.0] * 7]))  # the same but for rounding
    assert np.isnan([found.estimate, found.low, found.high]).all() and found.method == "no spread"
    x = np.array([1.0, 2, 3, 5])
    _, found = mean_and_d_z(x)
    assert found.estimate == pytest.approx(d_z(x)) and found.n == 4


def test_scores_of_groups_count_each_group_once():
    """The literal means: of all groups for "over groups", weighted by their sizes for "over maps"."""
    table = rows(n=5).assign(probability=0.5)
    maps, _ = sides_of(table)
    groups, probability = sides_of(table, "over groups")
    assert list(groups.index) == list(maps.index) == list(table["image_id"].unique()) == list(probability.index)
    for image in maps.index:
        own = table[(table["image_id"] == image) & (table["masks"] == "kmeans") & (table["group"] >= 0)]
        assert groups.loc[image, "kmeans"] == pytest.approx(own["score"].sum() / len(own))
        assert maps.loc[image, "kmeans"] == pytest.approx((own["score"] * own["n_maps"]).sum() / own["n_maps"].sum())
    first = table[(table["masks"] == "random 000") & (table["group"] >= 0)].groupby("image_id")["score"].mean()
    assert groups["random"].to_dict() == pytest.approx(first.to_dict())
    assert "mean of all" not in groups


def test_the_lead_when_groups_count_once():
    """By hand: K-Means' groups have s + 1 and s - 3, those of the random partition one logit more."""
    leads = group_leads(rows(n=4).assign(probability=0.5))
    assert list(leads.index) == ["Scene CNN"] and leads.iloc[0] == pytest.approx(-1)
