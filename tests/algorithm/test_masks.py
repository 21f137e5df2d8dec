"""NormalizeUpsample as a linear map, against the images it stands for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import full_size_maps

from cluscam_lite.algorithm.masks import (
    axis_weights,
    centroids_of,
    extremes,
    masks_of,
    normalized_maps,
    saliency_of,
    upsample,
)

SIZES = [((7, 7), (224, 224)), ((14, 14), (224, 224)), ((56, 56), (224, 224)), ((5, 8), (40, 63)), ((1, 1), (8, 8))]
SIZES += [((1, 6), (32, 96)), ((2, 2), (3, 3)), ((9, 7), (9, 7)), ((30, 20), (17, 11)), ((40, 3), (16, 12))]


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_axis_weights_are_the_upsampling(small, large):
    maps = torch.randn(1, 3, *small, dtype=torch.float64)
    product = axis_weights(small[0], large[0]) @ maps @ axis_weights(small[1], large[1]).T
    torch.testing.assert_close(product, upsample(maps, large))
    torch.testing.assert_close(axis_weights(small[0], large[0]).sum(1), torch.ones(large[0], dtype=torch.float64))


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_extremes_need_no_full_map(small, large):
    maps = torch.randn(2, 20, *small, dtype=torch.float64)
    low, high = extremes(maps, large)
    full = upsample(maps, large).flatten(2)
    torch.testing.assert_close(low, full.amin(2))
    torch.testing.assert_close(high, full.amax(2))
    low, high = extremes(maps.float(), large)  # float32: the upsampling itself rounds by as much
    torch.testing.assert_close(low.double(), full.amin(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(high.double(), full.amax(2), rtol=0, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 12)] * 2), st.tuples(*[st.integers(1, 40)] * 2), st.integers(0, 10**6))
def test_extremes_for_any_sizes(small, large, seed):
    maps = torch.randn(1, 4, *small, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    full = upsample(maps, large).flatten(2)
    low, high = extremes(maps, large)
    torch.testing.assert_close(low, full.amin(2))
    torch.testing.assert_close(high, full.amax(2))


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_normalized_maps_upsample_to_the_oracle(small, large):
    maps = torch.randn(1, 5, *small)
    torch.testing.assert_close(
        upsample(normalized_maps(maps, large), large)[0].double(), full_size_maps(maps[0], large), rtol=0, atol=2e-6
    )


def test_constant_and_nearly_constant_maps_give_zeros():
    maps = torch.stack([torch.zeros(4, 4), torch.full((4, 4), -7.3), torch.full((4, 4), 1e5)])[None]
    maps[0, 2, 0, 0] = 1e5 + 0.01  # below float32 resolution there
    assert torch.equal(normalized_maps(maps, (16, 16)), torch.zeros_like(maps))


def test_normalisation_by_hand():
    # 1 x 2 to 1 x 4: samples 0, .25, .75, 1 of the way
    maps = torch.tensor([[[[2.0, 6.0]]]])
    assert upsample(normalized_maps(maps, (1, 4)), (1, 4)).flatten().tolist() == [0, 0.25, 0.75, 1]


def test_centroids_are_means_and_noise_belongs_nowhere():
    maps = torch.arange(4.0)[None, :, None, None].expand(1, 4, 2, 2)
    centroids, valid = centroids_of(maps, torch.tensor([[0, -1, 2, 2]]), 4)
    assert centroids[0, :, 0, 0].tolist() == [0, 0, 2.5, 0]
    assert valid.tolist() == [[True, False, True, False]]


def test_mean_of_upsampled_is_upsampled_mean():
    maps = normalized_maps(torch.randn(1, 6, 3, 4), (12, 16))
    labels = torch.tensor([[0, 1, 0, 1, 1, 0]])
    masks = masks_of(centroids_of(maps, labels, 2)[0], (12, 16))[0]
    full = upsample(maps, (12, 16))[0]
    for j in range(2):
        torch.testing.assert_close(masks[j], full[labels[0] == j].mean(0), rtol=0, atol=1e-6)


def test_uniform_saliency_is_zero_and_said():
    centroids = torch.stack([torch.rand(1, 2, 3, 3)[0], torch.full((2, 3, 3), 0.4)])
    saliency, uniform = saliency_of(torch.tensor([[0.5, 0.5], [0.9, 0.1]]), centroids, (9, 9))
    assert uniform.tolist() == [False, True]
    assert saliency[1].abs().max() == 0 and saliency[0].min() == 0 and saliency[0].max() == 1
