"""No tensor of the size d x H x W, K x H x W or B x K x H x W is ever made: memory is bounded by the chunk."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cluscam_lite import ClusCAM

SIZE, CHUNK = 112, 4
CHUNK_ELEMENTS = CHUNK * 3 * SIZE * SIZE
PER_MAP = 12 * 12  # the samples among which a map's extremes lie


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
    """d maps of 7 x 7 and two logits for each of b images, for next to nothing."""

    def __init__(self, d, b=1):
        self.maps = torch.rand(b, d, 7, 7, generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        return self.maps, self.output(x)

    def output(self, x):
        return x[:, :2, 0, 0]


def biggest(d, clustering="kmeans", chunk=CHUNK, k=40, b=1, **settings):
    k = None if clustering == "none" else k
    cam = ClusCAM(ManyMaps(d, b), n_clusters=k, clustering=clustering, batch_size=chunk, **settings)
    x = torch.rand(b, 3, SIZE, SIZE)
    with Biggest() as mode:
        cam(x)
    return mode.elements


@pytest.mark.parametrize("clustering", ["kmeans", "none"])
def test_the_biggest_tensor_is_the_chunk(clustering):
    for d in (64, 512, 1500):
        assert biggest(d, clustering) <= max(CHUNK_ELEMENTS, d * PER_MAP) < d * SIZE * SIZE


@pytest.mark.parametrize("settings", [{}, {"backend": "torch"}, {"space": "raw"}, {"fill": torch.zeros(3, 1, 1)}])
def test_more_groups_take_no_more_memory(settings):
    few, many = (biggest(512, k=k, **settings) for k in (CHUNK, 200))
    assert few == many == CHUNK_ELEMENTS < 200 * SIZE * SIZE


@pytest.mark.parametrize("clustering", ["kmeans", "none"])
def test_more_images_add_themselves_and_no_masks(clustering):
    for b in (1, 3, 6):
        images = b * 3 * SIZE * SIZE
        found = biggest(64, clustering, b=b)
        assert found <= max(CHUNK_ELEMENTS, images, b * 64 * PER_MAP) < b * 40 * SIZE * SIZE


def test_a_larger_chunk_is_what_takes_more():
    assert [biggest(64, chunk=chunk) // (3 * SIZE * SIZE) for chunk in (1, 2, 8, 40)] == [1, 2, 8, 40]


def test_masks_are_not_made_unless_asked_for():
    assert biggest(64, chunk=1) < 40 * SIZE * SIZE
