"""The words of a bench: each rule on rows made by hand, and the page that is made of them."""

import numpy as np
import pandas as pd
import pytest

from analysis.bench.cases import REMOVAL, SEVERAL, SHORTCUT
from analysis.bench.explainers import YOURS
from analysis.bench.report import report
from analysis.bench.summary import ahead, summary
from analysis.bench.words import BLIND, CLASSLESS, GOOD, NONE, POOR, RANDOM, UNSHOWN, verdict

N = 20  # scenes of each part


def rows_of(name, removal=1.0, shortcut=1.0, several=1.0, again=1.0, others=0.1, drop=1.0, reason="", kind=YOURS):
    """Rows of an explainer that hits in this share of the cases; the first ones."""
    rows = []
    for part, share, chance in ((REMOVAL, removal, 0.1), (SHORTCUT, shortcut, 0.1), (SEVERAL, several, 0.5)):
        for i in range(N):
            row = {
                "explainer": name,
                "kind": kind,
                "part": part,
                "image_id": f"{part}-{i}",
                "target": i,
                "reason": reason,
            }
            rows.append(row if reason else row | {"uniform": False, "hit": float(i < share * N), "chance": chance})
            if part == REMOVAL and not reason:
                rows[-1] |= {"rho": 0.5, "increase": 0.0, "gain": 1.0, "noise": 1.0}
                rows[-1] |= {
                    "drop": drop + 0.01 * i,
                    "coverage": 0.5,
                    "again": again,
                    "again_overlap": again,
                    "noise": 1.0,
                }
                rows[-1] |= {"others": others, "seconds": 0.1, "passes_worth": 3.0, "forward_passes": 2}
                rows[-1] |= {"backward_passes": 1}
    return rows


def table(*explainers):
    trivial = [rows_of(name, 0.2, 0.2, 0.5, kind="trivial") for name in ("centre", "edges", "random")]
    return pd.DataFrame(sum([*trivial, *explainers], []))


@pytest.mark.parametrize(
    ("explainer", "word", "why"),
    [
        (rows_of("mine"), GOOD, "ahead of every map"),
        (rows_of("mine", again=0.1), RANDOM, "(correlation 0.10)"),
        (rows_of("mine", others=0.99), BLIND, "are one map"),
        (rows_of("mine", several=0.5), CLASSLESS, "no more often than by chance"),
        (rows_of("mine", 0.0, 0.2, 0.6), POOR, "no more often than centre and edges and random"),
        (rows_of("mine", 0.2, 0.25, 0.55), UNSHOWN, "take more (--n)"),
        (rows_of("mine", reason="it needs gradients"), NONE, "it needs gradients."),
    ],
)
def test_each_word_by_its_rule(explainer, word, why):
    found = verdict(table(explainer), "mine")
    assert found.word == word and why in found.sentences[0]
    assert found.text().startswith(f"mine: {word}. ")


def test_the_sentences_say_what_was_measured():
    text = verdict(table(rows_of("mine", 0.5), rows_of("smooth", drop=9.0, kind="null")), "mine").text()
    assert "changes the logit most in 50 % of the cases (chance 10 %)" in text
    assert "costs the class 1.1 % of its probability (AD), less than that of the null method smooth (9.1 %)" in text
    assert "2 forward passes and 1 backward pass, 0.1 s here, the time of 3 plain passes" in text
    text = verdict(table(rows_of("mine"), rows_of("smooth", kind="null")), "mine").text()
    assert "not surely less than that of the null method smooth" in text


def test_a_summary_has_shares_means_and_medians():
    line = summary(table(rows_of("mine", 0.5, 0.75))).set_index("explainer").loc["mine"]
    assert line["found"] == pytest.approx(75) and line["found low"] < 75 < line["found high"]
    assert (line["removal"], line["shortcut"], line["several"]) == (50, 75, 100)
    assert line["chance several"] == 50 and line["drop"] == pytest.approx(1 + 0.01 * np.mean(range(N)))
    assert line["cases"] == 3 * N and line["forward_passes"] == 2


def test_ahead_is_the_mean_difference_over_the_cases_of_both():
    rows = table(rows_of("mine", 1.0, 1.0, 1.0), rows_of("absent", reason="no maps"))
    found = ahead(rows, "mine", "centre", "hit")
    assert found.estimate == pytest.approx((0.8 + 0.8 + 0.5) / 3) and found.low > 0 and found.n == 3 * N
    assert ahead(rows, "mine", "absent", "hit") is None


def test_the_page_has_the_words_the_table_and_what_is_missing():
    rows = table(rows_of("cam", reason="no linear head", kind="rival"), rows_of("mine", others=0.99))
    lines = summary(rows)
    page = report(lines, [verdict(rows, n) for n in lines["explainer"]], {"asked": ["mine"], "run": {"seed": 0}})
    assert page.startswith("# Bench of mine\n") and f"**mine: {BLIND}.**" in page
    cells = next(line for line in page.splitlines() if line.startswith("| **mine** |")).split(" | ")
    heads = next(line for line in page.splitlines() if line.startswith("| explainer |")).split(" | ")
    assert len(cells) == len(heads) and cells[heads.index("several")] == "100" and BLIND in cells[-1]
    assert "cam: no linear head" in page and "removal 10, shortcut 10, several 50" in page and "- seed: 0" in page
    assert max(len(line) for line in page.splitlines() if "|" not in line) <= 120
