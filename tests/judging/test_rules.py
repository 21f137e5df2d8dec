"""The rules by themselves: what numbers and thresholds decide."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.judging.rules import RULES, combine, decide, decide_limits, judge, majority, of_sentence
from analysis.paper.claims import LIMITS, THRESHOLDS

SURE = (0.01, 0.01, 1.0)  # corrected p of the claim, of its mirror image, and of equivalence
SAME = (0.9, 0.9, 0.01)


@pytest.mark.parametrize(
    ("interval", "effect", "effect_interval", "ps", "expected"),
    [
        ((0.1, 0.5), 0.6, (0.3, 0.9), SURE, "supported"),
        ((0.1, 0.5), 0.15, (0.05, 0.3), SURE, "undecided"),  # smaller than what is of interest, but not surely
        ((0.1, 0.5), 0.6, (0.3, 0.9), (0.06, 0.06, 1.0), "undecided"),
        ((-0.1, 0.5), 0.3, (-0.1, 0.5), SURE, "undecided"),
        ((-0.5, -0.1), -0.4, (-0.6, -0.25), SURE, "reversed"),
        ((-0.5, -0.1), -0.4, (-0.6, -0.25), (0.01, 0.06, 1.0), "undecided"),  # each side has its own p
        ((-0.5, -0.1), -0.15, (-0.3, -0.05), SURE, "undecided"),
        ((-0.1, 0.1), 0.0, (-0.19, 0.19), SAME, "negligible"),  # surely smaller, on both sides
        ((-0.1, 0.1), 0.0, (-0.19, 0.19), (0.9, 0.9, 0.06), "undecided"),
        ((-0.5, 0.1), -0.1, (-0.4, 0.19), SAME, "undecided"),  # surely not the paper's way, maybe the other way
        ((0.01, 0.1), 0.1, (0.05, 0.19), (0.001, 0.001, 0.01), "negligible"),  # there, and too small to count
    ],
)
def test_a_directional_claim(interval, effect, effect_interval, ps, expected):
    assert decide(interval, effect, effect_interval, ps, sesoi=0.2, alpha=0.05) == expected


@given(
    st.tuples(*[st.floats(-1, 1)] * 6),
    st.tuples(*[st.floats(0, 1)] * 3),
)
def test_either_side_is_judged_by_the_same_standard(numbers, ps):
    low, effect, high = sorted(numbers[:3])
    least, size, most = sorted(numbers[3:])
    word = decide((low, high), size, (least, most), ps, 0.2, 0.05)
    mirrored = decide((-high, -low), -size, (-most, -least), (ps[1], ps[0], ps[2]), 0.2, 0.05)
    assert mirrored == {"supported": "reversed", "reversed": "supported"}.get(word, word)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (1.0, 1.2, "supported"),
        (1.25, 1.25, "supported"),
        (1.0, 1.3, "undecided"),  # one image misses
        (1.9, 2.5, "undecided"),
        (2.0, 9.0, "reversed"),
    ],
)
def test_limits_ask_every_image(low, high, word):
    assert decide_limits(low, high, {"at_most": 1.25}, {"at_least": 2.0}) == word
    # the mirrored rule, of a claim that wants a large ratio
    assert decide_limits(1 / high, 1 / low, {"at_least": 0.8}, {"at_most": 0.5}) == word


def test_a_limit_itself_is_kept_or_not():
    expected = {"at_least": True, "at_most": True, "below": False, "more_than": False}
    assert set(expected) == set(LIMITS)
    for kind, kept in expected.items():
        assert (decide_limits(0.5, 0.5, {kind: 0.5}, {"below": 0.0}) == "supported") == kept


def test_support_needs_the_further_condition_and_reversal_does_not():
    table = pd.DataFrame({"least": [0.97, 0.97, 0.4, np.nan], "most": [0.97, 0.97, 0.4, np.nan]})
    table["every seed"] = [True, False, False, np.nan]
    thresholds = {"rule": "limits", "supported": {"at_least": 0.95}, "reversed": {"below": 0.5}, "unit": "r"}
    found = judge(table, thresholds | {"needs": "every seed"})["verdict"].tolist()
    assert found == ["supported", "undecided", "reversed", "not run"]
    assert judge(table, thresholds)["verdict"].tolist()[1] == "supported"


POINTS = {"rule": "effect", "sesoi": 5, "unit": "points", "alpha": 0.05}


def block(**numbers):
    """A block that supports a claim in points, but for the numbers given."""
    return {"mean": 6.0, "low": 1, "high": 9, "d_z": 0.1, "d_z low": 0.05, "d_z high": 0.15, "p": 0.03} | numbers


def words(*blocks, **thresholds):
    return judge(pd.DataFrame(blocks), POINTS | thresholds)["verdict"].tolist()


def test_alpha_and_unit_are_those_of_the_claim():
    assert words(block()) == ["supported"]
    assert words(block(), alpha=0.01) == ["undecided"]
    assert words(block(p_equivalence=0.001), unit="d_z", sesoi=0.2) == ["negligible"]


def test_holm_guards_every_word():
    assert words(block(), block()) == ["undecided"] * 2  # 0.03 twice is 0.06
    behind = block(mean=-6.0, low=-9, high=-1)
    assert words(behind) == ["reversed"] and words(behind, behind) == ["undecided"] * 2
    nothing = block(mean=0.5, low=-2, high=3, p=0.9, p_equivalence=0.03)
    assert words(nothing) == ["negligible"] and words(nothing, nothing) == ["undecided"] * 2


def test_what_could_not_tell_is_uninformative():
    tie = block(mean=0.0, low=-6, high=6, p=1.0)
    assert words(tie) == ["undecided"] and words(tie | {"differing": 5}) == ["undecided"]
    assert words(tie | {"differing": 4}) == ["uninformative"]
    # that two sides hardly differ on many images is known, unless they had no room to differ
    same = block(mean=0.0, low=-1, high=1, p=1.0, p_equivalence=1e-6, differing=0)
    assert words(same) == ["negligible"]
    assert words(same | {"uninformative": "a floor"}) == ["uninformative"]
    assert words(block(uninformative="the network answers one class")) == ["uninformative"]


def test_several_effects_have_all_to_be_supported_and_one_can_be_against():
    def two(**change):
        one = {f"{name} {key}": value for name in ("rise", "bend") for key, value in block(d_z=0.5).items()}
        return one | {f"{name} p": 0.01 for name in ("rise", "bend")} | change

    both = {"of": ["rise", "bend"]}
    assert words(two(), **both) == ["supported"]
    assert words(two(**{"bend p": 0.06}), **both) == ["undecided"]
    assert words(two(**{"bend mean": -6.0, "bend low": -9, "bend high": -1}), **both) == ["reversed"]
    # a one-sided test has a p for each side
    behind = {"bend mean": -6.0, "bend low": -9, "bend high": -1, "bend p": 0.99}
    assert words(two(**behind), **both) == ["undecided"]
    assert words(two(**behind, **{"bend p_reversed": 0.01, "rise p_reversed": 0.99}), **both) == ["reversed"]


def test_holm_waits_for_all_blocks():
    table = pd.DataFrame({"mean": [6.0, np.nan], "low": [1.0, np.nan], "high": [9.0, np.nan], "p": [0.03, np.nan]})
    found = judge(table, POINTS)
    assert found["verdict"].tolist() == ["not run"] * 2 and "p (Holm)" not in found


@pytest.mark.parametrize(
    ("of_networks", "verdict"),
    [
        (["supported"], "supported"),
        (["supported", "supported", "undecided"], "supported"),
        (["supported", "undecided"], "undecided"),  # one half is no majority
        (["supported", "supported", "reversed"], "undecided"),  # opposition
        (["reversed", "negligible", "undecided"], "contradicted"),
        (["negligible", "uninformative", "uninformative"], "undecided"),  # what could not tell is no silence
        (["uninformative", "uninformative"], "uninformative"),
        (["supported", "not run"], "not run"),
        (["supported", "not tested"], "not tested"),
        ([], "not run"),
    ],
)
def test_a_majority_without_opposition(of_networks, verdict):
    assert majority(of_networks) == verdict == majority(reversed(of_networks))
    assert combine((str(i), word) for i, word in enumerate(of_networks)) == verdict


def test_a_network_counts_once():
    assert combine([("a", "supported"), ("a", "supported"), ("b", "undecided")]) == "undecided"
    assert combine([("a", "reversed"), ("a", "negligible"), ("b", "reversed")]) == "contradicted"
    assert combine([("a", "supported"), ("a", "undecided"), ("b", "supported"), ("c", "supported")]) == "supported"


def test_a_sentence_falls_with_any_of_its_claims():
    assert of_sentence(["supported", "supported"]) == "supported"
    assert of_sentence(["supported", "undecided", "contradicted"]) == "contradicted"
    assert of_sentence(["supported", "undecided"]) == of_sentence(["supported", "not run"]) == "undecided"
    assert of_sentence(["not run", "not run"]) == of_sentence([]) == "not run"


def test_every_rule_has_its_thresholds():
    assert set(RULES) == set(THRESHOLDS)
