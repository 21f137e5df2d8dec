"""A layer's output is taken for maps only where it is the image's maps, and as they were when the layer gave them."""

import pytest
import torch
from torch import nn

from cluscam_lite import ClusCAM, CluscamError, read
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.maps.layers import chosen_layer, layers, map_layers
from cluscam_lite.algorithm.maps.layouts import find_layout
from cluscam_lite.methods import METHODS
from cluscam_lite.rivals.groupcam import maps_and_gradients
from cluscam_lite.rivals.head import Head

READERS = ("cluscam", "gradcam", "opticam", "ablationcam", "reciprocam", "groupcam", "scorecam", "layercam", "cam")
SIZES = {"n_clusters": 3, "iterations": 2, "n_groups": 2, "n_layers": None}


def seeded(build):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build().eval()


class Windows(nn.Module):
    """Maps (B, 8, 8, 8), four windows of which are folded into the batch for a layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.inner, self.fc = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x):
        x = self.conv(x).relu()  # (B, 8, 8, 8)
        b = len(x)
        windows = x.view(b, 8, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(4 * b, 16, 8)
        windows = self.inner(windows).view(b, 64, 8)
        return self.fc(windows.mean(1))


class TokensFirst(nn.Module):
    """A transformer layer that is given (N, B, d)."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 8, 8), nn.Linear(8, 5)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, 0.0)

    def forward(self, x):
        return self.fc(self.block(self.conv(x).flatten(2).permute(2, 0, 1)).mean(0))


class Pooled(nn.Module):
    """A pooled vector (B, C, 1), or (B, C, 4), as the deepest layer but one."""

    def __init__(self, channels, bins=1):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, channels, 4, 4), nn.AdaptiveAvgPool1d(bins)
        self.fc = nn.Linear(channels * bins, 5)

    def forward(self, x):
        return self.fc(self.pool(self.conv(x).relu().flatten(2)).flatten(1))


class Flat(nn.Module):
    """Maps laid out as (B, d, h w), as many as there could be tokens."""

    def __init__(self):
        super().__init__()
        self.conv, self.flat, self.fc = nn.Conv2d(3, 16, 4, 4), nn.Flatten(2), nn.Linear(16, 5)

    def forward(self, x):
        return self.fc(self.flat(self.conv(x).relu()).mean(2))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (Windows, "inner"),
        (TokensFirst, "block"),
        (lambda: Pooled(16), "pool"),
        (lambda: Pooled(16, 4), "pool"),
        (Flat, "flat"),
    ],
)
def test_a_layer_of_other_things_is_refused_by_every_method(name, build, layer):
    if name in ("gradcam", "ablationcam", "scorecam", "layercam"):
        pytest.importorskip("pytorch_grad_cam")
    model, info = seeded(build), METHODS[name]
    cam = info.factory(model, layer=layer, **{k: v for k, v in SIZES.items() if k in info.parameters})
    for n in (1, 2, 16):  # 16: as many images as TokensFirst has tokens
        with pytest.raises(CluscamError, match=f"layer {layer!r} gives .*, not maps; layers that would do: conv"):
            cam(torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(n)))


@pytest.mark.parametrize("build", [Windows, TokensFirst, Flat, lambda: Pooled(64), lambda: Pooled(65)])
def test_it_is_neither_chosen_nor_advised(build):
    model, x = seeded(build), torch.rand(2, 3, 32, 32)
    assert map_layers(model, x) == ["conv"] and chosen_layer(model, x)[0] == "conv"
    assert HookedModel(model).forward(x)[0].shape[0] == 2


def test_the_first_axis_and_single_channels():
    assert find_layout(torch.zeros(4, 16, 8), (32, 32), n_images=1) is None
    assert find_layout(torch.zeros(4, 16, 8), (32, 32), n_images=4).grid == (4, 4)
    assert find_layout(torch.zeros(4, 8, 8, 8), (32, 32), n_images=2) is None
    assert find_layout(torch.zeros(1, 64, 1), (32, 32), n_images=1) is None


def test_as_many_images_as_tokens_are_read_as_they_are():
    """(B, N, d) with B = N is what it seems, where a pass of one image says so."""
    model = seeded(lambda: nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.Flatten(2), Transposed(), Head1()))
    x = torch.rand(16, 3, 32, 32)
    maps, _ = HookedModel(model, "2").forward(x)
    torch.testing.assert_close(maps, model[0](x))


class Transposed(nn.Module):
    def forward(self, x):
        return x.mT


class Head1(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(x.mean(1))


def test_own_maps_of_another_number_of_images_are_refused():
    class Mine:
        def forward(self, x):
            return torch.rand(3, 4, 5, 5), torch.rand(len(x), 2)

        def output(self, x):
            return torch.rand(len(x), 2)

    with pytest.raises(CluscamError, match=r"gives maps \(3, 4, 5, 5\) for 2 images; expected \(B, d, h, w\)"):
        ClusCAM(Mine(), n_clusters=2)(torch.rand(2, 3, 8, 8))


# ---- what happens after the layer


def in_place(inplace):
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, 4), nn.ReLU(inplace), nn.Conv2d(6, 8, 3, 2), nn.ReLU(inplace),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
        )
    )  # fmt: skip


@pytest.mark.parametrize("name", [n for n, info in METHODS.items() if info.kind != "trivial"])
def test_an_activation_in_place_after_the_layer_changes_no_map(name):
    if METHODS[name].gradients or name in ("ablationcam", "scorecam"):
        pytest.importorskip("pytorch_grad_cam")
    x, info = torch.randn(2, 3, 33, 33, generator=torch.Generator().manual_seed(0)), METHODS[name]
    settings = {**info.fixed, **{k: v for k, v in SIZES.items() if k in info.parameters}}
    try:
        after, apart = (info.factory(in_place(how), layer="2", **settings)(x) for how in (True, False))
    except CluscamError as error:
        assert "CAM needs a network" in str(error)
        return
    torch.testing.assert_close(after.saliency, apart.saliency)
    assert not any("overwritten" in note for note in after.notes)


def test_the_maps_are_those_that_the_layer_gave():
    x = torch.randn(2, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    expected = in_place(False)[:3](x)
    assert (expected < 0).any()
    torch.testing.assert_close(read(in_place(True), x, layer="2").maps, expected)
    torch.testing.assert_close(maps_and_gradients(HookedModel(in_place(True), "2"), x, None)[0], expected)
    with Head(in_place(True), "2", x) as head:
        torch.testing.assert_close(head.maps, expected)
    with torch.inference_mode():
        torch.testing.assert_close(read(in_place(True), x, layer="2").maps, expected)


def test_the_gradient_is_that_of_the_layer_and_not_of_the_activation():
    x = torch.randn(2, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    (_, one, _), (_, other, _) = (maps_and_gradients(HookedModel(in_place(how), "2"), x, None) for how in (True, False))
    torch.testing.assert_close(one, other)
    assert (one == 0).any()  # where the activation cuts


def test_a_layer_and_what_writes_into_it_are_two_results():
    x = torch.randn(1, 3, 33, 33)
    assert map_layers(in_place(True), x) == map_layers(in_place(False), x) == ["0", "1", "2", "3"]
    with torch.inference_mode():
        assert chosen_layer(in_place(True), x)[0] == "3"
    assert [info.name for info in layers(in_place(True), x)][:4] == ["0", "1", "2", "3"]
