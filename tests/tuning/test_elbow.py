"""Algorithm 2 by hand, and against its printed pseudo-code followed word by word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.tuning import check_grid, curvature, elbow, proxy, slopes


def algorithm_2(sizes, p, better=lambda a, b: a > b):
    """The printed pseudo-code, 1-based; S(K_2), which it uses and does not define, by lines 6 to 11 for j = 2."""
    m = len(sizes)
    k, p = [None, *sizes], [None, *p]
    delta_p, delta_k, s, c = {}, {}, {}, {}
    for j in range(2, m + 1):  # printed: 3 to M
        delta_p[j] = p[j] - p[j - 1]
        delta_k[j] = k[j] - k[j - 1]
        s[j] = delta_p[j] / delta_k[j]
        if j >= 3:
            c[j] = (s[j] - s[j - 1]) / delta_k[j]
    best = 3
    for j in range(3, m + 1):
        if better(c[j], c[best]):
            best = j
    return k[best], s, c


curve = st.lists(st.tuples(st.integers(1, 30), st.integers(-1000, 1000)), min_size=3, max_size=9)


@given(curve)
def test_the_algorithm_is_its_pseudo_code(steps):
    sizes = np.cumsum([step for step, _ in steps]).tolist()
    p = [value / 64 for _, value in steps]
    argmax, s, c = algorithm_2(sizes, p)
    argmin, _, _ = algorithm_2(sizes, p, lambda a, b: a < b)
    assert slopes(sizes, p).tolist() == list(s.values()) and curvature(sizes, p).tolist() == list(c.values())
    assert (elbow(sizes, p), elbow(sizes, p, "argmin")) == (argmax, argmin)


def test_by_hand():
    # slopes (4 - 0) / 5, (6 - 4) / 5, (7 - 6) / 10, (9 - 7) / 10; curvatures -0.4 / 5, -0.3 / 10, 0.1 / 10
    grid, p = (5, 10, 15, 25, 35), [0.0, 4.0, 6.0, 7.0, 9.0]
    assert slopes(grid, p) == pytest.approx([0.8, 0.4, 0.1, 0.2])
    assert curvature(grid, p) == pytest.approx([-0.08, -0.03, 0.01])
    assert elbow(grid, p) == 35 and elbow(grid, p, "argmin") == 15


def test_a_saturating_curve_has_its_elbow_at_the_argmin_and_the_printed_rule_takes_the_last():
    grid = (5, 10, 15, 20, 25, 30)
    p = 1 - np.exp(-np.asarray(grid) / 8)
    assert (curvature(grid, p) < 0).all()
    assert elbow(grid, p, "argmin") == 15 and elbow(grid, p, "argmax") == 30


def test_the_candidate_after_the_bend_is_named():
    assert elbow((5, 10, 15, 20, 30, 40, 50), [5, 10, 15, 20, 30, 30, 30], "argmin") == 40


def test_many_curves_at_once_and_ties():
    grid, rng = (3, 5, 9, 10, 20), np.random.default_rng(0)
    p = rng.normal(size=(4, 6, 5))
    for rule in ("argmax", "argmin"):
        one_by_one = [[elbow(grid, row, rule) for row in rows] for rows in p]
        assert elbow(grid, p, rule).tolist() == one_by_one
    assert elbow(grid, [1, 1, 1, 1, 1]) == elbow(grid, [1, 1, 1, 1, 1], "argmin") == 9  # of equals the first


def test_the_choice_does_not_heed_offset_or_scale():
    grid, p = (3, 5, 9, 10, 20), np.random.default_rng(1).normal(size=(50, 5))
    assert (elbow(grid, 3 * p - 7) == elbow(grid, p)).all() and (elbow(grid, -p) == elbow(grid, p, "argmin")).all()


def test_the_proxy_is_equation_8():
    images = [[1.0, 2.0, 3.0], [-3.0, 0.0, 0.0]]
    assert proxy(images) == pytest.approx(sum(map(sum, images)) / (3 * 2))
    assert proxy([[1.0, 3.0], [5.0]]) == pytest.approx((2 + 5) / 2)  # an image with fewer groups counts as much


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ((5, 10), "5 10; expected at least 3 sizes"),
        ((), "nothing; expected at least 3"),
        ((5, 20, 10), "5 20 10; expected strictly ascending"),
        ((5, 10, 10, 20), "strictly ascending"),
        ((0, 5, 10), "at least 1"),
        ((5, 7.5, 10), "whole numbers"),
        ((True, 5, 10), "whole numbers"),
    ],
)
def test_a_bad_grid(grid, words):
    for call in (check_grid, lambda g: slopes(g, np.zeros(len(g))), lambda g: elbow(g, np.zeros(len(g)))):
        with pytest.raises(CluscamError, match=words):
            call(grid)


def test_bad_values():
    with pytest.raises(CluscamError, match="3 candidate sizes but values of shape"):
        elbow((1, 2, 3), [1.0, 2.0])
    with pytest.raises(CluscamError, match="NaN or infinite"):
        elbow((1, 2, 3), [1.0, np.nan, 2.0])
    with pytest.raises(UnknownName, match="unknown rule 'argmim'; nearest: argmin"):
        elbow((1, 2, 3), [1.0, 2.0, 3.0], "argmim")
    with pytest.raises(CluscamError, match="at least one image"):
        proxy([])
    with pytest.raises(CluscamError, match="at least one group"):
        proxy([[1.0], []])
    with pytest.raises(CluscamError, match="one is NaN or infinite"):
        proxy([[1.0, -np.inf]])
