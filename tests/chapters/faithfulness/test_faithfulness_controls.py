"""Claims under other choices than the registered ones: which apply, which rows they take, what stands on the page."""

import pandas as pd
import pytest
from test_faithfulness_evidence import N, claim, rows

from analysis.chapters.faithfulness import page as faithfulness_chapter
from analysis.chapters.faithfulness.controls import CONTROLS, OBJECTIVE, REGISTERED, control_page, control_table
from analysis.judging.ledger import judged
from analysis.page.panels import panel_title, prepared

SHARES = {"cluscam": 0.6, "opticam": 0.9, "opticam_norm": 0.2, "scorecam": 0.2}


@pytest.fixture(scope="module")
def ran():
    """On the mean ClusCAM is behind OptiCAM "plain" and ahead of "norm"; on black it is ahead of both."""
    found = rows(shares=SHARES)
    lost = (found["method"] == "opticam") & (found["fill"] == "black")
    return prepared(found.assign(increase=found["increase"].where(~lost, 0.0)))


def page_of(rows, *claims):
    registered = [judged(rows, one).iloc[0].rename(one["id"]) for one in claims]
    return control_page(
        pd.DataFrame(
            {"claim": one.name, "network": panel_title(one["model"], one["panel"]), "decision": one["verdict"]}
            | {"ahead by [95 %]": "ahead"}
            for one in registered
        ),
        rows,
        list(claims),
    ).set_index("claim")


def test_each_control_takes_its_own_rows(ran):
    table = control_table(ran, [claim("opticam")]).set_index("control")
    assert list(table.index) == list(CONTROLS) and set(table["n"]) == {N}
    assert table.loc[OBJECTIVE, "verdict"] == "supported" and table.loc[OBJECTIVE, "mean"] == pytest.approx(40)
    assert table.loc["fill black", "mean"] == pytest.approx(60) and table.loc["fill blur", "mean"] == pytest.approx(-30)


def test_a_control_that_changes_nothing_is_a_dash(ran):
    boxes = {**claim("opticam"), "id": "Y"}
    boxes["contrast"] = {**boxes["contrast"], "measure": "le", "better": "lower"}
    page = page_of(ran, claim("scorecam"), boxes)
    assert list(page.columns) == ["network", REGISTERED, *CONTROLS]
    assert page.loc["X", REGISTERED] == "ahead, supported"
    assert page.loc["X", OBJECTIVE] == "–" and page.loc["X", "fill black"].startswith("+40.00 [+")
    assert set(page.loc["Y", ["coverage 0.5", "fill black", "fill blur"]]) == {"–"} and page.loc["Y", OBJECTIVE] != "–"


def test_what_did_not_run_says_so(ran):
    for rows_there in (pd.DataFrame(), ran[ran["method"] == "cluscam"]):
        page = page_of(rows_there, claim("opticam"))
        assert set(page.loc["X", [REGISTERED, *CONTROLS]]) == {"not run"}
    on_mean = page_of(ran[ran["fill"] == "mean"], claim("opticam")).loc["X"]
    assert on_mean["fill black"] == on_mean["fill blur"] == "not run" != on_mean["coverage 0.5"]


def test_the_claims_of_the_chapter_have_their_controls():
    claims = faithfulness_chapter.claims("C4")
    rows = faithfulness_chapter.reference()
    shown = faithfulness_chapter.claim_rows(rows, "C4")
    page = control_page(shown, rows, claims)
    assert page["claim"].tolist() == shown["claim"].tolist() and page["network"].tolist() == shown["network"].tolist()
    assert (page.set_index("claim").loc["C4c", OBJECTIVE]) == "–"
