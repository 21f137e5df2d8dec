"""Clusters in h w dimensions are the clusters in H W dimensions."""

import numpy as np
import pytest
import torch
from oracle import brute_force_labels, full_size_maps

from cluscam_lite.algorithm.clustering import cluster, coordinates, inertia, permuted
from cluscam_lite.algorithm.kmeans_torch import kmeans_torch
from cluscam_lite.algorithm.masks import normalized_maps
from cluscam_lite.errors import CluscamError, ClusCAMWarning, UnknownName


def blobs(d=200, h=6, w=5, seed=0, b=1):
    """Rectified smooth random maps (B, d, h, w), some of them equal, as a network's are."""
    g = torch.Generator().manual_seed(seed)
    maps = torch.nn.functional.avg_pool2d(torch.randn(b, d, h + 2, w + 2, generator=g), 3, 1).relu()
    maps[:, :3] = 0
    return maps


def low_dimensional(maps, size, space="upsampled"):
    return coordinates(maps, normalized_maps(maps, size), size, space)


@pytest.mark.parametrize("size", [(48, 40), (6, 5), (31, 5), (4, 3)])  # the last: the maps are shrunk
def test_distances_are_those_of_the_upsampled_maps(size):
    maps = blobs(30).double()
    points, _ = low_dimensional(maps, size)
    full = full_size_maps(maps[0], size).flatten(1)
    between = [torch.cdist(p, p, compute_mode="donot_use_mm_for_euclid_dist") for p in (points[0], full)]
    torch.testing.assert_close(*between, rtol=1e-9, atol=1e-12)
    assert points.shape[-1] == min(size[0], 6) * min(size[1], 5)


@pytest.mark.parametrize("n_clusters", [1, 2, 12, 30])
def test_labels_and_inertia_equal_brute_force(n_clusters):
    for seed in range(4):
        maps = blobs(seed=seed)
        points, tolerance = low_dimensional(maps, (60, 50))
        labels = cluster(points, n_clusters, "kmeans", seed, tolerance, "sklearn")
        full = full_size_maps(maps[0], (60, 50)).flatten(1)
        assert torch.equal(labels[0], brute_force_labels(full, n_clusters, seed))
        torch.testing.assert_close(inertia(points, labels), inertia(full[None], labels), rtol=1e-4, atol=0)


def test_tolerance_stops_where_brute_force_stops():
    # 2,000 points in the plane converge slowly: a tolerance on another scale ends elsewhere
    maps = torch.rand(1, 2000, 1, 2, generator=torch.Generator().manual_seed(3))
    points, tolerance = coordinates(maps, maps, (8, 64), "upsampled")
    full = torch.nn.functional.interpolate(maps.double(), (8, 64), mode="bilinear")[0].flatten(1)
    assert torch.equal(cluster(points, 15, seed=1, tolerance=tolerance)[0], brute_force_labels(full, 15, 1))


def test_raw_space_is_the_flattened_maps():
    maps = blobs()
    points, tolerance = low_dimensional(maps, (60, 50), "raw")
    largest = maps.abs().amax((1, 2, 3))
    power = 2 ** torch.ceil(torch.log2(largest))  # above the largest, so that no square overflows
    assert torch.equal(points * power[:, None, None], maps.flatten(2)) and (points.abs() <= 1).all()
    assert torch.equal(cluster(points, 9, tolerance=tolerance)[0], brute_force_labels(maps[0].flatten(1), 9, 0))


def test_inertia_by_hand():
    points = torch.tensor([[[0.0], [2.0], [10.0], [99.0]]])
    assert inertia(points, torch.tensor([[0, 0, 1, -1]])).tolist() == [2.0]


@pytest.mark.parametrize("n_clusters", [1, 3, 20])
def test_torch_backend_is_as_good_as_the_reference(n_clusters):
    maps = blobs(b=12, d=300)
    points, tolerance = low_dimensional(maps, (60, 50))
    reference = inertia(points, cluster(points, n_clusters, tolerance=tolerance, backend="sklearn")).mean()
    ours = inertia(points, cluster(points, n_clusters, tolerance=tolerance, backend="torch")).mean()
    assert ours <= 1.01 * reference


@pytest.mark.parametrize("backend", ["sklearn", "torch"])
def test_an_image_does_not_depend_on_its_neighbours(backend):
    points, tolerance = low_dimensional(blobs(b=5), (60, 50))
    together = cluster(points, 12, seed=7, tolerance=tolerance, backend=backend)
    alone = torch.cat([cluster(p[None], 12, seed=7, tolerance=tolerance, backend=backend) for p in points])
    assert torch.equal(together, alone)
    assert torch.equal(together, cluster(points, 12, seed=7, tolerance=tolerance, backend=backend))
    assert not torch.equal(together, cluster(points, 12, seed=8, tolerance=tolerance, backend=backend))


@pytest.mark.parametrize("backend", ["sklearn", "torch"])
def test_fewer_distinct_maps_than_clusters_is_said(backend):
    points = torch.tensor([0.0, 0, 1, 1, 5])[None, :, None]
    with pytest.warns(ClusCAMWarning, match="only 3 of 4"):
        labels = cluster(points, 4, backend=backend)[0]
    assert labels[0] == labels[1] != labels[2] == labels[3] != labels[4] and labels.max() == 2


def test_torch_backend_refills_an_empty_cluster():
    # far outliers draw centres to themselves; all K clusters must still be in use
    g = torch.Generator().manual_seed(0)
    points = torch.cat([torch.randn(1, 100, 3, generator=g), 1e4 * torch.randn(1, 5, 3, generator=g)], 1)
    assert len(kmeans_torch(points, 20, 0, 1e-4)[0].unique()) == 20


def test_random_partition_keeps_the_sizes():
    points, tolerance = low_dimensional(blobs(b=2), (60, 50))
    means, random = (cluster(points, 10, c, 3, tolerance) for c in ("kmeans", "random"))
    for a, b in zip(means, random, strict=True):
        assert torch.equal(torch.bincount(a), torch.bincount(b)) and not torch.equal(a, b)
    assert torch.equal(random, permuted(means, 3))


def test_a_function_may_leave_out_noise_and_skip_numbers():
    points = torch.zeros(1, 6, 2)
    labels = cluster(points, 2, lambda p, k, s: np.array([7, -1, 3, 7, -1, 3]))
    assert labels.tolist() == [[1, -1, 0, 1, -1, 0]]


def test_none_is_every_map_by_itself():
    assert cluster(torch.zeros(2, 3, 1), 99, "none").tolist() == [[0, 1, 2]] * 2


@pytest.mark.parametrize("k", [0, -1, 7])
def test_k_out_of_range(k):
    with pytest.raises(CluscamError, match="expected 1 to 6"):
        cluster(torch.rand(1, 6, 2), k)


def test_wrong_names_and_wrong_functions():
    points = torch.rand(1, 6, 2)
    with pytest.raises(UnknownName, match="nearest: kmeans"):
        cluster(points, 2, "kmean")
    with pytest.raises(UnknownName, match="sklearn"):
        cluster(points, 2, backend="sklern")
    with pytest.raises(UnknownName, match="upsampled"):
        coordinates(torch.rand(1, 6, 2, 2), torch.rand(1, 6, 2, 2), (4, 4), "upsample")
    with pytest.raises(CluscamError, match="expected 6 integers"):
        cluster(points, 2, lambda p, k, s: np.zeros(5, int))
