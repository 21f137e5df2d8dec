"""The tables of the study of Section 4.1, from rows that are small enough to work out by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.logits.evidence import (
    CONTRASTS,
    advantages,
    claim_table,
    contrast_table,
    group_differences,
    tables_1,
    top_scores,
    whole_scores,
)
from analysis.judging.rules import decide
from analysis.statistics import d_z, d_z_interval, standardised


def rows(n=8, seed=0, gain=1.0):
    """Two groups of 3 and 1 maps on n images: K-Means is ahead of its members by `gain`, and random of K-Means by 1."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        base, noise = rng.normal(), 0.1 * rng.normal()
        values = {name: base - 2 + 0.01 * i for name in CONTRASTS if name != "random"}
        values |= {
            "kmeans": base,
            "members": base - gain + noise,
            "random 000": base + 1,
            "random 001": base + 1 + noise,
        }
        for masks, score in values.items():
            groups = [(-1, 4, score)]
            if masks in ("kmeans", "members", "random 000"):
                groups += [(0, 3, score + 1), (1, 1, score - 3)]  # 3/4 (s + 1) + 1/4 (s - 3) = s
            for group, n_maps, value in groups:
                found.append(
                    {"image_id": f"i{9 - i}", "masks": masks, "group": group, "n_maps": n_maps, "score": value}
                )
    return pd.DataFrame(found).assign(model="scene_cnn", layer="paper")


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
    both = contrast_table(rows(12))
    assert claim_table(both, "members").decision.tolist() == ["supported"]
    assert claim_table(both, "random").decision.tolist() == ["contradicted"]


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
    found = d_z_interval(same * np.array([1.0, 1 + 2e-16, *[1.0] * 7]))  # the same but for rounding
    assert np.isnan([found.estimate, found.low, found.high]).all() and found.method == "no spread"
    x = np.array([1.0, 2, 3, 5])
    assert d_z_interval(x).estimate == pytest.approx(d_z(x)) and d_z_interval(x).n == 4


@pytest.mark.parametrize(
    ("low", "high", "effect", "effect_high", "p", "expected"),
    [
        (0.1, 0.5, 0.6, 0.9, 0.01, "supported"),
        (0.1, 0.5, 0.15, 0.3, 0.01, "inconclusive"),  # smaller than what is of interest, but not surely
        (0.1, 0.5, 0.6, 0.9, 0.06, "inconclusive"),
        (-0.1, 0.5, 0.3, 0.5, 0.01, "inconclusive"),
        (-0.5, -0.1, -0.4, -0.2, 0.9, "contradicted"),
        (-0.1, 0.1, 0.0, 0.19, 0.5, "contradicted"),  # surely smaller than what is of interest
    ],
)
def test_the_rule(low, high, effect, effect_high, p, expected):
    assert decide(low, high, effect, effect_high, p, 0.2) == expected
