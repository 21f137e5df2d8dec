"""What the rows of the study of stability say of its claims: numbers by hand, gaps, and pages without rows."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.stability import evidence, page
from analysis.chapters.stability.claims import AD_MARGIN, IC_MARGIN
from analysis.chapters.stability.claims import evidence as claim_evidence
from analysis.chapters.stability.study import STUDY
from analysis.engine.contract import empty_rows
from analysis.judging.rules import NEGLIGIBLE, REVERSED, SUPPORTED, UNDECIDED, judge
from analysis.paper.claims import claims_of
from analysis.studies.rows import NOT_RUN

CLAIMS = {claim["id"]: claim for claim in claims_of("stability")}
MODEL, PANEL = "mobileone_s0", "paper"
EXPLAINERS = {"cluscam": "cluscam", "soft": "cluscam", "mean5": "cluscam", "gradcam": "gradcam"}


def rows_of(values, n=20, layer=PANEL):
    """Rows from {(explainer, perturbation): {measure: value or n values}}."""
    found = []
    for (explainer, change), measures in values.items():
        each = {name: np.broadcast_to(value, n) for name, value in measures.items()}
        for i in range(n):
            row = {"model": MODEL, "layer": layer, "method": EXPLAINERS[explainer], "explainer": explainer}
            row |= {"perturbation": change, "image_id": f"i{i:02d}", "target": 1, "top1": 1 + (i == 0)}
            row |= {name: 0.0 for name in ("correlation", "rank", "overlap", "drop", "increase", "gain")}
            found.append(row | {name: float(value[i]) for name, value in each.items()})
    return pd.DataFrame(found)


def claim_on(claim_id, n=20, layer=PANEL):
    claim = CLAIMS[claim_id]
    return {**claim, "population": {"blocks": [{"model": MODEL, "layer": layer, "n": n}]}}


def judged_on(claim_id, rows, n=20):
    claim = claim_on(claim_id, n)
    return judge(claim_evidence(rows, claim), claim["thresholds"]).iloc[0]


def noise(mean, spread=0.02, n=20, seed=0):
    some = np.random.default_rng(seed).normal(size=n)
    return mean + spread * (some - some.mean())


@pytest.mark.parametrize(("mean", "word"), [(0.95, SUPPORTED), (0.8, REVERSED), (0.9, UNDECIDED)])
def test_a_seed_is_judged_by_the_mean_of_two_correlations(mean, word):
    one, two = noise(mean), noise(mean, seed=1)
    rows = rows_of({("cluscam", "seed 1"): {"correlation": one}, ("cluscam", "seed 2"): {"correlation": two}})
    row = judged_on("C12a", rows)
    assert row["mean"] == pytest.approx(np.mean((one + two) / 2), abs=1e-9) and row["n"] == 20
    assert row["low"] < row["mean"] < row["high"] and row["verdict"] == word


def test_an_image_without_correlation_is_left_out_and_counted():
    some = noise(0.95)
    some[3] = math.nan
    rows = rows_of({("cluscam", "seed 1"): {"correlation": some}, ("cluscam", "seed 2"): {"correlation": 0.95}})
    assert judged_on("C12a", rows)["n"] == 19
    table = evidence.agreement_table(evidence.prepared(rows)).set_index("perturbation")
    assert table.loc["seed 1", "undefined"] == 1 and table.loc["seed 1", "images"] == 20
    assert table.loc["seed 1", "turned"] == pytest.approx(5)


def test_a_block_that_lacks_an_image_or_a_change_is_not_judged():
    both = {("cluscam", "seed 1"): {"correlation": noise(0.95)}, ("cluscam", "seed 2"): {"correlation": noise(0.95)}}
    rows = rows_of(both)
    assert judged_on("C12a", rows[~((rows.perturbation == "seed 2") & (rows.image_id == "i07"))])["verdict"] == NOT_RUN
    assert judged_on("C12a", rows[rows.perturbation == "seed 1"])["verdict"] == NOT_RUN
    assert judged_on("C12a", rows, n=21)["verdict"] == NOT_RUN
    assert judged_on("C12a", rows_of(both, layer="last"))["verdict"] == NOT_RUN
    assert judged_on("C12a", rows[:0])["verdict"] == NOT_RUN
    assert judged_on("C12b", rows)["verdict"] == NOT_RUN  # no GradCAM


@pytest.mark.parametrize(("behind", "word"), [(0.0, SUPPORTED), (0.2, REVERSED), (0.05, UNDECIDED)])
def test_a_shift_is_judged_by_how_far_clus_cam_is_behind(behind, word):
    values = {
        ("cluscam", "shift 4"): {"correlation": noise(0.8 - behind)},
        ("gradcam", "shift 4"): {"correlation": 0.8},
    }
    row = judged_on("C12b", rows_of(values))
    assert row["mean"] == pytest.approx(-behind, abs=1e-9) and row["verdict"] == word


def test_what_is_read_before_the_last_block_counts_as_the_last():
    values = {("cluscam", "shift 4"): {"correlation": noise(0.8)}}
    other = rows_of({("gradcam", "shift 4"): {"correlation": 0.8}}, layer="last_input")
    rows = pd.concat([rows_of(values, layer="last"), other])
    claim = claim_on("C12b", layer="last")
    assert claim_evidence(rows, claim)["mean"].iloc[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("ahead", "word"), [(0.03, SUPPORTED), (-0.03, REVERSED)])
def test_softer_weights_are_judged_by_paired_differences(ahead, word):
    base = noise(0.7, 0.1)
    values = {
        ("cluscam", "seed 1"): {"correlation": base},
        ("soft", "seed 1"): {"correlation": base + noise(ahead, 0.02, seed=2)},
    }
    row = judged_on("C12c", rows_of(values))
    assert row["mean"] == pytest.approx(ahead, abs=1e-9) and row["verdict"] == word and row["differing"] == 20
    difference = noise(ahead, 0.02, seed=2)
    assert row["d_z"] == pytest.approx(difference.mean() / difference.std(ddof=1))


def test_equal_stability_is_negligible_with_enough_images():
    n = 1000
    base = noise(0.7, 0.1, n)
    values = {
        ("cluscam", "seed 1"): {"correlation": base},
        ("soft", "seed 1"): {"correlation": base + noise(0, 0.02, n, seed=2)},
    }
    assert judged_on("C12c", rows_of(values, n), n)["verdict"] == NEGLIGIBLE


@pytest.mark.parametrize(
    ("drop", "rises", "word"),
    [
        (0.0, 0, SUPPORTED),  # as good
        (-10.0, 0, SUPPORTED),  # better
        (10.0, 0, REVERSED),  # ten points of AD worse
        (0.0, 30, REVERSED),  # thirty points of IC worse
        (2.0, 0, UNDECIDED),  # AD at the margin
    ],
)
def test_what_a_weighting_loses_is_the_larger_of_two(drop, rises, word):
    n = 200
    before = {"increase": 100.0 * (np.arange(n) % 2), "drop": noise(20, 2, n)}
    after = {"increase": before["increase"].copy(), "drop": before["drop"] + noise(drop, 1, n, seed=3)}
    after["increase"][np.flatnonzero(before["increase"])[: rises * n // 100]] = 0
    row = judged_on("C12d", rows_of({("cluscam", "none"): before, ("soft", "none"): after}, n), n)
    assert row["verdict"] == word and row["least"] <= row["most"] and "IC" in row["text"] and "AD" in row["text"]
    if word == REVERSED:
        least = drop / AD_MARGIN if drop else rises / IC_MARGIN
        assert row["least"] < least < row["most"] and row["least"] > 1


def test_the_margins_are_those_of_the_claim():
    for field in ("sesoi", "estimand"):
        assert f"{IC_MARGIN:g} points of IC" in CLAIMS["C12d"]["sesoi"]
        assert f"{AD_MARGIN:g} points of AD" in CLAIMS["C12d"]["sesoi"] and CLAIMS["C12d"][field]
    assert f"IC divided by {IC_MARGIN:g} points and in AD divided by {AD_MARGIN:g}" in " ".join(
        CLAIMS["C12d"]["estimand"].split()
    )
    assert all(claim["whose"] == "ours" for claim in CLAIMS.values()) and set(page.MEANING) == set(CLAIMS)


def test_changes_of_scores_are_paired_by_image():
    before, after = noise(20, 3), noise(25, 3, seed=1)
    rows = evidence.prepared(rows_of({("cluscam", "none"): {"drop": before}, ("cluscam", "seed 1"): {"drop": after}}))
    assert page.change_span(rows, "cluscam", ["seed 1"], "AD") == f"{(after - before).mean():+.1f}"
    assert page.clear_changes(rows, "cluscam", ["seed 1"], "AD") == "1 of 1"
    assert page.clear_changes(rows, "cluscam", ["seed 1"], "IC") == "0 of 1"
    (row,) = evidence.change_table(rows.sample(frac=1, random_state=0)).to_dict("records")
    assert row["AD"] == pytest.approx((after - before).mean()) and row["IC"] == 0 and row["images"] == 20


def test_use_compares_on_the_same_images():
    values = {
        ("cluscam", "none"): {"drop": noise(20, 3)},
        ("cluscam", "seed 1"): {"correlation": noise(0.8)},
        ("soft", "none"): {"drop": noise(18, 3)},
        ("soft", "seed 1"): {"correlation": noise(0.9)},
    }
    table = evidence.use_table(evidence.prepared(rows_of(values))).set_index("explainer")
    assert table.loc["soft", "AD gain"] == pytest.approx(2) and table.loc["soft", "IC gain"] == 0
    assert table.loc["cluscam", "correlation"] == pytest.approx(0.8) and list(table.index) == ["cluscam", "soft"]


@pytest.mark.parametrize(("low", "high", "said"), [(-100.0, 109.0, "+4.00 (too few images)"), (1.0, 7.0, "+4.00 [")])
def test_an_interval_wider_than_the_scale_is_not_shown(low, high, said):
    row = pd.Series({"AD gain": 4.0, "AD gain low": low, "AD gain high": high})
    assert page._gain(row, "AD gain").startswith(said)


@pytest.mark.parametrize(
    ("five", "drop", "words"), [(0.95, 19, "take the mean"), (0.8, 19, "spread first"), (0.95, 30, "do not show")]
)
def test_advice_follows_the_claims(five, drop, words, monkeypatch):
    values = {
        ("cluscam", "none"): {"drop": noise(20, 1)},
        ("cluscam", "seed 1"): {"correlation": noise(0.7)},
        ("cluscam", "seed 2"): {"correlation": noise(0.7)},
        ("mean5", "none"): {"drop": noise(drop, 1)},
        ("mean5", "seed 1"): {"correlation": noise(five)},
    }
    rows = evidence.prepared(rows_of(values))
    mine = [claim_on(name) | {"tier": {MODEL: "conceptual"}} for name in ("C12a", "C12e")]
    monkeypatch.setattr(page, "claims_of", lambda study: mine)
    assert words in page.advice(rows)
    assert NOT_RUN in page.advice(rows[rows["explainer"] == "cluscam"])


def test_pages_without_rows_say_so():
    rows = evidence.prepared(empty_rows(STUDY))
    assert len(evidence.agreement_table(rows)) == len(evidence.change_table(rows)) == 0
    assert NOT_RUN in page.agreement_page(rows, ["cluscam"]).to_string() and NOT_RUN in page.use_page(rows).to_string()
    assert set(page.claim_rows(rows)["decision"]) == {NOT_RUN}
    assert page.span(rows, "cluscam", "seed 1") == page.tail_span(rows, "cluscam", "seed 1") == NOT_RUN
    assert page.change_span(rows, "cluscam", ["seed 1"], "AD") == NOT_RUN
    assert page.clear_changes(rows, "cluscam", ["seed 1"], "AD") == NOT_RUN
    assert len(page.named(rows)) == 0


def test_words_about_a_median_and_its_tail():
    half = {("cluscam", "seed 1"): {"correlation": np.r_[[0.1] * 5, [0.9] * 15]}}
    rows = evidence.prepared(rows_of(half))
    assert page.span(rows, "cluscam", "seed 1") == "0.90" and page.tail_span(rows, "cluscam", "seed 1") == "25 %"
    steady = {("cluscam", "seed 1"): {"correlation": 0.95}}
    rows = pd.concat([rows, evidence.prepared(rows_of(steady)).assign(model="vit_tiny_patch16_224")])
    assert page.span(rows, "cluscam", "seed 1") == "0.90 to 0.95"
    assert page.tail_span(rows, "cluscam", "seed 1") == "0 to 25 %"


def test_the_chapter_in_words():
    base = {("cluscam", "none"): {"drop": 10.0}, ("gradcam", "none"): {}}
    changed = {("cluscam", "seed 1"): {"correlation": 0.8, "overlap": 0.5, "drop": 12.0}}
    changed |= {("cluscam", "shift 4"): {"correlation": 0.7}, ("gradcam", "shift 4"): {"correlation": 0.9}}
    words = page.words(evidence.prepared(rows_of(base | changed)))
    assert (words["median-seed-1"], words["median-shift-4"], words["gradcam-shift"]) == ("0.80", "0.70", "0.90")
    assert words["overlap-seed"] == "0.50" and words["tails-seed"] == "0 %" and words["AD-seeds"] == "+2.0"
    assert words["median-K-more"] == words["opticam-beside"] == NOT_RUN


def test_rows_are_named_for_a_reader():
    rows = page.named(evidence.prepared(rows_of({("soft", "seed 1"): {"correlation": 0.9}}, n=2)))
    assert set(rows["network"]) == {"MobileOne-S0"} and set(rows["map"]) == {"ClusCAM, softer weights"}
