"""A network in train mode stays as it is: also what computes its weights anew whenever they are read."""

import pytest
import torch
from torch import nn
from torch.nn.utils import spectral_norm as hooked
from torch.nn.utils.parametrizations import spectral_norm as parametrised

from cluscam_lite.methods import METHODS, method

NORMS = {"parametrised": parametrised, "hooked": hooked}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("norm", NORMS)
def test_spectral_norms_do_not_move(norm, name):
    torch.manual_seed(0)
    of = NORMS[norm]
    net = nn.Sequential(
        of(nn.Conv2d(3, 8, 3, 2, 1)), nn.BatchNorm2d(8), nn.ReLU(), of(nn.Conv2d(8, 16, 3, 2, 1)), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), of(nn.Linear(16, 5)),
    )  # fmt: skip
    net(torch.randn(2, 3, 32, 32))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    settings = {"n_clusters": 8} if "n_clusters" in METHODS[name].parameters else {}
    e = method(name, net, layer="4", **settings)(torch.randn(1, 3, 32, 32), 0)
    assert torch.isfinite(e.saliency).all() and net.training
    assert [key for key, value in net.state_dict().items() if not torch.equal(value, before[key])] == []
