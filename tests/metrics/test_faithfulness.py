"""Drop, increase and gain: by hand, as laws, and at their edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import changes, log_odds, probabilities

KEYS = {
    "drop", "increase", "gain", "gain_over_p", "drop_strict", "increase_strict", "gain_strict",
}  # fmt: skip
pairs = st.lists(st.tuples(st.floats(1e-12, 1), st.floats(0, 1)), min_size=1, max_size=20)


def test_by_hand():
    found = changes([0.8, 0.5, 0.25, 0.9], [0.6, 0.75, 0.25, 0.0])
    assert set(found) == KEYS
    for key, expected in {
        "drop": [25, 0, 0, 100],
        "increase": [0, 100, 0, 0],
        "gain": [0, 50, 0, 0],
        "gain_over_p": [0, 50, 0, 0],
        "drop_strict": [25, 0, 0, 100],
        "increase_strict": [0, 100, 0, 0],
        "gain_strict": [0, 50, 0, 0],
    }.items():
        np.testing.assert_allclose(found[key], expected, rtol=1e-12, err_msg=key)
    # the public code's gain divides by p: 0.1 -> 0.9 is 800 percent there, 89 by Eq. 13
    found = changes(0.1, 0.9)
    assert found["gain_over_p"] == pytest.approx(800) and found["gain"] == pytest.approx(100 * 8 / 9)


@given(pairs, st.sampled_from([0.0, 1e-6, 0.1]))
def test_laws(values, tolerance):
    p, o = np.array(values).T
    found = changes(p, o, tolerance)
    assert all(np.isfinite(v).all() and v.min() >= 0 and v.dtype == np.float64 for v in found.values())
    for end in ("", "_strict"):
        drop, increase, gain = (found[f"{key}{end}"] for key in ("drop", "increase", "gain"))
        assert (gain <= increase).all() and not ((drop > 0) & (increase > 0)).any() and drop.max() <= 100
        assert set(increase) <= {0, 100}
    assert (found["drop"] <= found["drop_strict"]).all() and (found["gain"] <= found["gain_strict"]).all()


@given(pairs)
def test_equals_the_equations(values):
    p, o = np.array(values).T
    found = changes(p, o)
    for i, (a, b) in enumerate(values):
        same = abs(a - b) <= 1e-6
        assert found["drop"][i] == pytest.approx(0 if same else 100 * max(0, a - b) / a)
        assert found["increase"][i] == (0 if same else 100 * (b > a))
        assert found["gain"][i] == pytest.approx(0 if same or a == 1 else 100 * max(0, b - a) / (1 - a))
        assert found["gain_over_p"][i] == pytest.approx(0 if same else 100 * max(0, b - a) / a)


def test_what_another_batch_shape_does_is_no_change():
    p = np.array([0.5, 0.5, 0.999999])
    found = changes(p, p + [5e-7, -5e-7, 5e-7])
    assert not any(found[key].any() for key in ("drop", "increase", "gain", "gain_over_p"))
    assert found["increase_strict"].tolist() == [100, 0, 100] and found["drop_strict"][1] > 0
    assert found["gain_strict"][2] == pytest.approx(50, rel=1e-4)  # half of what was left


def test_certainty_leaves_no_room():
    found = changes([1.0, 1.0], [1.0, 0.4])
    assert found["gain"].tolist() == [0, 0] == found["gain_strict"].tolist()
    np.testing.assert_allclose(found["drop"], [0, 60])


@pytest.mark.parametrize(
    ("p", "o", "word"),
    [
        ([0.0, 0.5], [0.1, 0.5], "p is 0"),
        ([math.nan], [0.5], "p contains NaN"),
        ([0.5], [math.nan], "o contains NaN"),
        ([0.5], [1.2], "from 0 to 1"),
        ([55.0], [0.5], "percentages"),
        ([-0.1], [0.5], "from 0 to 1"),
        ([0.5, 0.5], [0.5], "one for each"),
    ],
)
def test_what_is_no_probability_is_refused(p, o, word):
    with pytest.raises(CluscamError, match=word) as error:
        changes(p, o)
    assert "\n" not in str(error.value)


def test_log_odds_are_those_of_the_probability():
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 2, 3, 4, 0])
    for i, (row, c) in enumerate(zip(logits.tolist(), target.tolist(), strict=True)):
        p = math.exp(row[c]) / sum(map(math.exp, row))
        assert float(log_odds(logits, target)[i]) == pytest.approx(math.log(p / (1 - p)))
        assert float(probabilities(logits, target)[i]) == pytest.approx(p)


def test_log_odds_where_the_probability_rounds():
    # one against two equal others: 100 - log 2, although p is 1 in any float
    found = log_odds(torch.tensor([[100.0, 0, 0], [-100.0, 0, 0]]), torch.tensor([0, 0]))
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([100 - math.log(2), -100 - math.log(2)], abs=1e-12)


@pytest.mark.parametrize("logits", [torch.ones(2, 0), torch.ones(3), torch.tensor([[1.0, math.nan]])])
def test_log_odds_need_finite_logits(logits):
    with pytest.raises(CluscamError, match="at least one class"):
        log_odds(logits, torch.zeros(len(logits), dtype=torch.long))
