"""PolyCAM against its equations, map by map and layer by layer."""

import pytest
import torch
import torch.nn.functional as F
from callers import Counting, Failing, pyramid, untouched
from oracle import normalize_upsample
from tiny import images, network
from torch import nn

from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.rivals.polycam import PolyCAM, multiplied, resolutions

LAYERS = ("2", "4", "6")  # of pyramid(): 11 x 13, 6 x 7 and 3 x 4


def resized(map_, size):
    return F.interpolate(map_[None, None], size, mode="bilinear", align_corners=False)[0, 0]


def local_mean(map_, grid):
    """Each cell of the coarser grid is the mean of the values that it touches; resized back."""
    (h, w), (rows, columns) = map_.shape, grid
    means = torch.zeros(grid)
    for i in range(rows):
        for j in range(columns):
            top, bottom = i * h // rows, -(-(i + 1) * h // rows)
            left, right = j * w // columns, -(-(j + 1) * w // columns)
            means[i, j] = map_[top:bottom, left:right].mean()
    return resized(means, (h, w))


@torch.no_grad()
def oracle(net, x, c, variant, names=LAYERS):
    """One image x (3, H, W) as printed. Returns its map (H, W)."""

    def p(image):
        return net(image[None].float()).softmax(1)[0, c]

    product = None
    for name in reversed(names):
        kept = []
        handle = net.get_submodule(name).register_forward_hook(lambda _m, _i, output, kept=kept: kept.append(output))
        whole = p(x)
        handle.remove()
        own = torch.zeros(kept[0].shape[2:])
        for map_ in kept[0][0]:
            mask = normalize_upsample(map_, x.shape[1:])
            shown, hidden = p(x * mask), p(x * (1 - mask))
            weight = {"plus": shown, "minus": F.relu(whole - hidden), "plus-minus": F.relu(shown + whole - hidden)}
            own += weight[variant] * map_
        own = F.relu(own)
        if product is None:
            product = own
        else:
            product = resized(product, own.shape) * own / local_mean(own, product.shape).clamp(min=1e-12)
    up = resized(product, x.shape[1:])
    if up.max() == up.min():
        return torch.zeros(x.shape[1:])
    return (up - up.min()) / (up.max() - up.min())


@pytest.mark.parametrize("variant", ["plus", "minus", "plus-minus"])
def test_equals_the_equations(variant):
    net, x = pyramid(inplace=False), images(5)
    e = PolyCAM(net, variant=variant, batch_size=3)(x, torch.arange(5))
    for i in range(len(x)):
        torch.testing.assert_close(e.saliency[i], oracle(net, x[i], e.target[i], variant), rtol=0, atol=1e-3)
    assert e.uniform.sum() < 3


def test_fewer_layers():
    net, x = pyramid(inplace=False), images(1)
    e = PolyCAM(net, n_layers=2)(x)
    torch.testing.assert_close(
        e.saliency[0], oracle(net, x[0], e.target[0], "plus-minus", LAYERS[1:]), rtol=0, atol=1e-3
    )
    shallower = PolyCAM(net, "4")(x)
    expected = oracle(net, x[0], e.target[0], "plus-minus", LAYERS[:2])
    torch.testing.assert_close(shallower.saliency[0], expected, rtol=0, atol=1e-3)
    assert shallower.layer == "4"


@pytest.mark.parametrize(("variant", "each"), [("plus", 1), ("minus", 1), ("plus-minus", 2)])
def test_counts_its_passes_and_names_its_layers(variant, each):
    net = Counting(pyramid(inplace=False))
    e = PolyCAM(net, variant=variant)(images(3))
    found = 3  # one image: the deepest layer, and twice the layers
    assert net.images == found + 3 * e.forward_passes == found + 3 * (3 + each * (4 + 6 + 8))
    assert e.backward_passes == 0 and e.layer == "module.6"
    assert e.notes[0].startswith("layers, deep to shallow: module.6 (8 maps of 3 x 4 (NCHW)), module.4 (6 maps")


def test_layers_of_the_embedded_network():
    spec, net = get_spec("scene_cnn"), load_model("scene_cnn").module
    x = torch.zeros(1, 3, 96, 96)
    assert resolutions(net, spec.layer("paper"), x) == ["stage1", "stage2", "stage4"]


def test_layers_of_a_real_network(data_root):
    net = load_model("squeezenet1_1", data_root=data_root).module
    names = resolutions(net, "features", torch.zeros(1, 3, 224, 224))
    assert len(names) == 4 and names[-1] == "features" and names[0] in ("features.0", "features.1")


def test_local_mean_at_ratio_two_is_two_resizes():
    """As the authors' software has it; here the mean is a mean at other ratios, too."""
    own, deep = torch.rand(1, 8, 6), torch.rand(1, 4, 3)
    there_and_back = resized(resized(own[0], (4, 3)), (8, 6))
    torch.testing.assert_close(multiplied(deep, own)[0], resized(deep[0], (8, 6)) * own[0] / there_and_back)
    assert not multiplied(deep, torch.zeros(1, 8, 6)).any()


def test_a_network_of_one_resolution_is_told_so():
    with pytest.raises(NotApplicable, match=r"no layer before '1' gives maps larger than its 8 x 9"):
        PolyCAM(network())(images())
    spec, net = get_spec("scene_vit"), load_model("scene_vit").module
    for layer in ("paper", "last"):
        with pytest.raises(NotApplicable, match="several resolutions"):
            PolyCAM(net, spec.layer(layer))(torch.zeros(1, 3, 96, 96))


def test_a_batch_is_its_images():
    net, x = pyramid(), images(3)
    together = PolyCAM(net, batch_size=5)(x)
    for i in range(3):
        alone = PolyCAM(net)(x[i : i + 1])
        torch.testing.assert_close(together.saliency[i], alone.saliency[0], rtol=0, atol=1e-4)
        assert together.target[i] == alone.target[0]


def test_leaves_the_model_as_it_was():
    net, x = pyramid(), images()
    with untouched(net):
        e = PolyCAM(net)(x)
    assert not e.output.requires_grad and not e.saliency.requires_grad
    failing = Failing(pyramid(), 6, "raise")
    with untouched(failing), pytest.raises(RuntimeError, match="out of order"):
        PolyCAM(failing, "module.6", batch_size=2)(x)


def test_maps_without_contrast_give_zeros():
    flat = pyramid()
    for layer in (0, 3, 5):
        nn.init.zeros_(flat[layer].weight)
    e = PolyCAM(flat, "6", variant="minus")(images())
    assert e.uniform.all() and not e.saliency.any()
    one = PolyCAM(pyramid(), "7")(images())  # the deepest maps are of one cell, the next ones are not
    assert not one.uniform.any()


def test_one_sentence_for_what_cannot_be_done():
    for after, what in ((2, "NaN"), (3, "masked input")):  # two passes find the layers, one reads the deepest
        with pytest.raises(CluscamError, match=what):
            PolyCAM(Failing(pyramid(), after), "module.6")(images())
    with pytest.raises(UnknownName, match="variant"):
        PolyCAM(network(), variant="both")
    with pytest.raises(UnknownName, match="layer"):
        PolyCAM(network(), "7.conv")
    with pytest.raises(CluscamError, match="'9' gives no maps"):
        PolyCAM(pyramid(), "9")(images())
    for bad in ({"n_layers": 1}, {"batch_size": 0}):
        with pytest.raises(CluscamError, match="expected at least [12]"):
            PolyCAM(network(), **bad)
