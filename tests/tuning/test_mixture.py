"""Algorithm 3 by hand, and against EM written out as the textbook has it."""

import math

import numpy as np
import pytest

from analysis.chapters.hyperparameters.mixture_bootstrap import bootstrap_ratios, lower_half
from cluscam_lite.errors import CluscamError, ClusCAMWarning, UnknownName
from cluscam_lite.tuning import drop_ratio, fit_mixture

FIXED = 1e-12  # nothing moves any more


def two_heaps(n=300, share=0.7, gap=4.0, seed=0):
    """Scores of which a share is from the lower of two Gaussians."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(-gap, 1, round(share * n)), rng.normal(0, 1, n - round(share * n))])


def em(scores, lower, steps):
    """Textbook EM, score by score, from a first guess of which are in the lower component; then Algorithm 3, line 8."""
    p = [1.0 if one else 0.0 for one in lower]
    for _ in range(steps + 1):
        parameters = []
        for part in (p, [1 - q for q in p]):
            mass = sum(part)
            mean = sum(q * s for q, s in zip(part, scores, strict=True)) / mass
            variance = sum(q * (s - mean) ** 2 for q, s in zip(part, scores, strict=True)) / mass + 1e-6
            parameters.append((mass / len(scores), mean, variance))
        densities = [
            [w * math.exp(-((s - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v) for w, m, v in parameters]
            for s in scores
        ]
        p = [low / (low + high) for low, high in densities]
    if parameters[0][1] > parameters[1][1]:
        p = [1 - q for q in p]
    return sum(p) / len(p), parameters


def test_two_heaps_apart_are_counted():
    scores = [-10.2, -10.0, -9.9, -9.9, -10.0, -10.1, 0.1, -0.1]
    assert drop_ratio(scores) == pytest.approx(6 / 8, abs=1e-6)
    assert drop_ratio(np.reshape(scores, (2, 4))) == pytest.approx(6 / 8, abs=1e-6)  # N x K, flattened
    assert drop_ratio([-s for s in scores]) == pytest.approx(2 / 8, abs=1e-6)  # salient is the larger mean
    fit = fit_mixture(scores)
    assert fit.means == pytest.approx([-10.0167, 0.0], abs=1e-3) and fit.weights == pytest.approx([0.75, 0.25])
    assert fit.variances == pytest.approx([np.var(scores[:6]), np.var(scores[6:])], abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_against_em_written_out(seed):
    scores = two_heaps(80, gap=3.0, seed=seed)
    r, parameters = em(scores.tolist(), scores < scores.mean(), 400)
    fit = fit_mixture(scores, tolerance=FIXED, max_iterations=20_000)
    assert fit.drop_ratio == pytest.approx(r, abs=1e-4)
    assert sorted(m for _, m, _ in parameters) == pytest.approx(list(fit.means), abs=1e-3)


def test_r_is_the_weight_where_em_stands_still_and_not_before():
    scores = two_heaps(gap=2.5)
    still, early = fit_mixture(scores, tolerance=FIXED), fit_mixture(scores, tolerance=1e-3)
    assert still.drop_ratio == pytest.approx(still.weights[0], abs=1e-6)
    assert abs(early.drop_ratio - early.weights[0]) > 10 * abs(still.drop_ratio - still.weights[0])
    assert early.log_likelihood < still.log_likelihood and early.iterations < still.iterations


def test_densities_are_those_of_the_mixture():
    fit, s = fit_mixture(two_heaps()), np.linspace(-20, 15, 20_001)
    assert np.trapezoid(fit.densities(s), s, axis=0) == pytest.approx(fit.weights, abs=1e-4)
    posterior = fit.densities(two_heaps())
    assert (posterior[:, 0] / posterior.sum(1)).mean() == pytest.approx(fit.drop_ratio, abs=1e-9)


def test_the_same_seed_the_same_r():
    scores = two_heaps(gap=1.0)
    assert drop_ratio(scores, 3) == drop_ratio(scores, 3)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([], "0 scores; expected those of many images"),
        ([1.0], "1 score; expected"),
        ([2.5] * 9, r"all equal \(2.5\)"),
        ([1.0, np.nan, 2.0], "1 of 3 are NaN or infinite"),
        ([1.0, -np.inf, -np.inf], "2 of 3 are NaN or infinite"),
    ],
)
def test_scores_without_a_mixture(scores, words):
    with pytest.raises(CluscamError, match=words):
        drop_ratio(scores)


def test_an_unknown_start_and_too_few_iterations():
    with pytest.raises(UnknownName, match="unknown start 'k-means'; nearest: kmeans"):
        fit_mixture(two_heaps(), start="k-means")
    with pytest.warns(ClusCAMWarning, match="not converged after 2 iterations"):
        fit_mixture(two_heaps(gap=1.0), max_iterations=2)


# the bootstrap's fast path


def test_the_bootstrap_is_scikit_learn_on_the_repeated_scores():
    scores = np.concatenate([two_heaps(60, gap=3.0, seed=1), [3.0, 3.5]])
    weights = np.random.default_rng(0).multinomial(len(scores), np.full(len(scores), 1 / len(scores)), size=12)
    found = bootstrap_ratios(scores, weights, tolerance=FIXED)
    by_sklearn = [drop_ratio_at_rest(np.repeat(scores, w)) for w in weights]
    assert found == pytest.approx(by_sklearn, abs=2e-4)
    assert np.ptp(found) > 0.05


def drop_ratio_at_rest(scores):
    return fit_mixture(scores, tolerance=FIXED, max_iterations=20_000).drop_ratio


def test_the_bootstrap_against_em_written_out():
    scores = two_heaps(40, gap=2.5, seed=4)
    lower = lower_half(scores, np.full((1, 40), 1 / 40))[0]
    assert bootstrap_ratios(scores, np.ones((1, 40)), FIXED)[0] == pytest.approx(em(scores, lower, 600)[0], abs=1e-4)


def test_the_first_guess_is_the_best_two_means():
    rng = np.random.default_rng(2)
    scores, weights = rng.normal(size=15) ** 3, rng.integers(0, 3, (6, 15))
    for w, found in zip(weights, lower_half(scores, weights / weights.sum(1, keepdims=True)), strict=True):
        drawn = np.sort(np.repeat(scores, w))
        within = [i * drawn[:i].var() + (len(drawn) - i) * drawn[i:].var() for i in range(1, len(drawn))]
        ours = [drawn_part for drawn_part in (np.repeat(scores[found], w[found]), np.repeat(scores[~found], w[~found]))]
        assert sum(len(part) * part.var() for part in ours) == pytest.approx(min(within), rel=1e-6)
