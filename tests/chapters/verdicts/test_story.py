"""The findings of the landing page: their words follow from the ledger and the rows."""

import dataclasses
import re

import pandas as pd
import pytest

from analysis.chapters.verdicts import story
from analysis.chapters.verdicts.landing import finding_cards, pipeline, steps
from analysis.chapters.verdicts.numbers import between, in_words, localisation_errors, with_limits
from analysis.chapters.verdicts.page import answer, changed_since, section_43
from analysis.judging.kept import kept_ledger
from analysis.judging.rules import NOT_TESTED, SUPPORTED
from analysis.run.parameters import notebook_names
from cluscam_lite import load_image, load_model
from cluscam_lite.errors import CluscamError


@pytest.fixture(scope="module")
def evidence():
    return story.evidence_of(kept_ledger())


@pytest.fixture(scope="module")
def found(evidence):
    return {one.key: one for one in story.findings(evidence)}


def blocks(evidence, claim):
    table = evidence.table
    return table[(table["claim"] == claim) & (table["model"] != "")].set_index(["model", "panel"])


def test_each_finding_has_its_words_chart_and_page(found):
    assert list(found) == ["average", "random", "blobs", "scorecam", "parts", "place", "cost", "leak"]
    assert {one.page for one in found.values()} <= {*notebook_names()}
    for one in found.values():
        assert one.chart.startswith("<svg") and "{" not in one.text + one.title + one.legend
        assert not re.search(r"\d", one.title)


def test_logits_are_those_of_the_ledger(evidence, found):
    raised, random = blocks(evidence, "C6a"), blocks(evidence, "C6b")
    assert (raised["verdict"] == SUPPORTED).all() and (random["verdict"] == "reversed").all()
    assert found["average"].numbers == {
        "raised_in": f"{len(raised)} of {len(raised)}",
        "raised_by": between(raised["mean"]),
        "all_in": f"{len(raised)} of {len(raised)}",
    }
    assert raised["readings"].str.contains("mean of all maps: -.*reversed").all()
    assert f"in {len(random)} of {len(random)} networks" in found["random"].text
    assert (random["high"] < 0).all() and between(-random["mean"]) in found["random"].text


def test_groups_are_counted_once_each(evidence, found):
    """By hand, block by block: the mean over an image's groups, and its best group."""
    ahead, best = 0, []
    for _, block in evidence.logits.groupby(["model", "layer"]):
        groups = block[block["group"] >= 0].groupby(["masks", "image_id"])["score"]
        mean, top = groups.mean(), groups.max()
        ahead += int((mean["random 000"] - mean["kmeans"]).mean() > 0)
        best.append(float((top["kmeans"] - top["random 000"]).mean()))
    assert found["random"].numbers["random_groups"] == f"{ahead} of {len(best)}" and min(best) > 0
    assert f"in {ahead} of {len(best)}, each group counted once" in found["random"].text


def test_blobs_are_compared_on_the_same_images(evidence, found):
    rows = evidence.rows
    mine = rows[(rows["form"] == "raw") & (rows["fill"] == "mean") & (rows["variant"] == "")]
    ic = mine.pivot_table(index=["model", "panel", "image_id"], columns="method", values="increase", aggfunc="first")
    ic = ic[["cluscam", "smooth"]].astype(float).dropna().groupby(level=[0, 1]).mean()
    cnns = ic.drop("vit_tiny_patch16_224", level=0)
    assert len(cnns) == 3 and (cnns["smooth"] > cnns["cluscam"]).all() and found["blobs"].numbers["blobs_in"] == "three"
    last = ic.loc["vit_tiny_patch16_224", "last"]
    assert last["cluscam"] > last["smooth"]
    assert f"{last['cluscam']:.0f} % against {last['smooth']:.0f} %" in found["blobs"].text
    first = ic.loc["mobileone_s0", "paper"]
    assert f"{first['smooth']:.0f} % against ClusCAM's {first['cluscam']:.0f} %" in found["blobs"].text


def test_scorecam_is_the_ledgers_c1(evidence, found):
    row = blocks(evidence, "C1").loc["mobileone_s0", "paper"]
    assert row["verdict"] == "negligible" and with_limits(row) in found["scorecam"].text
    assert found["scorecam"].stand == "not shown" and found["scorecam"].numbers["scorecam_paper"] == "11.6"


