"""The clusterings that stand beside K-Means++: they find what is there, and say what they cannot."""

import numpy as np
import pytest
import torch
from oracle import full_size_maps
from sklearn.cluster import HDBSCAN, AgglomerativeClustering
from test_clustering import blobs, low_dimensional

from cluscam_lite import ClusCAM, load_model
from cluscam_lite.algorithm.clustering import CLUSTERINGS, OWN_NUMBER, cluster, group_maps
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.masks import normalized_maps
from cluscam_lite.algorithm.partitions import agglomerative, hdbscan, spectral
from cluscam_lite.errors import CluscamError, ClusCAMWarning, NotApplicable

OTHERS = {"spectral": spectral, "hdbscan": hdbscan, "agglomerative": agglomerative}


def islands(n=15, seed=0):
    """Three groups of n points each, far apart, in shuffled order: points (3 n, 4) and their group (3 n,)."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(3), n))
    return 10.0 * np.eye(4)[group] + rng.normal(scale=0.1, size=(3 * n, 4)), group


def same_partition(a, b):
    return np.array_equal(np.equal.outer(a, a), np.equal.outer(b, b))


@pytest.mark.parametrize("name", OTHERS)
def test_islands_are_found(name):
    points, group = islands()
    assert same_partition(OTHERS[name](points, 3, 0), group)


@pytest.mark.parametrize(
    ("name", "model"), [("agglomerative", AgglomerativeClustering(8)), ("hdbscan", HDBSCAN(2, copy=True))]
)
def test_the_space_of_few_dimensions_gives_the_clusters_of_the_full_maps(name, model):
    maps = blobs(d=120, seed=2)[:, 3:]  # without the equal ones, whose ties either may break
    points, _ = low_dimensional(maps, (48, 40))
    full = full_size_maps(maps[0], (48, 40)).flatten(1).numpy()
    assert same_partition(cluster(points, 8, name)[0].numpy(), model.fit(full.astype(float)).labels_)


def test_spectral_counts_equal_maps_once():
    points, group = islands()
    points = np.concatenate([points, np.zeros((40, 4))])  # forty maps of nothing, between the islands
    labels = spectral(points, 3, 0)
    assert len(set(labels[-40:])) == 1 and same_partition(labels[:-40], group)
    assert len(set(spectral(np.repeat(np.eye(4), 3, axis=0), 8, 0))) == 4  # no more clusters than different maps
    assert set(spectral(points, 1, 0)) == {0}


def test_noise_belongs_to_no_group_and_has_no_part_in_a_mask():
    points, _ = islands()
    points = np.concatenate([points, [[99.0, -99.0, 50.0, 0.0]]])
    labels = cluster(torch.from_numpy(points)[None], 3, "hdbscan")[0]
    assert labels[-1] == -1 and sorted(set(labels.tolist())) == [-1, 0, 1, 2]
    maps = torch.from_numpy(points).float().view(1, len(points), 2, 2)
    found, centroids, valid = group_maps(maps, (8, 8), 3, "hdbscan", space="raw")
    assert valid.all() and (found == -1).any()
    normalized = normalized_maps(maps, (8, 8))
    for j in range(len(centroids[0])):
        torch.testing.assert_close(centroids[0, j], normalized[0, found[0] == j].mean(0))


@pytest.mark.parametrize("points", [np.zeros((1, 3)), np.eye(3) * [[1.0], [10.0], [100.0]]])
def test_hdbscan_that_finds_nothing_says_so(points):
    with pytest.raises(NotApplicable, match=f"no cluster among the {len(points)} maps .* use another clustering"):
        hdbscan(points, 2, 0)


def test_one_map_is_one_cluster_for_those_that_take_k():
    point = torch.zeros(1, 1, 3)
    for name in ("agglomerative", "spectral", "kmeans"):
        assert cluster(point, 1, name).tolist() == [[0]]


@pytest.mark.parametrize("name", ["spectral", "agglomerative"])
def test_k_is_checked_and_fewer_clusters_are_said(name):
    points, _ = islands()
    with pytest.raises(CluscamError, match="n_clusters is 46; expected 1 to 45"):
        cluster(torch.from_numpy(points)[None], 46, name)
    if name == "spectral":
        with pytest.warns(ClusCAMWarning, match="only 1 of 5"):
            cluster(torch.zeros(1, 9, 2), 5, name)


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_every_clustering_explains_a_network_and_the_same_way_twice(name):
    loaded = load_model("scene_cnn")
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    k = {} if name in OWN_NUMBER else {"n_clusters": 6}
    first, again = (ClusCAM.from_spec("scene_cnn", loaded.module, clustering=name, **k)(x) for _ in range(2))
    assert torch.equal(first.labels, again.labels) and torch.equal(first.saliency, again.saliency)
    assert first.saliency.shape == (2, 96, 96) and not first.uniform.any()
    torch.testing.assert_close(first.weights.sum(1), torch.ones(2))
    # an image's clusters do not depend on its neighbours in the batch, whose size may change the last bits of the maps
    maps, _ = HookedModel(loaded.module, loaded.spec.layer("paper")).forward(x)
    together, alone = (group_maps(part, (96, 96), 6, name)[0] for part in (maps, maps[1:]))
    assert torch.equal(together, first.labels) and torch.equal(alone[0], together[1])
