"""The grid of a layer's output on images of any shape."""

import pytest
import torch
from anyone import pooled
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.maps.layouts import Layout, Stated, find_layout, stated_by


@pytest.mark.parametrize(
    ("shape", "size", "stated", "expected"),
    [
        ((1, 64, 4, 13), (100, 400), Stated(), Layout("NCHW", (4, 13), 64)),  # a stride of 32, rounded up
        ((1, 16 * 30 + 1, 8), (270, 480), Stated(1), Layout("tokens", (16, 30), 8, 1)),  # patches of 16, rounded down
        ((1, 14 * 28 + 1, 8), (224, 224), Stated(1, (16, 8)), Layout("tokens", (14, 28), 8, 1)),
        ((1, 14 * 28 + 1, 8), (224, 224), Stated(1), None),  # no one stride
        ((1, 150, 64), (224, 224), Stated(1), None),  # 12 x 12 and six tokens, but the network says one
        ((1, 196, 64), (224, 224), Stated(1, (16, 16)), Layout("tokens", (14, 14), 64)),  # the class token comes later
        ((1, 1, 2, 8), (224, 224), Stated(), None),  # a square has no grid of 1 x 2
        ((1, 8, 2, 3), (64, 70), Stated(), Layout("NCHW", (2, 3), 8)),
        ((1, 8, 3, 2), (64, 70), Stated(), None),  # the longer side has no fewer cells
    ],
)
def test_one_stride_explains_both_axes(shape, size, stated, expected):
    assert find_layout(torch.zeros(shape), size, stated) == expected


def test_grids_of_random_sizes():
    """Strides of 8 to 32 on images of any shape: no grid of a convolution is refused, few of tokens are mistaken."""
    draw = torch.Generator().manual_seed(0)
    numbers = torch.randint(64, 1000, (3000, 2), generator=draw).tolist()
    strides = torch.tensor([8, 14, 16, 32])[torch.randint(4, (3000,), generator=draw)].tolist()
    refused = mistaken = 0
    for (height, width), stride in zip(numbers, strides, strict=True):
        up, down = (-(-height // stride), -(-width // stride)), (height // stride, width // stride)
        refused += find_layout(torch.empty(1, 1, *up, device="meta"), (height, width)) is None
        found = find_layout(torch.empty(1, 1 + down[0] * down[1], 8, device="meta"), (height, width), Stated(1))
        mistaken += found is not None and found.grid != down
        told = find_layout(
            torch.empty(1, 1 + down[0] * down[1], 8, device="meta"), (height, width), Stated(1, (stride, stride))
        )
        assert told is not None and told.grid == down
    assert refused == 0 and mistaken < 0.03 * len(numbers)


def test_what_networks_say_of_their_tokens():
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_vit", img_size=(160, 320))
    assert stated_by(model) == stated_by(nn.DataParallel(model)) == Stated(1, (16, 16))
    maps, _ = HookedModel(model.eval()).forward(torch.rand(1, 3, 160, 320))
    assert maps.shape[2:] == (10, 20)
    assert stated_by(pooled(nn.Conv2d(3, 8, 4, 4))) == Stated()