def test_parts_say_which_way_the_ledger_goes(evidence, found):
    random, none, dropping = (blocks(evidence, claim) for claim in ("C7a", "C7b", "C8a"))
    assert (random["mean"] > 0).all() and (none["mean"] < 0).all() and (dropping["verdict"] == "negligible").all()
    text = found["parts"].text
    assert f"random groups by {between(random['mean'], 0)} points" in text
    assert f"IC is {between(-none['mean'], 0)} points higher" in text


def test_cluscam_is_last_at_finding_the_object_on_cnns(evidence, found):
    errors = localisation_errors(evidence.rows)
    eight = errors.drop(columns=["ones", "last", "blank"]).astype(float)
    assert len(errors) == 3 and eight.shape[1] == 8 and (eight.idxmax(axis=1) == "cluscam").all()
    assert errors["last"].all() and errors["blank"].all() and "last of eight" in found["place"].title
    assert (blocks(evidence, "C9b")["high"] < 0).all()  # a blank map is ahead, also on the transformer


def test_time_and_leakage(evidence, found):
    assert (blocks(evidence, "C11a")["verdict"] == SUPPORTED).all() and found["cost"].stand == "holds"
    assert found["leak"].numbers["leak_right"] == "99.8" and "99.8 % of the 900" in found["leak"].text


@pytest.mark.parametrize("claim", ["C6a", "C6b", "C7a", "C7b", "C8a", "C9a", "C11a", "C11b", "C11c", "C1"])
def test_words_that_no_longer_follow_are_an_error(evidence, claim):
    table = evidence.table.copy()
    table.loc[table["claim"] == claim, "verdict"] = "undecided"
    with pytest.raises(CluscamError, match=r"the rows no longer do; write what they say into .*story\.py"):
        story.findings(dataclasses.replace(evidence, table=table))


def test_the_answer_speaks_of_the_claims_that_hold_and_fall(evidence):
    numbers = answer(evidence.table)
    assert numbers["n_paper"] == "23" and numbers["n_hold"] == "five" and numbers["n_fall"] == "eight"
    assert numbers["norm_c4a"] == "undecided" and numbers["norm_c4b"] == "supported"
    assert numbers["mean_c6a"] == "reversed in 5 of 5"
    table = evidence.table.copy()
    table.loc[table["claim"] == "C6a", "verdict"] = "reversed"
    with pytest.raises(CluscamError, match="C6a"):
        answer(table)


def test_verdicts_that_changed_are_counted(evidence):
    turned = {"C1", "C5a", "C5d", "C5e", "C5n", "C7a", "C10f"}  # by hand, from former_verdicts.csv
    numbers = changed_since(evidence.table)
    assert numbers["n_turned"] == str(len(turned)) and numbers["n_before"] == "35" and numbers["n_amendments"] == "14"


def test_section_43_is_not_tested_but_for_its_number(evidence, found):
    sentences = section_43(evidence.table, found["place"].numbers)
    assert [one["verdict"] for one in sentences] == [NOT_TESTED] * 5 + [SUPPORTED]
    assert sentences[-1]["claims"] == "C9a supported" and "last of eight" in sentences[-1]["note"]


def test_cards_link_their_chapters_and_escape(found):
    odd = dataclasses.replace(found["leak"], title="a <b> & c", page="x")
    page = finding_cards([found["average"], odd]).data
    assert page.count("<li ") == 2 and 'href="logits.html"' in page and "a &lt;b&gt; &amp; c" in page


def test_seven_steps_with_their_pictures_and_numbers():
    loaded = load_model("scene_cnn")
    x = loaded.spec.preprocess()(load_image("scene:3"))[None]
    one = pipeline(loaded, x, seed=0)
    e = one.explanation
    assert one.chosen[0] == int(e.scores[0].argmax()) and len({*one.chosen}) == len(one.chosen)
    assert list(e.scores[0, one.chosen]) == sorted(e.scores[0, one.chosen], reverse=True)
    assert float(one.maps.min()) >= 0 and float(one.maps.max()) == 1
    page = steps(one).data
    assert page.count('type="radio"') == 7 == page.count('<div class="cs-step ') and page.count(" checked") == 1
    assert page.count("<img") == page.count(' alt="') and f"{e.forward_passes} passes" in page
    assert pd.Series(re.findall(r'value="(\d)"', page)).tolist() == list("1234567")


@pytest.mark.parametrize(("n", "word"), [(0, "no"), (8, "eight"), (12, "twelve"), (13, "13")])
def test_small_numbers_are_words(n, word):
    assert in_words(n) == word
