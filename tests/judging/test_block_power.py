"""The power of a block: by the test that the block has, at the paper's own figure."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.judging.ledger import all_claims
from analysis.judging.power import block_power, could_not_confirm, least_spread
from analysis.judging.printed import paper_effect, printed
from analysis.judging.rules import SUPPORTED, UNDECIDED, UNINFORMATIVE
from analysis.statistics.power import power_of_d_z, power_of_shares

D_Z = {"rule": "effect", "sesoi": 0.2, "unit": "d_z", "alpha": 0.05}
POINTS = {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05}


def claim(thresholds, blocks=1, **others):
    block = {"model": "mobileone_s0", "layer": "paper", "n": 200}
    found = {"thresholds": thresholds, "population": {"dataset": "ilsvrc", "blocks": [block] * blocks}}
    return found | {"contrast": {"measure": "increase"}} | others


def row(**others):
    found = {"n": 200, "mean": 4.6, "low": 1.0, "high": 8.0, "d_z": 0.2, "differing": 80, "test": "Wilcoxon"}
    return pd.Series(found | {"verdict": UNDECIDED, "uninformative": ""} | others)


def test_means_over_seeds_or_groups_have_their_own_spread():
    """Differences of shares that are not 0 or 100 spread less than single images would; here against simulated rows."""
    asked = claim(POINTS, paper_effect=10.0)
    found = block_power(row(), asked)["power"]  # a spread of 23 points, less than a single image's 30
    x = np.random.default_rng(0).normal(10, least_spread(10), (4_000, 200))
    shown = (stats.ttest_1samp(x, 0, axis=1).pvalue < 0.05) & (x.mean(1) >= 5)
    assert found == pytest.approx(shown.mean(), abs=0.02)
    wide = block_power(row(mean=10.0, d_z=0.2), asked)["power"]  # 50 points
    assert wide == pytest.approx(power_of_d_z(0.2, 200, 0.1, 0.05)) and wide < found


def test_single_images_are_mcnemars():
    asked = claim(POINTS, blocks=3, paper_effect=10.0)
    found = block_power(row(test="McNemar", differing=40), asked)["power"]
    assert found == power_of_shares(0.1, 0.2, 200, 0.05, 0.05 / 3)


def test_an_effect_brings_a_spread_where_nothing_differed():
    still = row(mean=0.0, low=0.0, high=0.0, d_z=math.nan, differing=0, verdict=UNINFORMATIVE, n=20)
    found = block_power(still, claim(POINTS, paper_effect=15.0))
    assert found["power"] == pytest.approx(power_of_d_z(15 / least_spread(15), 20, 5 / least_spread(15), 0.05))
    assert 0.2 < found["power"] < 0.8 and found["images needed"] == "no number of images"


def test_needed_in_what_the_block_counts():
    assert block_power(row(mean=2.0, d_z=0.1), claim(POINTS))["images needed"].endswith(" images")
    groups = row(mean=2.0, d_z=0.1, counted="components")
    assert block_power(groups, claim(POINTS))["images needed"].endswith(" components")
    assert "images needed" not in block_power(row(verdict=SUPPORTED), claim(POINTS))


def test_the_papers_figure_is_the_one_in_words():
    for one in all_claims():
        effect = paper_effect(one)
        if effect is not None and "paper_effect" not in one and "paper" not in one:
            assert f"{effect:.2f}" in printed(one)
    assert block_power(row(), claim(D_Z, paper_effect=0.82, contrast={}))["power at"].endswith("0.82 d_z")
    assert block_power(row(), claim(D_Z, contrast={}))["power at"] == "twice the smallest effect, 0.40 d_z"


def test_no_power_of_limits_or_of_what_has_not_run():
    limits = {"rule": "limits", "supported": {"at_most": 1}, "reversed": {"more_than": 2}, "unit": "times"}
    assert block_power(row(), claim(limits)) == {} and block_power(row(mean=math.nan), claim(POINTS)) == {}


def test_what_could_not_confirm_the_paper():
    weak = pd.Series({"power": 0.1, "power at": "the paper's own figure, 0.30 d_z"})
    assert could_not_confirm(weak) and not could_not_confirm(weak.replace({0.1: 0.9}))
    assert not could_not_confirm(pd.Series({"power": 0.1, "power at": "twice the smallest effect, 0.40 d_z"}))
