"""The chapter on the fifth network, on rows made by hand: what is right, what is wrong, what has not run."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.confirmation import evidence
from analysis.chapters.confirmation import page as chapter
from analysis.engine.contract import empty_rows
from analysis.judging.ledger import COLUMNS
from analysis.judging.rules import NOT_RUN, NOT_TESTED
from analysis.paper.predictions import FILE
from analysis.paths import CONFIRMATION, ROOT
from analysis.run import provenance
from analysis.studies.registry import find_study

IDS = [f"image {i}" for i in range(30)]
NETWORK = "efficientnet_lite0"
BEHIND = np.random.default_rng(0).normal(-20, 5, len(IDS))


def prediction(claim="C2", words=("reversed",), direction="behind", n=30):
    ids = hashlib.sha256("\n".join(IDS[:n]).encode()).hexdigest()
    found = {"claim": claim, "words": list(words), "direction": direction, "n": n, "ids": ids}
    return found | {"because": "some  reason"}


def predictions(*found):
    return {"network": NETWORK, "layer": "paper", "tier": "variant", "predictions": list(found)}


def rows(ahead=BEHIND, n=30):
    """ClusCAM's and OptiCAM's drop: ClusCAM is better by `ahead` (n,)."""
    parts = []
    for method, drop in (("cluscam", 50 - ahead[:n] / 2), ("opticam", 50 + ahead[:n] / 2)):
        part = pd.DataFrame({"image_id": IDS[:n], "drop": drop}).assign(method=method, increase=0.0, gain=0.0)
        parts.append(part)
    found = pd.concat(parts, ignore_index=True)
    about = {"model": NETWORK, "layer": "paper", "variant": "", "form": "raw", "fill": "mean", "reason": ""}
    made = empty_rows(find_study("faithfulness")).reindex(found.index)
    return made.assign(**about).assign(**{name: found[name] for name in found})


def table(found, *said):
    return evidence.prediction_table(lambda study: found, predictions(*said))


def test_a_word_and_a_side_that_came_true():
    found = table(rows(), prediction()).iloc[0]
    assert found["verdict"] == "reversed" and found["right"] is True and found["right side"] is True
    assert found["mean"] == pytest.approx(BEHIND.mean()) and found["n"] == found["planned"] == 30


def test_a_word_and_a_side_that_did_not():
    found = table(rows(-BEHIND), prediction()).iloc[0]
    assert found["verdict"] == "supported" and found["right"] is False and found["right side"] is False
    found = table(rows(-BEHIND), prediction(direction="none")).iloc[0]
    assert found["right"] is False and found["right side"] is None


@pytest.mark.parametrize("n", [0, 29])
def test_rows_that_are_not_all_there_leave_a_prediction_untested(n):
    found = table(rows(n=n), prediction())
    assert found["verdict"].tolist() == [NOT_RUN] and found["right"].tolist() == found["right side"].tolist() == [None]
    assert chapter.count_text(found) == "none of the predictions has been put to the test yet"
    assert chapter.wrong_text(found) == "none"


def test_rows_of_other_images_judge_nothing():
    others = rows().assign(image_id=lambda found: "other " + found["image_id"])
    found = table(others, prediction()).iloc[0]
    assert found["verdict"] == NOT_RUN and found["right"] is None and "other images" in found["reason"]


def test_the_page_and_its_counts():
    found = table(
        rows(), prediction(), prediction("C2", ("supported", "undecided"), "ahead"), prediction("C1", ("undecided",))
    )
    ledger = pd.DataFrame(
        {"claim": "C2", "model": model, "verdict": word, "d_z": value}
        for model, word, value in (
            ("a", "reversed", -1.0),
            ("b", "undecided", 0.1),
            ("c", "reversed", -2.0),
            ("", "-", 9),
        )
    ).reindex(columns=COLUMNS)
    page = chapter.predictions_page(found, ledger)
    assert page["the four networks"].tolist() == ["2 reversed, 1 undecided"] * 2 + ["–"]
    assert page["expected of the fifth"].tolist() == ["reversed", "supported or undecided", "undecided"]
    assert page["came out"].tolist()[:2] == ["reversed"] * 2 and page["came out"][2].startswith(
        "not run: ScoreCAM 0 of"
    )
    assert page["expected?"].tolist() == ["yes", "no", "–"] == page["on the expected side?"].tolist()
    assert page["what is compared"].tolist() == ["ClusCAM against OptiCAM: AD"] * 2 + ["ClusCAM against ScoreCAM: IC"]
    assert page["estimate [95 %]"][0].startswith(f"{BEHIND.mean():+.2f} [") and page["estimate [95 %]"][2] == "–"
    text = chapter.count_text(found)
    assert text.startswith("1 of 2 verdicts were as predicted, and 1 of the 2 predictions that named")
    assert text.endswith("; 1 was not run") and chapter.sharp_text(found) == "1 of 1"
    clear = "2 of 2 claims got a clear verdict, 2 of these 2 agree with the four networks, and nothing clear came out"
    assert chapter.clear_text(found, ledger).startswith(clear)
    other = ledger.replace({"verdict": {"undecided": "supported"}})
    assert chapter.clear_text(found, other).endswith(
        "0 of these 2 agree with the four networks, and 2 came out the other way on some"
    )
    assert chapter.clear_text(found.iloc[2:], ledger) == "none of 0 claims got a clear verdict"
    reasons = chapter.reasons_page(found)
    assert reasons["why it was expected"].tolist() == ["some reason"] * 3 and reasons["what came out"].all()
    assert chapter.wrong_text(found) == "C2 (expected supported or undecided, came out reversed)"


def test_more_images_are_judged_beside_and_never_instead():
    said, twenty = predictions(prediction(n=20)), [prediction(n=20)]
    study = lambda name: rows()  # noqa: E731
    (more,) = evidence.more_table(study, said).to_dict("records")
    assert more["claim"] == "C2" and more["planned"] == more["n"] == 30 and more["verdict"] == "reversed"
    assert more["mean"] == pytest.approx(BEHIND.mean())
    own = table(rows(), *twenty)
    assert own["planned"].tolist() == [20] and own["mean"].iloc[0] == pytest.approx(BEHIND[:20].mean())
    page = chapter.more_page(own, evidence.more_table(study, said))
    assert page[["predicted images", "all images"]].to_numpy().tolist() == [[20, 30]]


def test_more_images_of_one_side_are_no_more_images():
    half = rows().query("method == 'cluscam' or image_id in @IDS[:20]")
    assert not len(evidence.more_table(lambda name: half, predictions(prediction(n=20))))
    some = rows().query("method == 'cluscam' or image_id in @IDS[:25]")
    assert evidence.more_table(lambda name: some, predictions(prediction(n=20)))["planned"].tolist() == [25]
    assert not len(evidence.more_table(lambda name: rows(n=0), predictions(prediction(n=20))))


def test_easy_words_are_counted_apart():
    said = (("reversed",), True), (("supported", "reversed"), False), (("undecided",), True), (("supported",), None)
    found = pd.DataFrame(said, columns=["expected", "right"]).astype({"right": object})
    found["verdict"] = ["reversed", "undecided", "undecided", NOT_RUN]
    assert chapter.bold_text(found) == "1 of 2" and chapter.sharp_text(found) == "2 of 2"
    assert chapter.constant_text(found) == "'undecided', right 2 times of 3"
    assert chapter.constant_text(found[3:]) == "no word, as none has come out yet"


def test_every_claim_that_is_predicted_can_be_named():
    claims = {claim["id"]: claim for claim in evidence.all_claims()}
    said = evidence.all_predictions(evidence.FOUND)["predictions"]
    names = [chapter.compared(claims[prediction["claim"]]) for prediction in said]
    assert chapter.label("C1", 20) == "C1: ClusCAM against\nScoreCAM: IC"
    assert len(set(names)) == len(names) > 10 and not {NOT_RUN, NOT_TESTED} & {*evidence.FOUND}


HISTORY = [("a" * 40, "2026-11-29 05:47:01 UTC")]
MADE = [("b" * 40, False), ("c" * 40, True)]


def test_which_came_first():
    text = chapter.order_text(HISTORY, "2026-11-29 06:47:01 UTC", MADE)
    assert "aaaaaaaaaa), 3,600 seconds before the first row was begun, and have not been changed since" in text
    assert text.endswith("made by code of bbbbbbbbbb, cccccccccc (modified)")
    late = chapter.order_text(HISTORY, "2026-11-29 05:46:59 UTC", MADE)
    assert "2 seconds AFTER the first row" in late
    changed = [*HISTORY, ("d" * 40, "2026-11-29 08:00:00 UTC")]
    assert "were changed last on 2026-11-29 08:00:00 UTC" in chapter.order_text(
        changed, "2026-11-29 06:47:01 UTC", MADE
    )
    assert "no whole git history" in chapter.order_text([], "2026-11-29 06:47:01 UTC", MADE)
    assert chapter.order_text(HISTORY, None, []) == "no row has been made yet"


def test_a_folder_without_rows(tmp_path):
    assert evidence.first_row(tmp_path) is None and evidence.commits(tmp_path) == []
    found = evidence.prediction_table(evidence.committed_rows(tmp_path))
    assert set(found["verdict"]) == {NOT_RUN} and len(found) == len(
        evidence.all_predictions(evidence.FOUND)["predictions"]
    )


def test_the_history_of_a_file(monkeypatch):
    found = provenance.file_history(ROOT / "README.md")
    if not found:
        pytest.skip("no git history here")
    times = [when for _, when in found]
    assert times == sorted(times) and all(len(commit) == 40 and when.endswith(" UTC") for commit, when in found)
    assert provenance.file_history(ROOT / "no such file") == []
    git = provenance._git
    shallow = ("rev-parse", "--is-shallow-repository")
    monkeypatch.setattr(provenance, "_git", lambda *a, **v: "true" if a == shallow else git(*a, **v))
    assert provenance.file_history(ROOT / "README.md") == []
    monkeypatch.setattr(provenance, "_git", git)
    monkeypatch.setattr(provenance, "git_state", lambda: {"commit": "unknown", "modified": "unknown"})
    assert provenance.file_history(ROOT / "README.md") == []


def test_the_predictions_are_older_than_the_first_row():
    first, history = evidence.first_row(), provenance.file_history(FILE)
    if first is None or not history:
        pytest.skip("no rows, or no git history")
    assert history[0][1] <= first and all(not modified for _, modified in evidence.commits())


@pytest.mark.parametrize("study", ["ablation", "faithfulness", "logits", "runtime"])
def test_the_committed_rows_are_of_the_network(study):
    folder = CONFIRMATION / study
    if not (folder / "configuration.json").is_file():
        pytest.skip(f"the study {study} has not run")
    rows = evidence.committed_rows()(study)
    assert set(rows["model"]) == {NETWORK} and set(rows["layer"]) == {"paper"}
