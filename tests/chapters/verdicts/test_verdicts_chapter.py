"""The sentence that answers the book's question, the scene of the landing page, and the figures of the verdicts."""

import pandas as pd
import pytest
from drawn import dots, row_names, titles, widths

from analysis.chapters.learn.method import open_images
from analysis.chapters.verdicts.figures import effects_figure, scene_figure, tiers_figure
from analysis.chapters.verdicts.page import SHOWN, answer, own_folder, scores_text, seen
from analysis.judging.counts import tier_counts
from analysis.judging.ledger import COLUMNS
from analysis.judging.rules import REVERSED, SUPPORTED, UNDECIDED, VERDICTS
from analysis.paths import ROOT
from analysis.studies.rows import NOT_RUN
from cluscam_lite import load_model


def row(claim, model="mobileone_s0", verdict=REVERSED, mean=-1.5, n=100, **others):
    found = {
        "claim": claim,
        "quote": "q",
        "place": "p",
        "study": "s",
        "paper": "x",
        "tier": "conceptual",
        "panel": "paper",
    }
    found |= {"model": model, "planned": n, "n": n, "mean": mean, "low": mean - 0.5, "high": mean + 0.5}
    found |= {"d_z": mean / 2, "d_z low": mean / 2 - 0.3, "d_z high": mean / 2 + 0.3, "p (Holm)": 0.001}
    return found | {"unit": "logits", "verdict": verdict, "reason": ""} | others


def table(*rows):
    return pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"n": "Int64"})


def test_the_answer_is_of_the_largest_network_and_says_its_interval():
    text = answer(table(row("C6b", "squeezenet1_1", n=50, mean=-0.1), row("C6b")))
    assert text.startswith("No, as far as it was tested: on MobileOne-S0 and 100 photographs")
    assert "-1.50 [-2.00, -1.00]" in text and "reversed in 2 of 2" in text


def test_the_better_claim_answers_once_it_is_decided():
    waiting = row("C7n", verdict=NOT_RUN, reason="5 of 500 images")
    assert "C6b" in answer(table(waiting, row("C6b")))
    assert "C6b" in answer(table(row("C7n", verdict=UNDECIDED), row("C6b")))
    text = answer(table(row("C7n", verdict=SUPPORTED, mean=12.0, n=500), row("C6b")))
    assert text.startswith("Yes: on MobileOne-S0 and 500") and "+12.00 [+11.50, +12.50] percentage points" in text


def test_no_answer_before_there_is_one():
    assert answer(table(row("C6b", verdict=NOT_RUN, reason="no rows yet"))).startswith("Not decided")


def test_a_scene_with_its_scores():
    found = seen(load_model("scene_cnn"), open_images("scenes", "", 1, None)[0], seed=0)
    assert len(found.maps) == len(SHOWN) and found.image.shape == (96, 96, 3) and 0 < found.probability <= 100
    fake = found.scores["FakeCAM"]
    assert fake["coverage"] > 0.99 and fake["drop"] < 1  # it hides next to nothing
    assert scores_text(fake).startswith("p ") and "drop" in scores_text(fake)
    assert titles(scene_figure(found))[1:] == [f"{name}\n{scores_text(found.scores[name])}" for name in found.maps]


def test_figures():
    some = table(row("C6b"), row("C6a", verdict=SUPPORTED, mean=1.0), row("C1", verdict=NOT_RUN, d_z=None))
    counts = tier_counts(some)
    assert (
        counts.loc["conceptual"].tolist() == [1, 1, 0, 0, 1, 0]
        and list(counts.columns) == list(VERDICTS)
        and counts.loc["reproduction"].sum() == 0
    )
    bars = tiers_figure(counts).axes[0]
    assert [text.get_text() for text in bars.texts] == ["1", "1", "1"] and sum(widths(bars)) == 3
    effects = effects_figure(some).axes[0]
    assert dots(effects)[:, 0].tolist() == [-0.75, 0.5]
    assert row_names(effects) == ["C6b, MobileOne-S0", "C6a, MobileOne-S0"]
    assert effects_figure(some[some["verdict"] == NOT_RUN]) is None


@pytest.mark.parametrize(("profile", "folder"), [("reference", None), ("embedded", ROOT / "out/studies/embedded")])
def test_where_this_copys_rows_are(profile, folder):
    assert own_folder(profile) == folder
