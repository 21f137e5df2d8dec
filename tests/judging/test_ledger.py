"""The ledger: verdicts of claims from those of their networks, reasons for what has not run, and the command."""

import hashlib
import json
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from logits_rows import rows as logits_rows
from pandas.testing import assert_frame_equal

from analysis.chapters.faithfulness.claims import shortage
from analysis.engine import run
from analysis.engine.registry import find_study
from analysis.engine.rows import NOT_RUN
from analysis.judging import kept
from analysis.judging import ledger as ledger_module
from analysis.judging.ledger import (
    COLUMNS,
    SETTINGS,
    WAITS,
    all_claims,
    claim_verdicts,
    evidence,
    ledger,
    own_run,
    tier_counts,
)
from analysis.judging.printed import NOT_PRINTED
from analysis.judging.rules import CONTRADICTED, INCONCLUSIVE, SUPPORTED, VERDICTS, combine
from analysis.judging.sources import SOURCES, Source
from analysis.judging.text import (
    WIDTH,
    amendments,
    as_json,
    counts_text,
    estimate_text,
    follow,
    for_terminal,
    images_text,
    page,
    summary,
)
from cluscam_lite.cli import Parser, main
from cluscam_lite.errors import CluscamError

CLAIMS = {claim["id"]: claim for claim in all_claims()}


# the rule


@pytest.mark.parametrize(
    ("decisions", "verdict"),
    [
        ([SUPPORTED], SUPPORTED),
        ([SUPPORTED, SUPPORTED, INCONCLUSIVE], SUPPORTED),
        ([SUPPORTED, INCONCLUSIVE], INCONCLUSIVE),  # one half is no majority
        ([SUPPORTED, SUPPORTED, CONTRADICTED], INCONCLUSIVE),  # opposition
        ([CONTRADICTED, CONTRADICTED, INCONCLUSIVE], CONTRADICTED),
        ([CONTRADICTED, CONTRADICTED, SUPPORTED], INCONCLUSIVE),
        ([SUPPORTED, NOT_RUN], NOT_RUN),
        ([], NOT_RUN),
    ],
)
def test_a_majority_without_opposition(decisions, verdict):
    assert combine(decisions) == verdict == combine(reversed(decisions))


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
    assert behind["verdict"].iloc[0] == CONTRADICTED


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
    assert complete["verdict"].iloc[0] == CONTRADICTED and complete["mean"].iloc[0] == pytest.approx(-1, abs=0.1)
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
    assert {claim["study"] for claim in CLAIMS.values()} == set(SOURCES)
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


# the ledger of the repository (`table`)


def test_every_row_has_a_verdict_or_a_reason_and_a_place(table):
    assert list(table.columns) == list(COLUMNS) and set(table["verdict"]) <= set(VERDICTS)
    unrun = table["verdict"] == NOT_RUN
    assert (table.loc[unrun, "reason"] != "").all() and (table.loc[~unrun, "reason"] == "").all()
    assert table.loc[~unrun, ["n", "mean", "low", "high"]].notna().all(axis=None) or table["text"].notna().any()
    named = table[table["study"].isin(SOURCES)]
    assert named[["notebook", "rows", "parameters", "commits"]].ne("").all(axis=None)
    assert set(table["claim"]) == set(CLAIMS)
    for claim_id, claim in CLAIMS.items():
        mine = table[(table["claim"] == claim_id) & (table["model"] != "")]
        assert len(mine) == len(claim["population"]["blocks"])


def test_claims_and_tiers_add_up(table):
    verdicts, tiers = claim_verdicts(table), tier_counts(table)
    assert len(verdicts) == len(CLAIMS) and list(tiers.index) == ["reproduction", "variant", "conceptual"]
    assert verdicts.set_index("claim").loc["C6a", "verdict"] == SUPPORTED
    assert verdicts.set_index("claim").loc["C6b", "verdict"] == CONTRADICTED
    assert tiers.loc["reproduction", NOT_RUN] == len(CLAIMS)  # no weights of the paper's networks
    assert counts_text(table).count(",") == 3


def test_words_for_pages_and_terminals(table):
    text = for_terminal(table)
    assert all(claim in text for claim in CLAIMS) and "Claims by tier" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    one = for_terminal(table[table["claim"] == "C6b"], full=True)
    assert "d_z" in one and "results/reference/logits" in one and "notebooks/logits.ipynb" in one
    assert "estimate:" in one and "decision:  supported if" in one and "amended" not in one
    assert max(map(len, for_terminal(table[table["claim"] == "C3"], full=True).splitlines())) <= WIDTH
    found = json.loads(as_json(table))
    assert len(found["rows"]) == len(table) and found["claims"][0]["claim"] == "C1"
    assert set(found["tiers"]) == {"reproduction", "variant", "conceptual"}
    assert len(page(table)) == len(table) and len(summary(table)) == len(CLAIMS)
    assert {"notebook", "rows", "at commit"} <= set(follow(table).columns)


