"""The weightings of the ablation, by hand and against the settings of the softmax that they are."""

import math

import pytest
import torch

from cluscam_lite import ClusCAM, load_model
from cluscam_lite.algorithm.weighting import WEIGHTINGS, softmax_weights, weights_by
from cluscam_lite.errors import CluscamError, UnknownName

SCORES = torch.tensor([[-4.0, -1.0, 1.0, -2.0, -torch.inf], [0.5, 0.0, -3.0, 2.0, 1.0]])
VALID = torch.isfinite(SCORES)
R = 0.5


def by(name, **settings):
    return weights_by(name, SCORES, VALID, settings.pop("drop_ratio", R), **settings)


def test_scores_as_weights_keep_their_signs():
    weights, tau = by("logit")
    assert weights[0].tolist() == pytest.approx([-0.5, -0.125, 0.125, -0.25, 0.0])
    assert torch.isnan(tau).all()


def test_scores_above_the_lowest():
    weights, _ = by("logit_shifted")
    assert weights[0].tolist() == pytest.approx([0, 3 / 10, 5 / 10, 2 / 10, 0])


def test_the_limits():
    assert by("best")[0].tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
    assert by("uniform")[0].tolist() == [[0.25, 0.25, 0.25, 0.25, 0], pytest.approx([0.2] * 5)]
    # they are what the softmax tends to
    for name, tau in (("best", 1e-3), ("uniform", 1e6)):
        torch.testing.assert_close(by(name)[0], softmax_weights(SCORES, VALID, 0, tau)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "r", "tau"),
    [("softmax", 0, 1.0), ("dropout_softmax", R, 1.0), ("cluscam", R, 0.7), ("temperature_softmax", 0, 0.7)],
)
def test_the_softmaxes_are_settings_of_r_and_tau(name, r, tau):
    weights, used = by(name, temperature=0.7)
    expected = softmax_weights(SCORES, VALID, r, tau)
    assert torch.equal(weights, expected[0]) and torch.equal(used, expected[1])


def test_without_dropout_the_temperature_of_table_3_stays():
    weights, tau = by("temperature_softmax")
    assert tau.tolist() == pytest.approx([1 / math.log(1 + R * 4), 1 / math.log(1 + R * 5)])  # each image's own K
    for i in range(2):
        scores = SCORES[i : i + 1] / tau[i]
        torch.testing.assert_close(weights[i], torch.softmax(scores[0], 0).float())
    assert torch.isinf(by("temperature_softmax", drop_ratio=0)[1]).all()


def test_all_equal_scores_share_alike():
    zeros, valid = torch.zeros(1, 4), torch.ones(1, 4, dtype=torch.bool)
    assert weights_by("logit_shifted", zeros, valid, R)[0].tolist() == [[0, 0, 0, 0]]  # nothing is above the lowest
    assert weights_by("softmax", zeros, valid, R)[0].tolist() == [[0.25] * 4]


def test_reweigh_takes_every_weighting_and_costs_no_pass():
    loaded = load_model("scene_cnn")
    e = ClusCAM.from_spec("scene_cnn", loaded.module, n_clusters=8)(torch.rand(1, 3, 96, 96))
    for name in WEIGHTINGS:
        again = e.reweigh(weighting=name)
        assert again.scores is e.scores and again.forward_passes == e.forward_passes
        assert again.weights.abs().sum() == pytest.approx(1, abs=1e-5) and again.saliency.amax() == 1
    assert torch.equal(e.reweigh().saliency, e.saliency)


def test_unknown_and_out_of_range():
    with pytest.raises(UnknownName, match="unknown weighting 'sofmax'; nearest: softmax"):
        by("sofmax")
    with pytest.raises(CluscamError, match="expected a fraction"):
        by("logit", drop_ratio=1.0)


def test_reweigh_refuses_what_a_weighting_has_none_of():
    e = ClusCAM(load_model("scene_cnn").module, n_clusters=4)(torch.rand(1, 3, 96, 96))
    with pytest.raises(CluscamError, match="the weighting 'best' takes no temperature; leave it out"):
        e.reweigh(weighting="best", temperature=1.0)
    for name in ("softmax", "logit", "logit_shifted", "uniform", "best"):
        with pytest.raises(CluscamError, match=f"the weighting '{name}' takes no drop_ratio"):
            e.reweigh(weighting=name, drop_ratio=0.5)
    assert torch.equal(e.reweigh(weighting="dropout_softmax", drop_ratio=0.5).weights, e.reweigh(0.5, 1.0).weights)


def test_notes_follow_the_weights():
    e = ClusCAM(load_model("scene_cnn").module, n_clusters=4, drop_ratio=0.0)(torch.rand(1, 3, 96, 96))
    (uniform,) = (note for note in e.notes if note.startswith("weights:"))
    assert "Eq. 10 is infinite when no group is dropped" in uniform
    sharp = e.reweigh(temperature=1.0)
    assert not any(note.startswith("weights:") for note in sharp.notes)
    assert uniform in sharp.reweigh(drop_ratio=0.0).notes
    assert "weights: uniform, as asked for" in sharp.reweigh(weighting="uniform").notes
    assert set(e.notes) - {uniform} <= set(sharp.notes)
