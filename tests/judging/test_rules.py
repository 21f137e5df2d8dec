"""The rules by themselves: what numbers and thresholds decide."""

import numpy as np
import pandas as pd
import pytest

from analysis.judging.rules import RULES, decide, decide_limits, judge
from analysis.paper.claims import LIMITS, THRESHOLDS


@pytest.mark.parametrize(
    ("low", "high", "effect", "effect_high", "p", "expected"),
    [
        (0.1, 0.5, 0.6, 0.9, 0.01, "supported"),
        (0.1, 0.5, 0.15, 0.3, 0.01, "inconclusive"),  # smaller than what is of interest, but not surely
        (0.1, 0.5, 0.6, 0.9, 0.06, "inconclusive"),
        (-0.1, 0.5, 0.3, 0.5, 0.01, "inconclusive"),
        (-0.5, -0.1, -0.4, -0.2, 0.9, "contradicted"),
        (-0.1, 0.1, 0.0, 0.19, 0.5, "contradicted"),  # surely smaller than what is of interest
    ],
)
def test_a_directional_claim(low, high, effect, effect_high, p, expected):
    assert decide(low, high, effect, effect_high, p, sesoi=0.2, alpha=0.05) == expected


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [
        (1.0, 1.2, "supported"),
        (1.25, 1.25, "supported"),
        (1.0, 1.3, "inconclusive"),  # one image misses
        (1.9, 2.5, "inconclusive"),
        (2.0, 9.0, "contradicted"),
    ],
)
def test_limits_ask_every_image(low, high, decision):
    assert decide_limits(low, high, {"at_most": 1.25}, {"at_least": 2.0}) == decision
    # the mirrored rule, of a claim that wants a large ratio
    assert decide_limits(1 / high, 1 / low, {"at_least": 0.8}, {"at_most": 0.5}) == decision


def test_a_limit_itself_is_kept_or_not():
    expected = {"at_least": True, "at_most": True, "below": False, "more_than": False}
    assert set(expected) == set(LIMITS)
    for kind, kept in expected.items():
        assert (decide_limits(0.5, 0.5, {kind: 0.5}, {"below": 0.0}) == "supported") == kept


def test_support_needs_the_further_condition_and_contradiction_does_not():
    table = pd.DataFrame({"least": [0.97, 0.97, 0.4, np.nan], "most": [0.97, 0.97, 0.4, np.nan]})
    table["every seed"] = [True, False, False, np.nan]
    thresholds = {"rule": "limits", "supported": {"at_least": 0.95}, "contradicted": {"below": 0.5}, "unit": "r"}
    found = judge(table, thresholds | {"needs": "every seed"})["verdict"].tolist()
    assert found == ["supported", "inconclusive", "contradicted", "not run"]
    assert judge(table, thresholds)["verdict"].tolist()[1] == "supported"


def test_alpha_and_unit_are_those_of_the_claim():
    table = pd.DataFrame([{"mean": 6.0, "low": 1, "high": 9, "d_z": 0.1, "d_z high": 0.15, "p": 0.03}])
    thresholds = {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05}
    assert judge(table, thresholds)["verdict"].tolist() == ["supported"]
    assert judge(table, thresholds | {"alpha": 0.01})["verdict"].tolist() == ["inconclusive"]
    assert judge(table, thresholds | {"unit": "d_z", "sesoi": 0.2})["verdict"].tolist() == ["contradicted"]


def test_holm_waits_for_all_blocks():
    table = pd.DataFrame({"mean": [6.0, np.nan], "low": [1.0, np.nan], "high": [9.0, np.nan], "p": [0.03, np.nan]})
    thresholds = {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05}
    found = judge(table, thresholds)
    assert found["verdict"].tolist() == ["not run"] * 2 and "p (Holm)" not in found


def test_every_rule_has_its_thresholds():
    assert set(RULES) == set(THRESHOLDS)
