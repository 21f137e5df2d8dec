"""What must hold whatever the scores, maps and groups are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import images, network

from cluscam_lite import ClusCAM, read
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.weighting import WEIGHTINGS, kept_groups, softmax_weights, weights_by
from cluscam_lite.reading import Groups

EIGHTHS = st.integers(-400, 400).map(lambda n: n / 8)  # float32 adds and subtracts them without rounding
SHIFT_MATTERS = ("logit",)  # scores as weights
scores_of = st.lists(EIGHTHS, min_size=1, max_size=12, unique=True).map(lambda row: torch.tensor([row]))
ratios = st.floats(0, 0.99)
temperatures = st.floats(0.05, 20)
K = 6


def every(scores):
    return torch.ones_like(scores, dtype=torch.bool)


class Scaled:
    """A network whose maps are multiplied by a factor on their way out."""

    def __init__(self, factor):
        self.model, self.factor = HookedModel(network(), "1"), factor

    def forward(self, x):
        maps, output = self.model.forward(x)
        return maps * self.factor, output

    def output(self, x):
        return self.model.output(x)


@given(scores_of, EIGHTHS, ratios, temperatures)
def test_shifting_all_scores_changes_no_weight(scores, shift, r, tau):
    assert torch.equal(kept_groups(scores + shift, every(scores), r), kept_groups(scores, every(scores), r))
    for name in (name for name in WEIGHTINGS if name not in SHIFT_MATTERS):
        here, there = (weights_by(name, s, every(scores), r, tau)[0] for s in (scores, scores + shift))
        torch.testing.assert_close(here, there, rtol=1e-5, atol=1e-6)


@given(scores_of, ratios, temperatures, st.randoms(use_true_random=False))
def test_permuting_groups_permutes_weights(scores, r, tau, random):
    order = torch.tensor(random.sample(range(scores.shape[1]), scores.shape[1]))
    for name in WEIGHTINGS:
        weights, used = weights_by(name, scores, every(scores), r, tau)
        moved, again = weights_by(name, scores[:, order], every(scores), r, tau)
        torch.testing.assert_close(moved, weights[:, order], rtol=1e-5, atol=1e-6)
        assert torch.equal(used.nan_to_num(), again.nan_to_num())


@given(scores_of, ratios, st.none() | temperatures)
def test_weights_are_a_share_of_the_kept_groups_that_rises_with_the_score(scores, r, tau):
    weights, _ = softmax_weights(scores, every(scores), r, tau)
    kept = kept_groups(scores, every(scores), r)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-5) and not weights[~kept].any() and weights.min() >= 0
    assert int((~kept).sum()) == min(int(np.floor(r * scores.shape[1] + 1e-9)), scores.shape[1] - 1)
    rising = weights[0, scores[0].argsort()]
    assert (rising.diff() >= 0).all()


@given(scores_of, EIGHTHS, st.integers(0, 4), ratios, temperatures)
def test_groups_that_do_not_exist_change_nothing(scores, other, n, r, tau):
    padded = torch.cat([scores, torch.full((1, n), other)], 1)
    valid = torch.arange(padded.shape[1])[None] < scores.shape[1]
    weights, tau_used = softmax_weights(padded, valid, r, tau)
    alone, tau_alone = softmax_weights(scores, every(scores), r, tau)
    torch.testing.assert_close(weights[:, : scores.shape[1]], alone)
    assert not weights[:, scores.shape[1] :].any() and torch.equal(tau_used, tau_alone)


@settings(max_examples=15, deadline=None)
@given(st.integers(-20, 20), st.integers(0, 99), st.sampled_from(["upsampled", "raw"]))
def test_scaling_the_maps_changes_nothing(power, seed, space):
    """A power of two scales without rounding, so that K-Means takes the very same steps."""
    x = images(1, seed=seed)
    own, scaled = (ClusCAM(Scaled(f), n_clusters=K, space=space)(x) for f in (1, 2.0**power))
    assert torch.equal(scaled.labels, own.labels)
    for name in ("scores", "weights", "saliency"):
        torch.testing.assert_close(getattr(scaled, name), getattr(own, name), rtol=1e-5, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(0, 99))
def test_scaling_the_maps_by_any_factor_changes_no_mask(factor, seed):
    x, labels = images(1, seed=seed), np.arange(24) % K
    own, scaled = (ClusCAM(Scaled(f), n_clusters=K, clustering=lambda p, k, s: labels)(x) for f in (1, factor))
    for name in ("masks", "scores", "saliency"):
        torch.testing.assert_close(getattr(scaled, name), getattr(own, name), rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.floats(-50, 50), st.integers(0, 4), st.integers(0, 99))
def test_shifting_the_logit_changes_nothing(shift, c, seed):
    x, net = images(1, seed=seed), network()
    own = ClusCAM(net, n_clusters=K)(x, c)
    shifted = ClusCAM(net, n_clusters=K)(x, lambda output: output[:, c] + shift)
    torch.testing.assert_close(shifted.scores, own.scores, rtol=0, atol=1e-4)
    torch.testing.assert_close(shifted.saliency, own.saliency, rtol=0, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(K)), st.integers(0, 99), ratios)
def test_permuting_the_groups_of_a_reading_changes_no_map(order, seed, r):
    reading = read(network(), images(2, seed=seed))
    groups = reading.group(K)
    moved = Groups(groups.centroids[:, order], groups.valid[:, order])
    scores, scores_moved = (reading.score(g.centroids, g.valid, batch_size=1) for g in (groups, moved))
    assert torch.equal(scores_moved, scores[:, order])
    own, other = reading.explain(groups, scores, r), reading.explain(moved, scores_moved, r)
    torch.testing.assert_close(other.weights, own.weights[:, order])
    torch.testing.assert_close(other.saliency, own.saliency, rtol=0, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(0, 99), st.sampled_from(["mean", "blur", "black"]))
def test_a_mask_of_ones_scores_0(n, seed, fill):
    reading = read(network(), images(2, seed=seed), maps=False)
    units = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    scores = reading.score(torch.ones(2, n, 3, 4), fill=fill, normalization=units)
    torch.testing.assert_close(scores, torch.zeros(2, n), rtol=0, atol=1e-5)
