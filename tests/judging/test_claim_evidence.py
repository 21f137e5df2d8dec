"""Verdicts of claims: from those of their networks, from rows, and reasons for what has not run."""

import hashlib
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from logits_rows import rows as logits_rows

from analysis.chapters.faithfulness.claims import shortage
from analysis.judging import ledger as ledger_module
from analysis.judging.ledger import COLUMNS, WAITS, all_claims, evidence
from analysis.judging.printed import NOT_PRINTED
from analysis.judging.rules import REVERSED, SUPPORTED
from analysis.judging.sources import SOURCES, Source
from analysis.judging.text import estimate_text
from analysis.studies.rows import NOT_RUN

CLAIMS = {claim["id"]: claim for claim in all_claims()}


# evidence


def claim_of(claim_id, *blocks):
    population = [{"model": model, "layer": layer, "n": n} for model, layer, n in blocks]
    tiers = {model: "conceptual" for model, _, _ in blocks}
    return CLAIMS[claim_id] | {"population": {"blocks": population}, "tier": tiers}


def faithful_rows(n=60, ahead=0.4, models=("mobileone_s0",), methods=("cluscam", "scorecam"), seed=0):
    """Rows of the study `faithfulness` in which ClusCAM's increase is more frequent by about `ahead`."""
    rng, found = np.random.default_rng(seed), []
    for model in models:
        for name in methods:
            share = 0.3 + ahead * (name == "cluscam")
            for i in range(n):
                row = {"model": model, "layer": "paper", "method": name, "variant": "", "form": "raw", "fill": "mean"}
                row |= {"image_id": f"i{i}", "drop": rng.uniform(0, 50), "gain": rng.uniform(0, 50)}
                found.append(row | {"increase": 100.0 * (rng.random() < share), "le": rng.uniform(50, 90)})
    return pd.DataFrame(found)


def test_a_comparison_that_ran_has_a_verdict():
    table = evidence(faithful_rows(), claim_of("C1", ("mobileone_s0", "paper", 60)))
    own, papers = table.iloc[0], table.iloc[1]
    assert own["verdict"] == SUPPORTED and own["low"] > 0 and own["p (Holm)"] < 0.05 and own["reason"] == ""
    assert (papers["tier"], papers["verdict"]) == ("reproduction", NOT_RUN) and "no weights" in papers["reason"]
    behind = evidence(faithful_rows(ahead=-0.25), claim_of("C1", ("mobileone_s0", "paper", 60)))
    assert behind["verdict"].iloc[0] == REVERSED


def test_what_is_missing_is_said_with_numbers():
    claim = claim_of("C1", ("mobileone_s0", "paper", 60), ("squeezenet1_1", "paper", 30))
    rows = pd.concat([faithful_rows(), faithful_rows(12, models=["squeezenet1_1"])])
    table = evidence(rows, claim)
    assert table["verdict"].tolist() == [NOT_RUN] * 3
    assert table["reason"].tolist()[:2] == [WAITS, "ClusCAM 12 of 30 images, ScoreCAM 12 of 30 images"]
    assert evidence(pd.DataFrame(), claim)["reason"].tolist()[:2] == ["no rows yet"] * 2
    half = pd.concat([faithful_rows(30, methods=["cluscam"]), faithful_rows(8, methods=["scorecam"])])
    block = {"model": "mobileone_s0", "layer": "paper", "n": 30}
    assert shortage(half.assign(panel="paper"), block, claim["contrast"]) == "ScoreCAM 8 of 30 images"


def test_rows_of_other_images_judge_nothing():
    claim = claim_of("C1", ("mobileone_s0", "paper", 60))
    (block,) = claim["population"]["blocks"]
    block["ids"] = hashlib.sha256("\n".join(f"i{i}" for i in range(60)).encode()).hexdigest()
    assert evidence(faithful_rows(), claim)["verdict"].iloc[0] == SUPPORTED
    other = evidence(faithful_rows(61).query("image_id != 'i0'"), claim).iloc[0]
    assert other["verdict"] == NOT_RUN and "other images" in other["reason"]
    few = evidence(faithful_rows(12), claim).iloc[0]
    assert few["verdict"] == NOT_RUN and "12 of 60" in few["reason"]


def test_section_4_1_by_its_own_rows():
    claim = claim_of("C6b", ("scene_cnn", "paper", 8))
    complete = evidence(logits_rows(8), claim)
    assert complete["verdict"].iloc[0] == REVERSED and complete["mean"].iloc[0] == pytest.approx(-1, abs=0.1)
    some = evidence(logits_rows(5), claim)
    assert some["verdict"].iloc[0] == NOT_RUN and some["reason"].iloc[0] == "5 of 8 images"
    two = claim_of("C6a", ("scene_cnn", "paper", 8), ("scene_vit", "last", 4))
    part = evidence(logits_rows(8), two)
    assert part["reason"].tolist()[:2] == [WAITS, "0 of 4 images"] and (part["verdict"] == NOT_RUN).all()
    assert part["mean"].iloc[0] == pytest.approx(1, abs=0.1)  # its estimate is shown, without a verdict


def test_a_new_study_plugs_in_with_one_line(monkeypatch):
    def of_new(rows, claim):
        blocks = claim["population"]["blocks"]
        numbers = {"mean": 9.0, "low": 6.0, "high": 12.0, "p": 0.01, "text": "K* = 30"}
        return pd.DataFrame({"model": b["model"], "panel": b["layer"], **numbers} for b in blocks)

    claim = claim_of("C1", ("mobileone_s0", "paper", 60)) | {"study": "new"}
    before = evidence(pd.DataFrame(), claim)
    assert before["verdict"].iloc[0] == NOT_RUN and "new is not in the ledger" in before["reason"].iloc[0]
    monkeypatch.setitem(sys.modules, "analysis.chapters.new.claims", SimpleNamespace(evidence=of_new))
    monkeypatch.setitem(SOURCES, "new", Source("new"))
    after = evidence(pd.DataFrame(), claim)
    assert after["verdict"].iloc[0] == SUPPORTED and after["planned"].iloc[0] == 60
    row = after.reindex(columns=COLUMNS).iloc[0]
    assert estimate_text(row) == "K* = 30"


def test_every_source_can_be_called_and_covers_its_claims():
    for source in SOURCES.values():
        assert callable(source.evidence)
    assert {claim["study"] for claim in CLAIMS.values()} == {*SOURCES} - {"boxes"}  # which gives other readings of C9
    assert SOURCES["faithfulness"].notebook("C9a") == "localisation"
    assert SOURCES["faithfulness"].notebook("C1") == "faithfulness"


def test_what_the_paper_prints():
    printed = {i: ledger_module._about(claim)["paper"] for i, claim in CLAIMS.items()}
    assert printed["C1"] == "+11.59 points (IC 59.58, ScoreCAM 47.99)"
    assert (
        printed["C2"].startswith("+0.93") and printed["C4b"].startswith("+22.22") and printed["C9a"].startswith("+6.5")
    )
    assert printed["C6a"] == "+1.31 logits, d = 0.82"
    assert printed["C5b"].startswith("+") and ", OptiCAM " in printed["C5b"] and printed["C5a"] != printed["C5b"]
    assert "23.37 %" in printed["C8a"] and "40" in printed["C10c"] and printed["C5n"] == printed["C7a"] == NOT_PRINTED
    assert printed["C6b"] == printed["C7n"] == printed["C4c"] == printed["C9b"] == NOT_PRINTED
