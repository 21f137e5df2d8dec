"""The evidence of the ablation, its tables and its claims, on rows made by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from analysis.chapters.ablation import evidence
from analysis.chapters.ablation import page as chapter
from analysis.chapters.ablation.claims import pair_of
from analysis.engine.contract import empty_rows
from analysis.judging.ledger import judged
from analysis.judging.rules import NEGLIGIBLE, REVERSED, SUPPORTED
from analysis.studies.registry import find_study
from analysis.studies.rows import NOT_RUN
from analysis.studies.weightings import FULL

NOTHING = empty_rows(find_study("ablation"))  # the rows of a run that has not begun


def made(n=60, lead=0.5, seed=0):
    """Rows of two sources in which K-Means raises the confidence in a share `lead` more of the images."""
    rng = np.random.default_rng(seed)
    found = []
    for source, share in (("kmeans", 0.2 + lead), ("random", 0.2)):
        for setting, change in ((FULL, 0.0), ("r 0, tau table 3", 0.0), ("uniform", -0.2)):
            up = np.arange(n) < round(n * max(0.0, share + change))
            drop = rng.uniform(0, 10, n)
            for form in ("raw", "matched"):
                found.append(
                    pd.DataFrame(
                        {"model": "scene_cnn", "layer": "paper", "method": source, "variant": "", "seed": 0}
                        | {"image_id": [f"i{k}" for k in range(n)], "setting": setting, "form": form, "reason": ""}
                        | {"increase": 100.0 * up, "drop": drop, "gain": 50.0 * up, "coverage": 0.3}
                        | {"n_masks": 30, "effective_rank": rng.uniform(5, 10, n), "inertia": rng.uniform(0, 1, n)}
                        | {"noise": 0.0, "probability": 0.5},
                        index=range(n),
                    )
                )
    return pd.concat(found, ignore_index=True)


CLAIM = {
    "id": "X",
    "study": "ablation",
    "tier": {"scene_cnn": "conceptual"},
    "population": {"blocks": [{"model": "scene_cnn", "layer": "paper", "n": 60}]},
    "contrast": {"measure": "increase", "first": ["kmeans", FULL], "second": ["random", FULL]},
    "thresholds": {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05},
}


@pytest.mark.parametrize(("lead", "decision"), [(0.5, SUPPORTED), (-0.15, REVERSED), (0.0, NEGLIGIBLE)])
def test_a_claim_is_decided_by_its_rows(lead, decision):
    (row,) = judged(made(lead=lead), CLAIM).to_dict("records")
    assert row["mean"] == pytest.approx(100 * lead, abs=1) and row["verdict"] == decision


def test_a_claim_on_several_seeds_takes_each_images_mean_over_them():
    by_seed = [made(lead=lead).assign(seed=i, variant=f"seed {i}" if i else "") for i, lead in enumerate((0.5, 0.3))]
    claim = CLAIM | {"contrast": CLAIM["contrast"] | {"seeds": [0, 1]}}
    (row,) = judged(pd.concat(by_seed), claim).to_dict("records")
    assert row["mean"] == pytest.approx(40, abs=1) and row["test"] == "Wilcoxon" and row["verdict"] == SUPPORTED
    only = claim | {"contrast": CLAIM["contrast"] | {"seeds": [1]}}
    assert judged(pd.concat(by_seed), only)["mean"].iloc[0] == pytest.approx(30, abs=1)
    assert judged(by_seed[0], claim)["verdict"].tolist() == [NOT_RUN]  # the other seed has not run
    short = pd.concat([by_seed[0], by_seed[1][by_seed[1]["image_id"] != "i7"]])
    assert judged(short, claim)["verdict"].tolist() == [NOT_RUN]


def test_both_sides_are_the_literal_means_over_seeds():
    by_seed = [made(seed=i).assign(seed=i, variant=f"seed {i}" if i else "") for i in range(3)]
    rows = pd.concat(by_seed).sample(frac=1, random_state=0)
    rows.loc[rows["image_id"].isin(["i3", "i4"]) & (rows["variant"] == "seed 1"), "drop"] = np.nan
    contrast = {"first": ["kmeans", FULL], "second": ["random", "uniform"], "measure": "drop", "form": "matched"}
    for seeds in ([0, 1, 2], [2], [0, 2]):
        sides = []
        for source, setting in (contrast["first"], contrast["second"]):
            values = {}
            for row in rows.to_dict("records"):
                if (row["method"], row["setting"], row["form"]) == (source, setting, "matched") and row[
                    "seed"
                ] in seeds:
                    values.setdefault(row["image_id"], {})[row["seed"]] = row["drop"]
            sides.append({image: np.mean([mine[seed] for seed in seeds]) for image, mine in values.items()})
        first, second = pair_of(rows, CLAIM["population"]["blocks"][0], {**contrast, "seeds": seeds})
        images = [image for image in rows["image_id"].unique() if not math.isnan(sides[0][image] + sides[1][image])]
        assert {*first.index} == {*second.index} == {*images} and [*first.index] == [*second.index]
        assert [*first] == pytest.approx([sides[0][image] for image in first.index], rel=1e-15)
        assert [*second] == pytest.approx([sides[1][image] for image in first.index], rel=1e-15)


def test_a_source_without_seeds_is_held_against_the_mean_of_one_that_has_them():
    by_seed = [made(lead=lead).assign(seed=i, variant=f"seed {i}" if i else "") for i, lead in enumerate((0.5, 0.3))]
    rows = pd.concat(by_seed).replace({"method": {"random": "none"}})
    rows = rows[(rows["method"] == "kmeans") | (rows["variant"] == "")]
    contrast = CLAIM["contrast"] | {"seeds": [0, 1], "second": ["none", FULL]}
    assert judged(rows, CLAIM | {"contrast": contrast})["mean"].iloc[0] == pytest.approx(40, abs=1)


def test_a_claim_waits_for_all_its_images():
    rows = made()
    for missing in (pd.DataFrame(), rows[rows["method"] == "kmeans"], rows[rows["image_id"] != "i3"]):
        assert judged(missing, CLAIM)["verdict"].tolist() == [NOT_RUN]


def test_images_without_masks_are_counted_and_left_out_of_the_pairs():
    rows = made()
    gone = (rows["method"] == "random") & (rows["image_id"] == "i3")
    lost = rows[gone].head(1).assign(setting="", form="", reason="no cluster", increase=np.nan)
    rows = pd.concat([rows[~gone], lost])
    assert judged(rows, CLAIM)["n"].tolist() == [59]
    table = evidence.sources_table(rows).set_index("source")
    assert table["without masks"].to_dict() == {"kmeans": 0, "random": 1}


def test_tables_of_the_ablation_by_hand():
    rows = made(lead=0.5)
    bars = evidence.bars_table(rows).set_index("bar")
    assert bars.loc["ClusCAM", "IC"] == pytest.approx(70) and bars.loc["random partition", "IC"] == pytest.approx(20)
    assert bars.loc["random partition", "ahead"] == pytest.approx(50)
    assert bars.loc["uniform weights", "ahead"] == pytest.approx(20)
    assert bars.loc["spectral", "images"] == 0 and math.isnan(bars.loc["spectral", "IC"])


def test_every_other_source_is_held_against_k_means():
    rows = made(lead=0.5)
    (row,) = evidence.against_sources(rows).to_dict("records")
    assert (row["source"], row["mean"], row["n"]) == ("random", pytest.approx(50), 60)
    assert chapter.against_page(rows)["IC ahead by [95 %]"][0].startswith("+50.00 [")


def test_spread_is_the_range_of_marginal_means():
    grid = {f"r {r}, tau {t}": [1.0 * i + 10 * j, 5.0 + i + 10 * j] for i, r in enumerate(("0", "table 3", "0.5"))
            for j, t in enumerate(("table 3", "1", "50"))}  # fmt: skip
    table = pd.DataFrame({"model": "scene_cnn", "layer": "paper", "source": ["kmeans", "random"], **grid})
    found = evidence.spread(table).set_index("factor")
    assert found["range"].to_dict() == pytest.approx({"source of the masks": 5, "r": 2, "tau": 20})
    assert found["best"].to_dict() == {"source of the masks": "random", "r": "0.5", "tau": "50"}


def test_variance_components_of_seeds():
    rng = np.random.default_rng(0)
    found = []
    image = rng.normal(0, 8, 400)
    for source, seed_sd in (("kmeans", 3.0), ("random", 0.0)):
        for seed in range(5):
            values = 50 + image + rng.normal(0, 1, 400) * seed_sd + (2 if source == "kmeans" else 0)
            found.append(
                pd.DataFrame(
                    {"model": "scene_cnn", "layer": "paper", "method": source, "seed": seed, "setting": FULL}
                    | {"form": "raw", "image_id": np.arange(400), "increase": values}
                )
            )
    row = evidence.seed_table(pd.concat(found)).iloc[0]
    assert row["kmeans seed"] == pytest.approx(3, rel=0.1) and row["random seed"] == pytest.approx(0, abs=1e-9)
    assert row["kmeans image"] == pytest.approx(8, rel=0.15)
    assert row["ahead low"] < 2 < row["ahead high"] and row["seeds"] == 5


def test_why_finds_a_planted_relation():
    rows = made(n=60)
    tight = rows["inertia"].where(rows["method"] == "kmeans")
    rows["gain"] = np.where(rows["method"] == "kmeans", 100 - 100 * tight, 0.0)
    table = evidence.why_table(rows).set_index("Delta against")
    assert table.loc["within-cluster inertia", "rho"] == pytest.approx(-1)
    assert abs(table.loc["effective rank of the masks", "rho"]) < 0.5
    assert not len(evidence.why_table(made(n=5)))


def test_spearman_of_many_resamples_is_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (20, 12)).astype(float), rng.normal(size=(20, 12))  # with ties
    x[3] = 2  # a constant sample, for which scipy has no answer
    expected = [spearmanr(a, b).statistic if np.ptp(a) else 0 for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(evidence._spearman(x, y), expected, atol=1e-12)
    assert evidence._spearman(x[0], y[0]) == pytest.approx(expected[0])


def test_pages_say_not_run_where_nothing_ran():
    spread = evidence.spread(evidence.factorial_table(NOTHING))
    for page in (
        chapter.bars_page(evidence.bars_table(NOTHING)),
        chapter.spread_page(spread),
        chapter.against_page(NOTHING),
        chapter.seeds_page(evidence.seed_table(NOTHING)),
        chapter.why_page(evidence.why_table(NOTHING)),
        chapter.sources_page(evidence.sources_table(NOTHING)),
    ):
        assert len(page) == 1 and page.iloc[0].tolist() == [NOT_RUN]
    assert set(chapter.claim_rows(pd.DataFrame())["decision"]) == {NOT_RUN}
    assert chapter.leads(NOTHING).empty and chapter.unchanged(NOTHING).empty
    assert (chapter.progress(NOTHING)["complete"] == "–").all()


def test_on_how_many_explanations_a_part_changes_nothing():
    rows = made(n=40).assign(probability_masked=0.3)
    moved = (rows["method"] == "kmeans") & (rows["setting"] == "r 0, tau table 3") & (rows["image_id"] == "i39")
    rows.loc[moved, ["increase", "probability_masked"]] = [100.0, 0.7]
    assert chapter.unchanged(rows).to_dict("records") == [
        {"network": "Scene CNN", "explanations": 40, "same": 39, "moved": pytest.approx(1.0)}
    ]


def test_the_prose_of_the_chapter_says_what_the_reference_run_found():
    found = chapter.leads(chapter.reference()).set_index(["claim", "model"])
    cnn, vit = "mobileone_s0", "vit_tiny_patch16_224"
    assert (found.loc["C7b", "decision"] == REVERSED).all() and (found.loc["C8a", "decision"] == NEGLIGIBLE).all()
    assert (found.loc[["C7a", "C7c", "C8c"], "decision"] == SUPPORTED).all()
    assert found.loc[("C7d", vit), "low"] > 0 > found.loc[("C7d", cnn), "low"]
    assert found.loc[("C8b", cnn), "decision"] == NEGLIGIBLE and found.loc[("C8b", vit), "decision"] == SUPPORTED
    against = evidence.against_sources(chapter.reference()).set_index(["model", "source"])
    assert against.loc[(cnn, "smooth"), "high"] < 0 < against.loc[(vit, "smooth"), "high"]
    assert against.loc[(vit, "smooth"), "low"] < 0
