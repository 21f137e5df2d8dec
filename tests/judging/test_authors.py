"""The authors' own logs as evidence: against counts by hand, and against the means of the same logs."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from analysis.judging.authors import ALL, MAIN, PAIRS, authors_evidence, authors_page, per_image
from analysis.judging.rules import NOT_RUN, WORDS
from analysis.paper.claims import all_claims
from analysis.paths import PAPER

CLAIMS = {claim["id"]: claim for claim in all_claims()}


def test_hdbscan_by_hand():
    table = pd.read_csv(PAPER / "authors_per_image.csv", dtype={"K": str})
    ours = table[(table["workbook"] == "results_50img_50drop.xlsx") & (table["K"] == "30")].set_index("image")["IC"]
    theirs = table[table["method"] == "HDBSCAN"].set_index("image")["IC"]
    ahead, behind = int((ours > theirs).sum()), int((theirs > ours).sum())
    row = authors_evidence(CLAIMS["C7d"]).iloc[0]
    assert row["n"] == len(ours) == 50 and set(ours.index) == set(theirs.index)
    assert row["mean"] == pytest.approx(100 * (ahead - behind) / 50) and row["differing"] == ahead + behind
    assert row["p"] == pytest.approx(binomtest(ahead, ahead + behind).pvalue)
    assert row["low"] < row["mean"] < row["high"] and row["K"] == MAIN and row["tier"] == "authors' logs"


def test_dropout_changes_no_increase_in_any_of_nineteen_sizes():
    assert authors_evidence(CLAIMS["C8a"])["differing"].tolist() == [0, 0]
    drops = authors_evidence(CLAIMS["C8a"], "drop")
    assert (drops["differing"] > 0).all() and (drops["mean"].abs() < 0.1).all() and "verdict" not in drops


def test_the_means_are_those_written_before():
    means = pd.read_csv(PAPER / "authors_results.csv")
    compared = 0
    for (workbook, size), mine in per_image().groupby(["workbook", "K"]):
        theirs = means[means["origin"] == f"results/{workbook}"]
        sizes = {"": [np.nan], ALL: list(range(10, 105, 5))}.get(size, [float(size) if size.isdigit() else 0])
        for measure in ("AD", "IC"):
            wanted = theirs[(theirs["measure"] == measure) & (theirs["K"].isin(sizes) | (size == ""))]["value"]
            assert len(wanted) == len(sizes) and mine[measure].mean() == pytest.approx(wanted.mean(), abs=1e-3)
            compared += 1
    assert compared == 18 and len(per_image()) == 50 * 9


def test_only_some_claims_have_logs():
    assert set(PAIRS) < set(CLAIMS)
    assert authors_evidence(CLAIMS["C1"]).empty
    for name in PAIRS:
        table = authors_evidence(CLAIMS[name])
        assert set(table["verdict"]) <= set(WORDS) - {NOT_RUN} and table["certainty"].str.len().min() > 0
    assert authors_page()["claim"].unique().tolist() == [name for name in CLAIMS if name in PAIRS]
