"""The ledger of the repository (`table`): every row has a verdict or a reason, words for readers, and the command."""

import json

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from analysis.engine import run
from analysis.judging import kept
from analysis.judging.authors import authors_evidence
from analysis.judging.counts import claim_verdicts, former_verdicts, sentence_verdicts, tier_counts
from analysis.judging.ledger import COLUMNS, SETTINGS, _origin, all_claims, ledger, own_run
from analysis.judging.rules import CONTRADICTED, NOT_TESTED, SUPPORTED, VERDICTS, WORDS
from analysis.judging.sources import SOURCES
from analysis.judging.terminal import WIDTH, as_json, for_terminal
from analysis.judging.text import (
    amendments,
    before_and_now,
    claim_text,
    claims_text,
    counts_text,
    follow,
    images_text,
    own_page,
    page,
)
from analysis.paper.amendments import all_amendments
from analysis.paper.sentences import all_sentences
from analysis.paths import REFERENCE
from analysis.studies.registry import find_study
from analysis.studies.rows import NOT_RUN
from cluscam_lite.cli import Parser, main
from cluscam_lite.errors import CluscamError

CLAIMS = {claim["id"]: claim for claim in all_claims()}


def test_every_row_has_a_verdict_or_a_reason_and_a_place(table):
    assert list(table.columns) == list(COLUMNS) and set(table["verdict"]) <= set(WORDS)
    unrun = table["verdict"].isin([NOT_RUN, NOT_TESTED])
    assert (table.loc[unrun, "reason"] != "").all() and (table.loc[~unrun, "reason"] == "").all()
    assert (table.loc[~unrun, "because"] != "").all()
    assert table.loc[~unrun, ["n", "mean", "low", "high"]].notna().all(axis=None) or table["text"].notna().any()
    named = table[table["study"].isin(SOURCES)]
    assert named[["notebook", "rows", "parameters", "commits"]].ne("").all(axis=None)
    assert set(table["claim"]) == set(CLAIMS)
    for claim_id, claim in CLAIMS.items():
        mine = table[(table["claim"] == claim_id) & (table["model"] != "")]
        assert len(mine) == len(claim["population"]["blocks"])


def test_claims_and_tiers_add_up(table):
    verdicts, tiers = claim_verdicts(table).set_index("claim"), tier_counts(table)
    assert len(verdicts) == len(CLAIMS) and list(tiers.index) == ["reproduction", "variant", "conceptual"]
    assert set(verdicts["verdict"]) <= set(VERDICTS)
    assert verdicts.loc["C6a", "verdict"] == SUPPORTED and verdicts.loc["C6b", "verdict"] == CONTRADICTED
    assert verdicts.loc["C5d", "verdict"] == NOT_TESTED and verdicts.loc["C6a", "networks"] == 4
    assert tiers.loc["reproduction", NOT_RUN] == len(table[table["tier"] == "reproduction"])  # no weights of them


def test_the_papers_claims_and_ours_are_counted_apart(table):
    whose = claim_verdicts(table)["whose"].value_counts()
    text = counts_text(table)
    assert f"the paper's {whose['paper']} claims: " in text and f"{whose['ours']} of our own: " in text
    own = table[(table["whose"] == "paper") & (table["tier"] == "reproduction")]
    assert f"on the paper's own networks 0 of its {len(own)} claims were run" in text
    apart = [tier_counts(table[table["whose"] == name]).to_numpy() for name in ("paper", "ours")]
    assert (apart[0] + apart[1] == tier_counts(table).to_numpy()).all()
    for name, n in claim_verdicts(table).groupby(["whose", "verdict"]).size().items():
        assert f"{n} {name[1]}" in text


def test_a_sentence_is_made_of_the_papers_claims_and_each_of_these_is_in_one(table):
    said = [claim for sentence in all_sentences() for claim in sentence["claims"]]
    assert {*said} == {name for name, claim in CLAIMS.items() if claim["whose"] == "paper"}
    found = sentence_verdicts(table).set_index("sentence")
    assert found.loc["S4", "verdict"] == SUPPORTED and found.loc["S5", "verdict"] == CONTRADICTED
    assert "C7b contradicted" in found.loc["S5", "claims"]


def test_words_for_pages_and_terminals(table):
    text = for_terminal(table)
    assert all(claim in text for claim in CLAIMS) and "The paper's claims by tier:" in text
    assert "The paper's sentences:" in text and "this project's own" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    one = for_terminal(table[table["claim"] == "C6b"], full=True)
    assert "d_z" in one and "results/reference/logits" in one and "notebooks/logits.ipynb" in one
    assert "estimate:" in one and "decision:   supported if" in one and "before the amendments of 2026-11-29" in one
    assert max(map(len, for_terminal(table[table["claim"] == "C3"], full=True).splitlines())) <= WIDTH
    found = json.loads(as_json(table))
    assert len(found["rows"]) == len(table) and found["claims"][0]["claim"] == "C1"
    assert set(found["tiers"]["paper"]) == {"reproduction", "variant", "conceptual"}
    assert len(found["sentences"]) == len(all_sentences())
    logs = [authors_evidence(claim) for claim in CLAIMS.values()]
    assert len(page(table)) == len(table) + sum(map(len, logs))
    assert "their logs:" in for_terminal(table[table["claim"] == "C7d"], full=True)
    assert {"notebook", "rows", "at commit"} <= set(follow(table).columns)


