"""Every chapter says of every claim what the ledger says, whatever rows it is given."""

from functools import lru_cache
from importlib import import_module

import pytest

from analysis.engine.contract import empty_rows
from analysis.judging.ledger import all_claims, judged
from analysis.judging.rules import WORDS
from analysis.judging.sources import SOURCES
from analysis.judging.text import OPEN, decision_text
from analysis.studies.registry import find_study
from analysis.studies.rows import NOT_RUN, reference_rows

OWN = [study for study in SOURCES if study != "boxes"]  # which gives other readings of claims, and has none
PAGES = {study: f"analysis.chapters.{study}.page" for study in OWN} | {
    "alzheimer": "analysis.chapters.alzheimer.tables"
}
CLAIMS = {study: [claim for claim in all_claims() if claim["study"] == study] for study in OWN}


def said(study, rows):
    """What a chapter's page says of its claims: (claim, decision) in the order of the claims and their blocks."""
    page = import_module(PAGES[study]).claim_rows(rows)
    return sorted_by_claim(page["claim"], page["decision"])


def sorted_by_claim(claims, decisions):
    return sorted(zip(claims, decisions, strict=True), key=lambda pair: pair[0])


def of_ledger(study, rows):
    found = [(claim["id"], decision_text(row)) for claim in CLAIMS[study] for _, row in judged(rows, claim).iterrows()]
    return sorted(found, key=lambda pair: pair[0])


@lru_cache(maxsize=1)
def rows_of(study):
    return reference_rows(find_study(study))


def test_every_claim_has_a_chapter():
    assert {claim["study"] for claim in all_claims()} == set(PAGES) == set(OWN)


@pytest.mark.parametrize("study", OWN)
def test_chapters_say_what_the_ledger_says(study, table):
    mine = table[(table["study"] == study) & (table["model"] != "")]
    expected = sorted_by_claim(mine["claim"], [decision_text(row) for _, row in mine.iterrows()])
    assert said(study, rows_of(study)) == expected


@pytest.mark.parametrize("study", OWN)
def test_rows_of_other_images_judge_nothing_in_any_chapter(study):
    rows = rows_of(study)
    if not len(rows):
        pytest.skip(f"the reference run of {study} has no rows")
    other = rows.assign(image_id="other " + rows["image_id"])
    assert {decision for _, decision in said(study, other)} == {NOT_RUN}
    assert all((judged(other, claim)["verdict"] == NOT_RUN).all() for claim in CLAIMS[study])


@pytest.mark.parametrize("study", OWN)
def test_some_rows_and_none_judge_nothing_more_than_the_ledger(study):
    rows = rows_of(study)
    model = CLAIMS[study][0]["population"]["blocks"][-1]["model"]
    few, none = rows[rows["model"] == model], empty_rows(find_study(study))
    for given in (few, none):
        assert said(study, given) == of_ledger(study, given)
    assert {decision for _, decision in said(study, none)} == {NOT_RUN}
    assert {decision for _, decision in said(study, few)} <= {*WORDS, OPEN}
