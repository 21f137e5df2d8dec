"""A card for each claim: nothing is lost, everything is escaped, and the script knows what it chooses by."""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest

from analysis.chapters.verdicts.cards import (
    chapter_title,
    claim_card,
    claim_cards,
    linked,
    read_otherwise,
    repository,
    sentence_list,
    titles,
    verdict_sentence,
    ways_of,
)
from analysis.chapters.verdicts.lines import in_unit, number_line
from analysis.chapters.verdicts.otherwise import MEAN, reading_words
from analysis.judging.counts import claim_verdicts, sentence_verdicts
from analysis.judging.kept import kept_ledger
from analysis.judging.ledger import all_claims
from analysis.paths import ROOT

CLAIMS = {claim["id"]: claim for claim in all_claims()}
VOID = {"input", "img", "line", "rect", "circle", "path"}


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def table():
    return kept_ledger()


@pytest.fixture(scope="module")
def page(table):
    return claim_cards(table).data


def blocks(table, claim):
    return table[(table["claim"] == claim) & (table["model"] != "")]


def test_every_claim_has_one_card_with_what_the_filter_asks_for(table, page):
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert re.findall(r'id="claim-([^"]+)"', page) == list(CLAIMS)
    verdicts = claim_verdicts(table).set_index("claim")
    for claim, card in zip(CLAIMS, page.split("<article ")[1:], strict=True):
        data = dict(re.findall(r'data-(\w+)="([^"]*)"', card.partition(">")[0]))
        assert data["verdict"] == verdicts.loc[claim, "verdict"].replace(" ", "-")
        assert data["whose"] == CLAIMS[claim]["whose"]
        assert data["network"].split(" ") == [*blocks(table, claim)["model"].unique()]
        assert (ROOT / "notebooks" / f"{data['chapter']}.ipynb").is_file()
        assert "results/reference/" in card and "network by network</summary>" in card
        line, _, opened = card.partition("</summary>")
        assert titles()[claim] in html.unescape(line) and 'class="claim-verdict"' in line
        assert line.count("<svg") == opened.count("<svg")
        ways = ways_of(blocks(table, claim))
        assert (f"holds in {ways[0]} of {ways[1]}" in line) if ways else ("holds in" not in line)
        shown, _, folded = opened.partition("<details>")
        assert "<blockquote>" in shown and "<dt>Verdict</dt>" in shown and "<dt>Tested</dt>" in folded
    for name in ("chapter", "verdict", "network", "whose"):
        chosen = {value for values in re.findall(rf'data-{name}="([^"]*)"', page) for value in values.split(" ")}
        options = re.search(rf'<select name="{name}">(.*?)</select>', page).group(1)
        assert {*re.findall(r'value="([^"]+)"', options)} == chosen
    assert page.count('<details class="claim-fold">') == len(CLAIMS) and "data-open" in page
    assert re.search(r'<form class="claim-filter" hidden>', page) and 'aria-live="polite">40 of 40 claims' in page


def test_numbers_are_drawn_where_there_are_numbers(table, page):
    for claim in CLAIMS.values():
        drawn = number_line(claim, blocks(table, claim["id"]))
        assert drawn.startswith("<div" if claim["id"] not in text_only(table) else "<ul"), claim["id"]
    assert "C10b" in text_only(table) and page.count('<div class="claim-line"') == len(CLAIMS) - len(text_only(table))


def text_only(table):
    ran = table[table["model"] != ""]
    return {*ran.loc[ran["mean"].isna() & ran["low"].isna(), "claim"]}


def test_the_papers_figure_is_in_the_claims_own_unit(table):
    row = blocks(table, "C1").iloc[0]
    assert in_unit(CLAIMS["C1"], row) == pytest.approx(11.59, abs=0.01)  # points stay points
    assert in_unit(CLAIMS["C6a"], row) == 0.82  # as claims.yaml has it
    row = blocks(table, "C2").iloc[0]
    assert in_unit(CLAIMS["C2"], row) == pytest.approx(0.93 / abs(row["mean"] / row["d_z"]), rel=0.01)
    assert in_unit(CLAIMS["C7n"], row) is None


def test_one_network_is_said_once(table):
    verdicts = claim_verdicts(table).set_index("claim")
    assert verdict_sentence(verdicts.loc["C4a"], blocks(table, "C4a")) == "reversed on the one network and layer tested"
    assert verdict_sentence(verdicts.loc["C6b"], blocks(table, "C6b")) == "reversed in 5 of 5 networks and layers"
    assert "too short a time" in verdict_sentence(verdicts.loc["C5d"], blocks(table, "C5d"))


