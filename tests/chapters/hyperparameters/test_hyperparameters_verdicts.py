"""What decides the claims of Section 3.4, on rows whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from scores_by_size import GRID, made_rows, saturating, two_heaps

from analysis.chapters.hyperparameters import evidence
from analysis.chapters.hyperparameters.study import STUDY
from analysis.judging import ledger
from analysis.paper.claims import claims_of
from cluscam_lite.tuning import elbow

LARGE = STUDY.planned("reference").blocks[0].grid
CLAIMS = {claim["id"]: claim for claim in claims_of("hyperparameters")}


def judged(claim, rows, n=40, model="mobileone_s0", grid=None, seeds=None):
    """The verdict on a claim whose population is the rows' block."""
    population = {"blocks": [{"model": model, "layer": "paper", "n": n}]}
    population |= {"grid": grid or sorted(rows["n_clusters"].unique()), "seeds": seeds or sorted(rows["seed"].unique())}
    return ledger.judged(rows, CLAIMS[claim] | {"population": population}).iloc[0]


def test_a_stable_k_is_one_that_every_draw_and_seed_names():
    clear = made_rows(saturating, noise=0.01)
    assert judged("C10d", clear)["verdict"] == "supported" and "K = 30 in 100%" in judged("C10d", clear)["text"]
    weak = made_rows(lambda k: 0.1 * (k == 30), noise=1.0)  # drowned in noise
    share = evidence.choice_table(weak).set_index("rule")["share"]
    assert share["argmax"] < 0.95 and judged("C10a", weak)["verdict"] != "supported"
    three = pd.concat([clear, made_rows(lambda k: -saturating(k), seeds=(2,), noise=0.01)])
    assert judged("C10d", three)["verdict"] == "undecided"  # two seeds of three agree: the mode has two thirds
    two = pd.concat([clear[clear["seed"] == 0], made_rows(lambda k: -saturating(k), seeds=(1, 2), noise=0.01)])
    assert judged("C10d", two)["text"].endswith("by seed: 30, 40, 40")
    early = made_rows(lambda k: min(k, 10) / 10, seeds=(1,), noise=0.01)  # names 20
    each = pd.concat([clear[clear["seed"] == 0], early, made_rows(lambda k: -saturating(k), seeds=(2,), noise=0.01)])
    assert judged("C10d", each)["verdict"] == "reversed"  # three seeds, three answers


def test_what_is_asked_of_stability_is_more_than_noise_gives():
    near, most = evidence.near_sizes(LARGE, 30), CLAIMS["C10a"]["thresholds"]["supported"]["at_least"]
    rng, stable, close = np.random.default_rng(0), [], []
    for _ in range(300):  # a curve of noise, and its bootstrap: noise of the same size around it
        choices = elbow(LARGE, rng.normal(size=len(LARGE)) + rng.normal(size=(500, len(LARGE))))
        by_size = evidence.shares(choices, LARGE)
        stable.append(by_size.max())
        close.append(by_size[by_size.index.isin(near)].sum())
    stable, close = np.array(stable), np.array(close)
    assert (stable >= 0.5).mean() > 0.5  # one half would say nothing
    assert (stable >= most).mean() < 0.06 and (
        close >= CLAIMS["C10c"]["thresholds"]["supported"]["at_least"]
    ).mean() < 0.08


def test_near_table_3_is_decided_by_the_draws():
    assert judged("C10e", made_rows(saturating, noise=0.01))["verdict"] == "supported"  # 30 of Table 3
    wide = (2, 4, 6, 20, 30, 40)
    early = made_rows(lambda k: min(k, 4.0), grid=wide, noise=0.001)  # bends at 4: names 6
    assert judged("C10e", early)["verdict"] == "reversed"
    assert judged("C10c", early)["verdict"] == "supported"  # flat and flatter: the argmax is among the last


def test_saturation_has_to_rise_and_to_bend():
    assert judged("C10b", made_rows(saturating, noise=0.1))["verdict"] == "supported"
    assert judged("C10b", made_rows(lambda k: -saturating(k), noise=0.1))["verdict"] == "reversed"
    straight = made_rows(lambda k: 0.1 * k, noise=0.3)  # rises without a bend
    assert judged("C10b", straight)["verdict"] != "supported"
    convex = made_rows(lambda k: 0.001 * k**2, noise=0.1)
    assert judged("C10b", convex)["verdict"] == "reversed"


def test_r_is_narrow_or_wide_near_or_far():
    near = two_heaps(n=90, share=0.37, seeds=(0,))
    assert judged("C10f", near, 90)["verdict"] == judged("C10g", near, 90)["verdict"] == "supported"
    assert judged("C10g", two_heaps(share=0.4), 30)["verdict"] == "undecided"  # its interval goes beyond five points
    assert judged("C10g", two_heaps(share=0.8), 30)["verdict"] == "reversed"
    few = two_heaps(n=3, share=0.4)
    few["score"] += 12 * few["image_id"].astype("category").cat.codes  # what is lower depends on the images drawn
    assert judged("C10f", few, 3)["verdict"] == "reversed"


@pytest.mark.parametrize("claim", CLAIMS)
def test_nothing_is_decided_before_all_images_are_there(claim):
    rows = made_rows(saturating, n=4)
    for begun in (
        pd.DataFrame(),
        rows[rows["image_id"] != "image 001"],
        rows[rows["seed"] == 0],
        rows[rows["n_clusters"] > 5],
    ):
        assert judged(claim, begun, 4, grid=GRID, seeds=(0, 1))["verdict"] == "not run"
    block = CLAIMS[claim]["population"]["blocks"]
    found = ledger.judged(pd.DataFrame(), CLAIMS[claim])
    assert found["verdict"].tolist() == ["not run"] * len(block) and found["tier"].tolist() == ["conceptual"] * 2
