"""Networks in eight bits: maps are the floats that the integers stand for; what is put in their place is rounded."""

import warnings

import pytest
import torch
from torch import nn

from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.maps.layers import map_layers
from cluscam_lite.algorithm.maps.parts import maps_in, with_maps
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import method
from cluscam_lite.rivals.head import Head

quantization = torch.ao.quantization
SIZE = 32


@pytest.fixture(scope="module")
def eight_bits():
    """A small network of quantised modules, quantised by what it said of two images."""
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU()), nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())]
    net = nn.Sequential(quantization.QuantStub(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))
    net = nn.Sequential(*net, quantization.DeQuantStub()).eval()
    engine = torch.backends.quantized.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch moves this to another package
        net.qconfig = quantization.get_default_qconfig(engine)
        quantization.prepare(net, inplace=True)
        net(torch.randn(2, 3, SIZE, SIZE))
        return quantization.convert(net)


@pytest.fixture
def x():
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def test_the_maps_are_the_floats_that_the_integers_stand_for(eight_bits, x):
    assert eight_bits[:3](x).is_quantized
    maps, logits = HookedModel(eight_bits).forward(x)
    assert torch.equal(maps, eight_bits[:3](x).dequantize()) and torch.equal(logits, eight_bits(x))
    assert map_layers(eight_bits, x)[-1] == "2"


def test_cluscam_is_that_of_an_object_which_does_it_by_hand(eight_bits, x):
    class ByHand:
        def forward(self, x):
            return eight_bits[:3](x).dequantize(), eight_bits(x)

        def output(self, x):
            return eight_bits(x)

    settings = {"n_clusters": 4, "seed": 0}
    e, expected = ClusCAM(eight_bits, **settings)(x), ClusCAM(ByHand(), **settings)(x)
    assert torch.equal(e.saliency, expected.saliency) and torch.equal(e.labels, expected.labels)


def test_other_maps_are_put_in_their_place_rounded_to_the_layers_scale(eight_bits, x):
    before, rest = eight_bits[:3](x), eight_bits[3:]
    with Head(eight_bits, "2", x) as head:
        maps = head.maps.flip(1) / 2
        quantised = torch.quantize_per_tensor(maps, before.q_scale(), before.q_zero_point(), before.dtype)
        assert torch.equal(head.run(maps, torch.arange(2)), rest(quantised))


@pytest.mark.parametrize("name", ["scorecam", "ablationcam", "groupcam", "gradcam", "opticam", "layercam"])
def test_other_methods_give_maps_or_say_that_there_is_no_gradient(eight_bits, x, name):
    try:
        e = method(name, eight_bits, layer="2", mean=(0, 0, 0), std=(1, 1, 1))(x[:1])
    except NotApplicable as error:
        assert "gradients" in str(error) and name not in ("scorecam", "ablationcam")
    else:
        assert e.saliency.isfinite().all() and e.saliency.max() == 1


def test_what_is_put_back_has_the_scale_of_what_was_there():
    there = torch.quantize_per_tensor(torch.rand(1, 2, 3, 3), 0.1, 10, torch.quint8)
    back = with_maps((there, "more"), maps_in((there, "more")) * 2)
    assert back[1] == "more" and back[0].q_scale() == there.q_scale() and back[0].q_zero_point() == 10
    torch.testing.assert_close(back[0].dequantize(), there.dequantize() * 2, atol=0.051, rtol=0)