def test_texts_are_escaped_and_links_need_an_address(table):
    rows = table[table["claim"] == "C6b"].assign(
        estimand="<script>alert(1)</script>", commits="abc123 (modified), def4"
    )
    verdict = claim_verdicts(rows).iloc[0]
    plain = claim_card(CLAIMS["C6b"], verdict, rows)
    assert "<script>" not in plain and "&lt;script&gt;" in plain and "/commit/" not in plain
    card = claim_card(CLAIMS["C6b"], verdict, rows, "https://github.com/a/b")
    assert 'href="https://github.com/a/b/commit/abc123"' in card and "a/b/tree/main/results/reference/logits" in card


def test_the_address_is_that_of_the_configuration(tmp_path):
    path = tmp_path / "_config.yml"
    path.write_text("sphinx: {config: {project_address: 'https://github.com/a/b'}}")
    assert repository(path) == "https://github.com/a/b"
    assert repository() == "" or repository().startswith("https://github.com/")


def test_sentences_link_the_cards_of_their_claims(table):
    sentences = sentence_verdicts(table).to_dict("records")
    listed = sentence_list(sentences).data
    assert listed.count("<li") == listed.count("</summary>") == len(sentences) and 'href="#claim-C10b"' in listed
    assert linked("") == "" and linked("C1 not run") == '(<a href="#claim-C1">C1</a> not run)'
    noted = sentence_list([{"quote": "q", "place": "p", "verdict": "not tested", "claims": "", "note": "a < b"}]).data
    assert 'data-word="not-tested"' in noted and "a &lt; b" in noted


def test_the_script_is_one_and_is_loaded():
    script = ROOT / "book" / "_static" / "claims.js"
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert "claims.js" in config and "story.css" in config
    text = script.read_text(encoding="utf-8")
    assert all(name in text for name in ("[data-open]", ".claim-fold", "beforeprint", "hashchange"))
    if node := shutil.which("node"):
        assert subprocess.run([node, "--check", script], capture_output=True).returncode == 0


def test_a_claim_without_evidence_has_a_card(table):
    rows = table[table["claim"] == "C6b"].copy()
    empty = ["mean", "low", "high", "d_z", "d_z low", "d_z high", "holds", "of", "n"]
    rows[empty] = pd.NA
    rows["verdict"], rows["reason"], rows["because"] = "not run", "no rows yet", ""
    card = claim_card(CLAIMS["C6b"], claim_verdicts(rows).iloc[0], rows)
    assert "Not run" in card and "no rows yet" in card and "<svg" not in card


def test_each_claim_has_a_title_and_each_chapter_its_own(table, page):
    assert {*titles()} == {*CLAIMS} and chapter_title("verdicts") == "What stands?"
    assert ">Who wins?</option>" in page and "components components" not in page


def test_another_reading_is_said_where_its_verdict_is_another(table):
    means = reading_words(MEAN, blocks(table, "C6a"))
    assert means == ["reversed"] * len(blocks(table, "C6a"))
    said = read_otherwise(CLAIMS["C6a"], "supported", blocks(table, "C6a"))
    assert said == f"{MEAN}: contradicted (reversed in {len(means)} of {len(means)})"
    assert "supported in 1 of 1" in read_otherwise(CLAIMS["C4b"], "contradicted", blocks(table, "C4b"))
    assert read_otherwise(CLAIMS["C2"], "contradicted", blocks(table, "C2")) == ""
    assert read_otherwise(CLAIMS["C1"], "undecided", blocks(table, "C1")) == ""


def test_the_interval_that_decides_is_drawn(table):
    few = blocks(table, "C2").set_index("model").loc[["resnet50_v1"]].reset_index()
    row = few.iloc[0]
    assert row["n"] < 60 and row["low"] < 0 < row["high"] and row["d_z high"] < 0
    high = row["high"] * row["d_z"] / row["mean"]
    drawn = number_line(CLAIMS["C2"], few)
    assert f"to {high:.2f})" in drawn and "it decides" in drawn
    assert f"to {row['d_z high']:.2f})".replace("-", "−") in number_line(CLAIMS["C2"], few.assign(n=60))