def test_what_was_amended_after_the_evidence_is_said(table):
    amended = {claim["id"] for claim in CLAIMS.values() if "amended" in claim}
    said = amendments(table)
    assert {i for ids in said["claims"] for i in ids.split(", ")} == amended and len(said) <= len(amended)
    assert "amended:   2026" in for_terminal(table[table["claim"] == "C3"], full=True)


def test_images_are_those_that_had_values(table):
    boxes = table[table["claim"] == "C9a"].iloc[0]
    assert images_text(boxes) == f"{boxes['n']} of 100" and boxes["n"] < 100  # with one box
    slices = boxes.copy()
    slices["counted"], slices["n"] = "components", 12
    assert images_text(slices) == "100 in 12 components"
    assert images_text(table[table["claim"] == "C6a"].iloc[0]) == "100" and images_text(table.iloc[-1]) == "–"


def test_ones_own_run_stands_beside_without_a_verdict(tmp_path, table):
    from analysis.chapters.logits.study import STUDY
    from analysis.engine import run

    assert own_run(tmp_path).empty
    profile = {"profile": "smoke", "dataset": "scenes", "seed": 0}
    run(STUDY, profile, tmp_path / "logits", quiet=True)
    own = own_run(tmp_path)
    assert set(own["claim"]) == {"C6a", "C6b"} and set(own["model"]) == {"scene_cnn", "scene_vit"}
    assert own[["mean", "low", "high"]].notna().all(axis=None) and "decision" not in own
    shown = page(table, own).set_index("claim")["this run"]
    assert "logits" in shown["C6a"].iloc[0] and shown["C6a"].iloc[1] == "" and shown["C1"].iloc[0] == NOT_RUN


def test_the_ledger_is_kept_until_what_it_is_made_from_changes(tmp_path, monkeypatch, table):
    made = []
    monkeypatch.setattr(kept, "KEPT", tmp_path / "out" / "ledger.parquet")
    monkeypatch.setattr(kept, "ledger", lambda folder: made.append(folder) or table)
    results = tmp_path / "results"
    (results / "logits").mkdir(parents=True)
    for _ in range(2):
        assert_frame_equal(kept.kept_ledger(results), table)
        assert as_json(kept.kept_ledger(results)) == as_json(table)
    assert len(made) == 1
    (results / "logits" / "manifest.json").write_text("{}")
    kept.kept_ledger(results)
    assert len(made) == 2
    kept.KEPT.write_bytes(b"PAR1, cut off")
    assert_frame_equal(kept.kept_ledger(results), table)
    assert len(made) == 3
    monkeypatch.setattr(kept, "KEPT", results / "logits" / "manifest.json" / "ledger.parquet")  # not to be written
    assert_frame_equal(kept.kept_ledger(results), table)


def test_no_results_at_all(tmp_path):
    found = ledger(tmp_path)
    assert (found["verdict"] == NOT_RUN).all() and (found["reason"] != "").all()


# the command


def run_command(*arguments):
    from analysis.judging.command import verdicts

    parser = Parser(prog="cluscam")
    verdicts(parser.add_subparsers().add_parser)
    chosen = parser.parse_args(["verdicts", *arguments])
    chosen.run(chosen)


def test_the_command_prints_text_and_json(tmp_path, capsys):
    run_command("--results", str(tmp_path))
    assert "All claims: 0 supported" in capsys.readouterr().out
    run_command("--results", str(tmp_path), "--claim", "c6b", "--json")
    assert {row["claim"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"C6b"}


def test_mistakes_are_one_sentence(tmp_path):
    with pytest.raises(CluscamError, match="does not exist; name the folder"):
        run_command("--results", str(tmp_path / "none"))
    with pytest.raises(CluscamError, match="unknown claim 'C99'"):
        run_command("--results", str(tmp_path), "--claim", "C99")


def test_the_installed_command_is_this_one(capsys):
    from importlib.metadata import entry_points

    if "verdicts" not in {entry.name for entry in entry_points(group="cluscam.commands")}:
        pytest.skip("the package was installed before this command was added: install it again")
    assert main(["verdicts", "--help"]) == 0 and "--claim" in capsys.readouterr().out


def test_claims_that_fix_their_settings_are_no_part_of_an_own_run(tmp_path):
    study = find_study("hyperparameters")
    profile = {"profile": "smoke", "dataset": "scenes", "part": "", "models": ["scene_cnn"], "n_images": 1, "seed": 0}
    run(study, profile, tmp_path / study.name, quiet=True)
    assert any(SETTINGS[0] in claim["population"] for claim in all_claims())
    assert not len(own_run(tmp_path))
