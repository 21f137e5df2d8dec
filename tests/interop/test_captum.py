"""ClusCAM as an attribution of Captum, against the installed package."""

import matplotlib
import numpy as np
import pytest
import torch
from captum.attr import Attribution
from captum.attr import visualization as viz
from captum.metrics import infidelity, sensitivity_max
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.interop.captum import ClusCAMAttribution
from tests.tiny import images, network

matplotlib.use("agg")
SETTINGS = {"n_clusters": 6}


class Shifted(nn.Module):
    """Takes a number for each image, and a whole one for all."""

    def __init__(self):
        super().__init__()
        self.network = network()

    def forward(self, x, shift, scale=1):
        return self.network(x + scale * shift[:, None, None, None])


def test_every_channel_bears_cluscams_map():
    model, x = network(), images(2)
    found = ClusCAMAttribution(model, "1", **SETTINGS).attribute(x, target=3)
    expected = ClusCAM(model, "1", **SETTINGS)(x, 3).saliency
    assert found.shape == x.shape
    assert torch.equal(found, expected[:, None].expand_as(x))
    (of_tuple,) = ClusCAMAttribution(model, model[1], **SETTINGS).attribute((x,), target=3)
    assert torch.equal(of_tuple, found)


@pytest.mark.parametrize("target", [None, 3, torch.tensor(3), torch.tensor([1, 4]), [1, 4], (2,), [(1,), (4,)]])
def test_targets_as_captum_writes_them(target):
    model, x = network(), images(2)
    found = ClusCAMAttribution(model, "1", **SETTINGS).attribute(x, target=target)[:, 0]
    classes = {
        "None": None, "3": 3, "tensor(3)": 3, "(2,)": 2,
    }.get(str(target), torch.tensor([1, 4]))  # fmt: skip
    assert torch.allclose(found, ClusCAM(model, "1", **SETTINGS)(x, classes).saliency, atol=1e-5)


def test_additional_arguments_go_with_their_image():
    model, x = Shifted().eval(), images(2)
    shift = torch.tensor([0.3, -0.8])
    found = ClusCAMAttribution(model, "network.1", **SETTINGS).attribute(x, 2, additional_forward_args=(shift, 2))
    for i in range(2):
        moved = lambda module, images, i=i: module(images, shift[i].expand(len(images)), 2)  # noqa: E731
        from cluscam_lite import HookedModel

        alone = ClusCAM(HookedModel(model, "network.1", call=moved), **SETTINGS)(x[i : i + 1], 2)
        assert torch.allclose(found[i, 0], alone.saliency[0], atol=1e-6)
    assert not torch.allclose(found[:, 0], ClusCAM(model.network, "1", **SETTINGS)(x, 2).saliency, atol=1e-3)


def test_captums_metrics_and_picture_take_it():
    model, x = network(), images(2)
    method = ClusCAMAttribution(model, "1", **SETTINGS)
    assert isinstance(method, Attribution)
    maps = method.attribute(x, target=1)

    def noise(inputs):
        change = 0.01 * torch.ones_like(inputs)
        return change, inputs - change

    assert torch.isfinite(infidelity(model, noise, x, maps, target=1)).all()
    assert torch.isfinite(sensitivity_max(method.attribute, x, target=1, n_perturb_samples=2)).all()
    picture = np.transpose(maps[0].numpy(), (1, 2, 0))
    figure, _ = viz.visualize_image_attr(picture, np.zeros_like(picture), sign="positive", use_pyplot=False)
    assert figure.axes


def test_mistakes_are_one_sentence():
    with pytest.raises(CluscamError, match="inputs are 2 tensors; expected the images alone"):
        ClusCAMAttribution(network()).attribute((images(1), images(1)))
    with pytest.raises(CluscamError, match="unknown layer 'layer4'"):
        ClusCAMAttribution(network(), "layer4")
    with pytest.raises(CluscamError, match="not part of the model"):
        ClusCAMAttribution(network(), nn.ReLU())


def test_targets_and_arguments_of_another_kind():
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)).eval()
    x = torch.randn(1, 3, 16, 16)
    for target in (torch.tensor(1.7), torch.tensor(True)):
        with pytest.raises(CluscamError, match="target is .*expected a class"):
            ClusCAMAttribution(net, "0", n_clusters=2).attribute(x, target)
    with pytest.raises(CluscamError, match="unknown setting of ClusCAM 'cluster'"):
        ClusCAMAttribution(net, "0", cluster=2)