def test_every_row_says_its_images_its_power_and_in_how_many_ways_it_holds(table):
    ran = table[table["verdict"].isin(["supported", "reversed", "negligible", "undecided", "uninformative"])]
    assert ran["planned"].notna().all()
    differences = ran[ran["mean"].notna() & ran["d_z"].notna()]
    assert differences["power"].between(0, 1).all() and (differences["power at"] != "").all()
    counted = ran[ran["of"].notna() & (ran["of"] > 0)]
    assert (counted["holds"] <= counted["of"]).all() and len(counted) > len(ran) / 2
    assert {"C1", "C6b", "C7a", "C8c", "C9b", "C10a", "C11a"} <= {*counted["claim"]}
    open_ = ran[ran["verdict"].isin(["undecided", "uninformative"]) & ran["power"].notna()]
    assert open_["images needed"].str.contains("image|component").all()
    assert "power" in page(table[table["claim"] == "C6b"])["power"].iloc[0]
    random = ran[(ran["claim"] == "C6b") & (ran["model"] != "")].set_index("model")
    turned = random[random["holds"] < random["of"]]  # K-Means is ahead there when each group counts once (A12)
    assert list(turned.index) == ["squeezenet1_1"] and (turned["holds"] == turned["of"] / 2).all()


def test_what_was_amended_after_the_evidence_is_said(table):
    said = amendments(table)
    early = {claim["id"] for claim in CLAIMS.values() if "amended" in claim}
    late = {claim for one in all_amendments() for claim in one["claims"]}
    assert {i for ids in said["claims"] for i in ids.split(", ")} == early | late
    assert "amended:    2026" in for_terminal(table[table["claim"] == "C3"], full=True)
    fifth = said[said[""] == "A5"].iloc[0]
    assert "→ not tested" in fifth["verdicts"] and fifth["claims"] == "C5d, C5e"


def test_every_former_verdict_stands_beside_the_word_of_now(table):
    """The file is a record of what was published; who was judged then still has a row, and nobody is left out."""
    blocks = table[table["model"] != ""]
    now = {*zip(blocks["claim"], blocks["model"], blocks["panel"], strict=True)} | {(c, "", "") for c in CLAIMS}
    assert set(former_verdicts()) <= now
    assert set(former_verdicts().values()) <= {"supported", "contradicted", "inconclusive"}
    found = before_and_now(table)
    assert len(found) == len(CLAIMS) + len(blocks) and (found["why"] != "").all()


def test_other_readings_stand_beside_the_one_that_decides(table):
    read = {claim_id for claim_id, claim in CLAIMS.items() if "readings" in claim}
    named = table[(table["model"] != "") & table["claim"].isin(read)]
    assert {"C2", "C6a", "C7a", "C8c"} <= read
    for _, row in named.iterrows():
        for reading in CLAIMS[row["claim"]]["readings"]:
            assert f"{reading['name']}: " in row["readings"]
    mean = table[(table["claim"] == "C6a") & (table["model"] != "")]["readings"]
    assert all(text.endswith("reversed") for text in mean)  # against the mask of the mean of all maps


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
    shown = own_page(own).set_index("claim")["your run [95 %]"]
    assert len(shown) == len(own) and "logits" in shown["C6a"].iloc[0]


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
    assert "not run" in capsys.readouterr().out
    run_command("--results", str(tmp_path), "--claim", "c6b", "--json")
    assert {row["claim"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"C6b"}


def test_mistakes_are_one_sentence(tmp_path):
    with pytest.raises(CluscamError, match="does not exist; name the folder"):
        run_command("--results", str(tmp_path / "none"))
    with pytest.raises(CluscamError, match="unknown claim 'C99'"):
        run_command("--results", str(tmp_path), "--claim", "C99")


def test_a_folder_of_something_else_is_not_a_run_that_made_nothing(tmp_path):
    """An easy slip: a study's own folder in the place of the one that it lies in."""
    (tmp_path / "manifest.json").touch()
    with pytest.raises(CluscamError, match="has files, but no folder of a study"):
        run_command("--results", str(tmp_path))


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


def test_what_is_the_same_of_several_claims_is_said_once():
    rows = [("A", "reversed"), ("B", "reversed"), ("C", "supported"), ("C", "undecided")]
    table = pd.DataFrame(rows, columns=["claim", "decision"])
    assert claims_text(table, "A", "B") == "both reversed on the one network and layer tested"
    assert claims_text(table, "A") == claim_text(table, "A")
    assert claims_text(table, "A", "C") == f"A {claim_text(table, 'A')}; C {claim_text(table, 'C')}"


def test_the_command_that_made_rows_is_named_only_where_it_is_known(tmp_path):
    folder = tmp_path / "curves"
    folder.mkdir()
    assert _origin(folder, "curves")["parameters"] == "not known: the profile is written when the run is complete"
    assert _origin(REFERENCE / "curves", "curves")["parameters"] == "cluscam study curves --profile reference"
