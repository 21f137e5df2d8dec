"""The clusterings that Section 4.4 compares with K-Means++, by scikit-learn, in the same exact low-dimensional space.

Each is a function ``(points (d, p) float64, K, seed) -> labels (d,)`` of one image, as `clustering.cluster` takes it.
"""

import warnings

import numpy as np

from ..errors import NotApplicable

NEIGHBOURS = 10  # scikit-learn's default, and the public code's graph
LEAST_MEMBERS = 2  # maps that HDBSCAN calls a cluster, as in the public code


def spectral(points: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """Spectral clustering (von Luxburg 2007) of the graph that joins each map with its ten nearest.

    Maps that are equal, as all that are zero, count as one place of the graph: they would fill each other's lists of
    neighbours, and the graph would fall apart. At most as many clusters as there are different maps.
    """
    from sklearn.cluster import SpectralClustering

    places, where = np.unique(points.round(9), axis=0, return_inverse=True)
    where = where.reshape(-1)
    if n_clusters == 1 or n_clusters >= len(places):
        return np.zeros_like(where) if n_clusters == 1 else where
    model = SpectralClustering(
        n_clusters,
        affinity="nearest_neighbors",
        n_neighbors=min(NEIGHBOURS, len(places)),  # a map is its own first neighbour
        eigen_solver="arpack" if n_clusters < len(places) - 1 else None,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a graph in several parts is a partition all the same
        labels: np.ndarray = model.fit(places).labels_[where]
    return labels


def agglomerative(points: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """Ward's hierarchical clustering, cut at K clusters. Nothing in it is random: `seed` is not used."""
    from sklearn.cluster import AgglomerativeClustering

    if len(points) == 1:
        return np.zeros(1, dtype=np.int64)
    labels: np.ndarray = AgglomerativeClustering(n_clusters, linkage="ward").fit(points).labels_
    return labels


def hdbscan(points: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """HDBSCAN (Campello et al. 2013), clusters of at least two maps.

    It finds the number of clusters itself: `n_clusters` and `seed` are not used. Maps that it calls noise get -1: they
    belong to no group, no mask is made of them, and they have no part in the saliency map, as in the public code.
    Raises NotApplicable if all are noise.
    """
    from sklearn.cluster import HDBSCAN

    if len(points) >= LEAST_MEMBERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # equal maps: a density of 1 / 0
            labels: np.ndarray = HDBSCAN(min_cluster_size=LEAST_MEMBERS, copy=True).fit(points).labels_
        if labels.max() >= 0:
            return labels
    raise NotApplicable(
        f"HDBSCAN finds no cluster among the {len(points)} maps of this image and calls all of them noise; use another "
        "clustering, or a layer with more maps"
    )
