"""No tensor of the size d x H x W is ever made: memory is bounded by the chunk."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cluscam_lite import ClusCAM


class Biggest(TorchDispatchMode):
    """Notes the largest number of elements of any tensor that an operation allocates."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor):
                # an expanded view allocates nothing: count what lies behind it
                self.elements = max(self.elements, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


class ManyMaps:
    """d maps of 7 x 7 and two logits, for next to nothing."""

    def __init__(self, d):
        self.maps = torch.rand(1, d, 7, 7, generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        return self.maps, self.output(x)

    def output(self, x):
        return x[:, :2, 0, 0]


def biggest(d, clustering, chunk=4, size=112):
    cam = ClusCAM(ManyMaps(d), n_clusters=40, clustering=clustering, batch_size=chunk)
    x = torch.rand(1, 3, size, size)
    with Biggest() as mode:
        cam(x)
    return mode.elements


@pytest.mark.parametrize("clustering", ["kmeans", "none"])
def test_the_biggest_tensor_is_the_chunk(clustering):
    chunk_elements = 4 * 3 * 112 * 112
    per_map = 12 * 12  # the samples among which a map's extremes lie
    for d in (64, 512, 1500):
        assert biggest(d, clustering) <= max(chunk_elements, d * per_map) < d * 112 * 112


def test_masks_are_not_made_unless_asked_for():
    assert biggest(64, "kmeans", chunk=1) < 40 * 112 * 112
