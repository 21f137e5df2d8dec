"""Claims under other choices than the registered ones: which apply, which rows they take, what stands on the page."""

import pandas as pd
import pytest
from test_faithfulness_evidence import N, claim, rows

from analysis import faithfulness_chapter
from analysis.faithfulness_controls import CONTROLS, OBJECTIVE, REGISTERED, applies, control_page, control_table
from analysis.faithfulness_evidence import prepared

SHARES = {"cluscam": 0.6, "opticam": 0.9, "opticam_norm": 0.2, "scorecam": 0.2}


@pytest.fixture(scope="module")
def ran():
    """On the mean ClusCAM is behind OptiCAM "plain" and ahead of "norm"; on black it is ahead of both."""
    found = rows(shares=SHARES)
    lost = (found["method"] == "opticam") & (found["fill"] == "black")
    return prepared(found.assign(increase=found["increase"].where(~lost, 0.0)))


def test_each_control_takes_its_own_rows(ran):
    table = control_table(ran, [claim("opticam")]).set_index("control")
    assert list(table.index) == list(CONTROLS) and set(table["n"]) == {N}
    assert table.loc[REGISTERED, "decision"] == "contradicted" and table.loc[REGISTERED, "mean"] == pytest.approx(-30)
    assert table.loc[OBJECTIVE, "decision"] == "supported" and table.loc[OBJECTIVE, "mean"] == pytest.approx(40)
    assert table.loc["fill black", "mean"] == pytest.approx(60) and table.loc["fill blur", "mean"] == pytest.approx(-30)


def test_a_control_that_changes_nothing_is_a_dash(ran):
    boxes = {**claim("opticam"), "id": "Y"}
    boxes["contrast"] = {**boxes["contrast"], "measure": "le", "better": "lower"}
    page = control_page(ran, [claim("scorecam"), boxes]).set_index("claim")
    assert list(page.columns) == ["network", *CONTROLS]
    assert page.loc["X", OBJECTIVE] == "–" and page.loc["X", "fill black"] == "+40.0, supported"
    assert set(page.loc["Y", ["coverage 0.5", "fill black", "fill blur"]]) == {"–"} and page.loc["Y", OBJECTIVE] != "–"


def test_what_did_not_run_says_so():
    page = control_page(pd.DataFrame(), [claim("opticam")])
    assert set(page.loc[0, list(CONTROLS)]) == {"not run"}


def test_the_registered_column_is_the_ledgers():
    claims = faithfulness_chapter.claims("C4")
    table = control_table(faithfulness_chapter.reference(), claims)
    ledger = faithfulness_chapter.claim_rows("C4")
    assert table.loc[table["control"] == REGISTERED, "decision"].tolist() == ledger["decision"].tolist()
    assert all(applies({}, one["contrast"]) for one in claims)
