"""A network with one logit: its probability is the sigmoid, everywhere."""

import pytest
import torch
from staged import stages
from tiny import images, network
from torch import nn

from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.targets import class_probabilities
from cluscam_lite.methods import METHODS
from cluscam_lite.metrics import deletion, evaluate, insertion, log_odds, probabilities
from cluscam_lite.show.report import describe_target, top_classes


class AsTwo(nn.Module):
    """The logits (0, z) of a network with one logit z: the same classifier."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        z = self.module(x)
        return torch.cat([torch.zeros_like(z), z], 1)


def test_the_probability_is_the_sigmoid():
    z = torch.tensor([[-2.0], [0.0], [3.0]])
    zero = torch.zeros(3, dtype=torch.long)
    two = torch.cat([torch.zeros_like(z), z], 1)
    torch.testing.assert_close(probabilities(z, zero), probabilities(two, zero + 1))
    torch.testing.assert_close(log_odds(z, zero), log_odds(two, zero + 1))
    torch.testing.assert_close(class_probabilities(z), z.sigmoid())


def test_measures_are_those_of_the_same_classifier_with_two_logits():
    one, x = network(classes=1), images(1)
    saliency = torch.rand(33, 40, generator=torch.Generator().manual_seed(0))
    for measure in (insertion, deletion):
        area, curve = measure(one, x, saliency, 0, steps=5)
        other, expected = measure(AsTwo(one), x, saliency, 1, steps=5)
        assert area == pytest.approx(other) and 0 < area < 1 and curve.std() > 0
        torch.testing.assert_close(curve, expected)
    found, expected = (evaluate(m, x, saliency, c, fills=("mean",)) for m, c in ((one, 0), (AsTwo(one), 1)))
    for row, same in zip(found, expected, strict=True):
        numbers = {key for key, value in same.items() if not isinstance(value, str)}
        assert {key: row[key] for key in numbers} == pytest.approx({key: same[key] for key in numbers}, rel=1e-4)


@pytest.mark.parametrize("name", [n for n, info in METHODS.items() if info.kind == "rival" and n != "cam"])
def test_every_rival_gives_the_map_of_the_same_classifier_with_two_logits(name):
    info = METHODS[name]
    if info.gradients or name in ("ablationcam", "scorecam"):
        pytest.importorskip("pytorch_grad_cam")
    one, two = stages(classes=1).eval(), AsTwo(stages(classes=1).eval())
    settings = {**info.fixed, **({"iterations": 3} if "iterations" in info.parameters else {})}
    x = images(2)
    found = info.factory(one, layer="4", **settings)(x, 0)
    expected = info.factory(two, layer="module.4", **settings)(x, 1)
    torch.testing.assert_close(found.saliency, expected.saliency, rtol=1e-3, atol=1e-4)
    assert torch.equal(found.uniform, expected.uniform)
    assert not found.uniform.all() or name == "polycam_minus"  # where no map that is hidden takes anything away


def test_shapleycams_other_utility():
    targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
    from cluscam_lite.rivals.gradcam_family import ShapleyCAM, logit_and_log_probability

    x, one = images(2), stages(classes=1).eval()
    found = ShapleyCAM(one, "4", utility="rest")(x, 0).saliency
    torch.testing.assert_close(found, ShapleyCAM(AsTwo(one), "module.4", utility="rest")(x, 1).saliency)
    logits = torch.tensor([0.5, -1.0, 2.0])
    theirs = targets.ClassifierOutputReST(1)
    torch.testing.assert_close(logit_and_log_probability(1)(logits), theirs(logits))


def test_what_is_written_of_it():
    e = ClusCAM(network(classes=1), n_clusters=3)(images(1))
    p = float(e.output[0].double().sigmoid())
    assert f"p = {p:.2f}" in describe_target(e)
    assert top_classes(e.output[0], ("yes",))[0]["probability"] == pytest.approx(p, rel=1e-6)
