"""Would another analyst agree? What the chapter counts, pools and draws, on tables made by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from drawn import dots, row_names, titles
from matplotlib.colors import to_hex

from analysis.chapters.agreement import page
from analysis.chapters.agreement.evidence import (
    ALL,
    FEW,
    MOST,
    choices_table,
    claim_of,
    claims_table,
    dimensions,
    effect_columns,
    judged_blocks,
    pooled_table,
    share_of,
    verdicts_by_way,
    ways_of,
    words_of,
)
from analysis.chapters.agreement.figures import curve_figure
from analysis.judging.ledger import COLUMNS
from analysis.judging.rules import CONTRADICTED, NOT_RUN, REVERSED, SUPPORTED, UNDECIDED, UNINFORMATIVE
from analysis.judging.ways.colours import COLOURS
from analysis.judging.ways.specifications import verdict_counts
from analysis.statistics.random_effects import random_effects
from cluscam_lite.errors import CluscamError

NETWORKS = ("mobileone_s0", "squeezenet1_1", "resnet50_v1")


def way(number, word, mean, fill="mean", form="raw", model="mobileone_s0"):
    row = {"model": model, "panel": "paper", "mean": mean, "low": mean - 3, "high": mean + 3, "verdict": word}
    return row | {"d_z": mean / 10, "d_z low": mean / 10 - 0.3, "d_z high": mean / 10 + 0.3, "way": number} | {
        "fill": fill, "form": form, "images": "all",
    }  # fmt: skip


def ways():
    """Two networks, four ways: black hides what mean shows, and the second network is only there at mean."""
    first = [
        way(0, SUPPORTED, 9.0),
        way(1, SUPPORTED, 8.0, form="matched"),
        way(2, REVERSED, -9.0, "black"),
        way(3, UNDECIDED, 1.0, "black", "matched"),
    ]
    second = [
        way(number, word, mean, one["fill"], one["form"], "squeezenet1_1")
        for number, (word, mean, one) in enumerate(
            zip((SUPPORTED, SUPPORTED, REVERSED, NOT_RUN), (6.0, 7.0, -6.0, np.nan), first, strict=True)
        )
    ]
    return pd.DataFrame([row for pair in zip(first, second, strict=True) for row in pair])


def block(claim, model="mobileone_s0", word=SUPPORTED, holds=4, of=4, d_z=0.5, **others):
    row = {
        "claim": claim,
        "model": model,
        "panel": "paper",
        "verdict": word,
        "holds": holds,
        "of": of,
        "whose": "paper",
    }
    row |= {"ways": json.dumps({CONTRADICTED if word == REVERSED else word: of} if isinstance(of, int) and of else {})}
    row |= {"n": 100, "mean": 10 * d_z, "low": 10 * d_z - 2, "high": 10 * d_z + 2, "unit": "points", "text": None}
    row |= {"d_z": d_z, "d_z low": d_z - 0.2, "d_z high": d_z + 0.2, "counted": "images", "reason": ""}
    return row | {"power": np.nan, "power at": "", "images needed": None} | others


def ledger(*rows):
    return pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"n": "Int64", "holds": "Int64", "of": "Int64"})


def two_claims():
    return ledger(
        block("C1", holds=2, of=4, ways=json.dumps(verdict_counts(ways()))),
        block("C1", "squeezenet1_1", holds=2, of=3),
        block("C6b", word=REVERSED, holds=4, of=4),
        block("C6b", "", word=NOT_RUN, holds=pd.NA, of=pd.NA),
        block("C8a", word=UNDECIDED, holds=pd.NA, of=pd.NA),
    )


def test_all_most_and_few():
    assert [share_of(*one) for one in ((4, 4), (3, 4), (2, 4), (0, 4), (1, 1))] == [ALL, MOST, FEW, FEW, ALL]
    blocks = judged_blocks(two_claims())
    assert blocks["share"].tolist() == [FEW, MOST, ALL]  # not the paper's own networks, nor what has no other way


def test_a_claims_verdict_over_its_networks_in_each_way():
    assert verdicts_by_way(ways()).tolist() == [SUPPORTED, SUPPORTED, CONTRADICTED, NOT_RUN]
    found = claims_table(two_claims())
    assert found["claim"].tolist() == ["C1", "C6b"]
    first, second = found.to_dict("records")
    assert (first["verdict"], first["holds"], first["of"]) == (SUPPORTED, 2, 3)  # one way did not run
    assert (first[ALL], first[MOST], first[FEW]) == (0, 1, 1) and first["ways"] == {SUPPORTED: 2, CONTRADICTED: 1}
    assert page.opposed(found) == "C1 (2 ways support it, 1 contradict it)" and page.opposed(found[1:]) == "none"
    assert (second["verdict"], second["holds"], second["of"]) == (CONTRADICTED, 4, 4)


def test_what_each_choice_does():
    assert dimensions(ways()) == ["fill", "form"]  # there is one choice of images only
    words = {("mobileone_s0", "paper"): SUPPORTED, ("squeezenet1_1", "paper"): SUPPORTED}
    found = choices_table(ways(), words).set_index(["dimension", "choice"])
    assert found.loc[("fill", "mean")].tolist() == [4, 4] and found.loc[("fill", "black")].tolist() == [0, 3]
    assert found.loc[("form", "raw")].tolist() == [2, 4] and found.loc[("form", "matched")].tolist() == [2, 3]
    assert not len(choices_table(pd.DataFrame(), words))


def test_the_answer_counts_blocks():
    text = page.answer(two_claims())
    assert text.startswith("Mostly. Of 3 words") and "in 3 to 4 ways" in text
    assert "1 hold in all of them, 1 in more than half, and 1 in half or fewer" in text
    assert page.answer(ledger(block("C1", holds=1), block("C2", holds=0))).startswith("Often not")
    assert page.answer(ledger(block("C1", holds=0, of=0))) == "Not run."


def test_claims_that_turn_and_that_stay():
    claims = pd.DataFrame(
        [("C1", SUPPORTED, 2, 4), ("C2", CONTRADICTED, 4, 4), ("C3", UNDECIDED, 1, 4), ("C4a", SUPPORTED, 3, 4)],
        columns=["claim", "verdict", "holds", "of"],
    )
    assert page.turned(claims) == f"C1 ({SUPPORTED}, in 2 of 4)" and page.steady(claims) == f"C2 ({CONTRADICTED})"
    parts = claims.assign(claim=["C8a", "C6b", "C3", "C4a"])
    assert page.core(parts) == "that K-Means' groups raise the logit no more than random groups do (C6b)"
    assert page.core(claims) == "any finding"
    assert page.turned(claims.iloc[1:2]) == "none" and page.steady(claims.iloc[:1]) == "none"


def test_what_the_ways_of_a_claim_say(monkeypatch):
    monkeypatch.setattr(page, "ways_of", lambda claim: ways() if claim == "C1" else pd.DataFrame())
    assert page.ways_text("C1") == f"{SUPPORTED} in 2 of 4, {CONTRADICTED} in 1, {NOT_RUN} in 1"
    assert page.ways_text("C10f") == "no other way was computed"
    assert page.weakest_choice(two_claims(), "C1") == "fill: the word holds in 100% with mean, 0% with black"


def test_networks_taken_together():
    rows = [block("C6a", model, d_z=d) for model, d in zip(NETWORKS, (0.3, 0.5, 1.0), strict=True)]
    again = block("C6a", NETWORKS[0], d_z=9.0, panel="last")  # a second layer of the same network
    few = [block("C1", model) for model in NETWORKS[:2]]
    flat = block("C2", d_z=np.nan)
    found = pooled_table(ledger(*rows, again, *few, flat))
    assert found["claim"].tolist() == ["C6a"] and found["networks"].tolist() == [3]
    over = random_effects([0.3, 0.5, 1.0], np.full(3, 0.4 / (2 * 1.959964)))
    row = found.iloc[0]
    assert [row["d_z"], row["low"], row["high"], row["tau"]] == pytest.approx(
        [over.estimate, over.low, over.high, over.tau]
    )
    text = page.pooled_page(found, ledger(*rows))
    assert text["words of networks and layers"][0] == ", ".join([SUPPORTED] * 3)
    assert page.pooled_page(found.iloc[:0], ledger(*rows)).iloc[0, 0] == NOT_RUN


def test_power_of_what_is_open():
    known = {"power": 0.13, "power at": "the paper's own figure, 0.30 d_z"}
    table = ledger(
        block("C3", word=UNDECIDED, **known, **{"images needed": "360 images"}),
        block("C1", word=UNINFORMATIVE, **known),
        block("C2", word=REVERSED, **(known | {"power": 0.9})),
        block("C10a", word=UNDECIDED),
    )
    page_of = page.power_page(table)
    assert page_of["claim"].tolist() == ["C3"] and page_of["would be decided by"][0] == "360 images"
    assert page_of["power"][0] == "13%"
    assert page.weak_page(table)["claim"].tolist() == ["C3", "C1"]


def test_the_curve():
    fig = curve_figure(ways(), claim_of("C1"))
    above = fig.axes[:2]
    assert titles(fig) == ["MobileOne-S0", "SqueezeNet 1.1"]
    assert dots(above[0])[:, 1].tolist() == [-9, 1, 8, 9] and dots(above[1])[:, 1].tolist() == [-6, 6, 7]
    assert dots(fig.axes[2]).tolist() == [[2, 0], [3, 0], [0, 1], [1, 1], [0, 2], [3, 2], [1, 3], [2, 3]]
    assert row_names(fig.axes[2]) == ["fill: mean", "fill: black", "form: raw", "form: matched"]
    colours = [to_hex(one) for one in above[0].collections[-1].get_facecolors()]
    assert colours == [to_hex(COLOURS[word]) for word in (REVERSED, UNDECIDED, SUPPORTED, SUPPORTED)]
    assert effect_columns(claim_of("C1"))[0] == "mean" and effect_columns(claim_of("C6a"))[0] == "d_z"


def test_what_does_not_always_hold_is_listed_the_least_firm_first():
    found = page.holds_page(two_claims())
    assert found["network"].tolist() == ["MobileOne-S0", "SqueezeNet 1.1"] and set(found["word"]) == {SUPPORTED}
    assert found["it holds in"].tolist() == ["2 of 4 ways", "2 of 3 ways"]


def test_a_claim_that_does_not_exist_is_named():
    with pytest.raises(CluscamError, match="C99"):
        claim_of("C99")


def test_the_ledgers_own_way_is_among_the_ways_of_the_reference_run():
    """On the committed rows: the way that the claim itself takes gives the ledger's estimate."""
    own = ways_of("C4a")
    plain = own[(own["fill"] == "mean") & (own["form"] == "as it is") & (own["images"] == "all")]
    plain = plain[(plain["measure"] == "any rise") & (plain["objective"] == "plain")]
    assert len(plain) == 1
    assert plain["mean"].iloc[0] == pytest.approx(-45.0) and plain["verdict"].iloc[0] == REVERSED


def test_words_of_a_claim():
    assert words_of(two_claims(), "C6b") == {("mobileone_s0", "paper"): REVERSED}
