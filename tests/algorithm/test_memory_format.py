"""Channels last where a network bears it; networks that flatten with `view` do not, and are explained all the same."""

import pytest
import torch
from tiny import images
from torch import nn

from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.memory_format import Passes
from cluscam_lite.metrics import evaluate
from cluscam_lite.rivals.opticam import OptiCAM


class LeNet(nn.Module):
    """Flattens its last maps with `view`, as many a network of a course does, or with `reshape`."""

    def __init__(self, flatten="view"):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, stride=4), nn.Conv2d(8, 12, 3, padding=1)
            self.fc = nn.Linear(12 * 8 * 8, 5)
        self.flatten = flatten

    def forward(self, x):
        maps = self.conv2(self.conv1(x).relu()).relu()
        return self.fc(getattr(maps, self.flatten)(-1, 12 * 8 * 8))


def test_a_network_that_flattens_with_view_is_explained():
    x = images(2, 32, 32)
    found, expected = (ClusCAM(LeNet(f).eval(), "conv2", n_clusters=4)(x) for f in ("view", "reshape"))
    assert torch.equal(found.labels, expected.labels)
    torch.testing.assert_close(found.scores, expected.scores)
    torch.testing.assert_close(found.saliency, expected.saliency)


def test_its_maps_are_evaluated_and_optimised():
    x, saliency = images(1, 32, 32), torch.rand(32, 32, generator=torch.Generator().manual_seed(1))
    for own, reference in zip(
        *(evaluate(LeNet(f).eval(), x, saliency, 1, ("mean",)) for f in ("view", "reshape")), strict=True
    ):
        assert own["probability_masked"] == pytest.approx(reference["probability_masked"], abs=1e-6)
    found, expected = (OptiCAM(LeNet(f).eval(), "conv2", iterations=3)(x).saliency for f in ("view", "reshape"))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_the_format_is_given_up_once_and_for_all():
    seen = []

    def output(x):
        seen.append(x.is_contiguous())
        return x.view(len(x), -1)

    passes, x = Passes(torch.device("cpu")), images(2)
    assert torch.equal(passes(output, x), x.view(2, -1)) and torch.equal(passes(output, x), x.view(2, -1))
    assert seen == [False, True, True]


def test_other_errors_are_not_taken_for_a_refusal():
    def output(x):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        Passes(torch.device("cpu"))(output, images(1))


def test_convolutions_get_their_channels_last():
    seen = []
    Passes(torch.device("cpu"))(lambda x: seen.append(x.is_contiguous(memory_format=torch.channels_last)), images(2))
    assert seen == [True]
