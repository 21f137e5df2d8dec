"""The ledger of the repository (`table`): every row has a verdict or a reason, words for readers, and the command."""

import json

import pytest
from pandas.testing import assert_frame_equal

from analysis.engine import run
from analysis.judging import kept
from analysis.judging.ledger import COLUMNS, SETTINGS, all_claims, claim_verdicts, ledger, own_run, tier_counts
from analysis.judging.rules import CONTRADICTED, SUPPORTED, VERDICTS
from analysis.judging.sources import SOURCES
from analysis.judging.text import (
    WIDTH,
    amendments,
    as_json,
    counts_text,
    follow,
    for_terminal,
    images_text,
    page,
    summary,
)
from analysis.studies.registry import find_study
from analysis.studies.rows import NOT_RUN
from cluscam_lite.cli import Parser, main
from cluscam_lite.errors import CluscamError

CLAIMS = {claim["id"]: claim for claim in all_claims()}


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
