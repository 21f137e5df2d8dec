"""Grouping the maps (Section 3.1; Algorithm 1, lines 2 and 3) without making their upsampled versions.

The paper clusters raw h x w maps; its public code clusters maps that were upsampled to H x W and min-max normalised.
Both are offered as `space`. The second costs no more than the first. Upsampling is linear, a -> W_h a W_w^T, so all
upsampled maps lie in a space of h w dimensions. With the QR decomposition W = Q R of each axis, the h w numbers
``R_h a R_w^T`` are coordinates in it: the distance of two maps is that of their H x W versions, and K-Means, which
knows distances alone, finds the same groups.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..errors import CluscamError, ClusCAMWarning, check_known, is_whole, unknown
from .kmeans_torch import kmeans_torch
from .masks import axis_weights, centroids_of, normalized_maps
from .partitions import agglomerative, hdbscan, spectral

SPACES = ("upsampled", "raw")
OTHERS = {"spectral": spectral, "hdbscan": hdbscan, "agglomerative": agglomerative}
CLUSTERINGS = ("kmeans", "random", "none", *OTHERS)
OWN_NUMBER = ("none", "hdbscan")  # of these, whose number of groups is not K
SAME_EVERY_TIME = ("none", "agglomerative", "hdbscan")  # of these, which take no seed
BACKENDS = ("auto", "sklearn", "torch")
N_CLUSTERS = 30
"""K where nobody says how many, and there are as many maps: what Table 3 has for most networks."""
TOLERANCE = 1e-4  # scikit-learn's default, for maps of H x W
Clustering = Callable[[np.ndarray, int, int], np.ndarray]


@lru_cache(maxsize=64)
def axis_factor(source: int, target: int) -> Tensor:
    """R (min(source, target), source) float64 with R^T R = W^T W, so that |R a| = |W a| for every line a."""
    factor: Tensor = torch.linalg.qr(axis_weights(source, target), mode="r").R
    return factor


def coordinates(maps: Tensor, normalized: Tensor, size: tuple[int, int], space: str) -> tuple[Tensor, float]:
    """Points to cluster, and the tolerance that K-Means needs on them (Section 3.1).

    scikit-learn scales its tolerance by the mean variance per dimension, so fewer dimensions ask for a tolerance that
    much smaller.

    Args:
        maps: (B, d, h, w), as the layer gives them.
        normalized: (B, d, h, w), from `normalized_maps`.
        size: (H, W) of the input.
        space: "raw", the flattened maps, divided by a power of two for each image; or "upsampled", p = h w coordinates
            in which Euclidean distances equal those between the H x W upsamplings of the normalised maps.

    Returns:
        Points (B, d, p), and the tolerance.

    Raises:
        UnknownName: another space.
    """
    if space == "raw":
        return of_one_size(maps).flatten(2), TOLERANCE
    if space == "upsampled":
        (h, w), (height, width) = normalized.shape[-2:], size
        points = axis_factor(h, height).to(normalized) @ normalized @ axis_factor(w, width).to(normalized).T
        points = points.flatten(2)
        return points, TOLERANCE * points.shape[-1] / (height * width)
    raise unknown("space", space, SPACES)


def of_one_size(maps: Tensor) -> Tensor:
    """Maps (B, d, h, w) divided by a power of two, one for each image, so that all values are below 1.

    The division is exact, and squares do not overflow.
    """
    exponent = torch.frexp(maps.abs().amax((1, 2, 3), keepdim=True)).exponent
    return torch.ldexp(maps, -exponent.clamp(-126, 126))


def cluster(
    points: Tensor,
    n_clusters: int,
    clustering: str | Clustering = "kmeans",
    seed: int = 0,
    tolerance: float = TOLERANCE,
    backend: str = "auto",
) -> Tensor:
    """The group of each map, each image by itself (Algorithm 1, lines 2 and 3).

    Args:
        points: (B, d, p), from `coordinates`.
        n_clusters: K, 1 to d.
        clustering: "kmeans", K-Means++; "random", the same cluster sizes with members drawn at random; "none", every
            map by itself; "spectral", "hdbscan" and "agglomerative", of `cluscam_lite.algorithm.partitions`; or a
            function ``(points (d, p), K, seed) -> labels (d,)``.
        seed: of whatever is random.
        tolerance: of K-Means.
        backend: of K-Means: "sklearn" (``random_state=seed, n_init=1``; the reference), "torch" (all images of a batch
            at once), or "auto" (torch on an accelerator).

    Returns:
        (B, d) int: 0 to the image's number of clusters - 1, and -1 for noise. Fewer clusters than asked for, where
        maps are equal, give a ClusCAMWarning.

    Raises:
        CluscamError: K out of range.
        UnknownName: no such clustering or backend.
        NotApplicable: HDBSCAN finds nothing.
    """
    b, d, _ = points.shape
    check_known("backend", backend, BACKENDS)
    finds_its_own_number = callable(clustering) or clustering == "hdbscan"
    if callable(clustering) or clustering not in OWN_NUMBER:
        check_n_clusters(n_clusters, d)
    if callable(clustering) or clustering in OTHERS:
        labels = _by_function(points, n_clusters, clustering if callable(clustering) else OTHERS[clustering], seed)
    elif clustering == "none":
        return torch.arange(d, device=points.device).expand(b, d)
    elif clustering in ("kmeans", "random"):
        labels = _kmeans(points, n_clusters, seed, tolerance, backend)
        if clustering == "random":
            labels = permuted(labels, seed)
    else:
        raise unknown("clustering", clustering, CLUSTERINGS)
    labels = torch.stack([_consecutive(row) for row in labels])
    found = labels.amax(1) + 1
    if not finds_its_own_number and (found < n_clusters).any():
        warnings.warn(
            f"only {int(found.min())} of {n_clusters} clusters were found, the other maps being equal to these",
            ClusCAMWarning,
            stacklevel=2,
        )
    return labels


def permuted(labels: Tensor, seed: int) -> Tensor:
    """A random partition with the same sizes: each row of `labels` (B, d) shuffled by the same permutation."""
    order = torch.randperm(labels.shape[1], generator=torch.Generator().manual_seed(seed))
    return labels[:, order.to(labels.device)]


def check_n_clusters(n_clusters: int, n_maps: int) -> None:
    """Raise CluscamError unless 1 <= K <= d."""
    if not is_whole(n_clusters) or not 1 <= n_clusters <= n_maps:
        raise CluscamError(
            f"n_clusters is {n_clusters!r}; expected 1 to {n_maps}, the number of maps of this layer, a whole "
            "number (or clustering='none')"
        )


def check_own_number(n_clusters: int | None, clustering: str | Clustering) -> None:
    """Raise CluscamError for a K that the clustering would not use."""
    if n_clusters is not None and isinstance(clustering, str) and clustering in OWN_NUMBER:
        raise CluscamError(
            f"n_clusters is {n_clusters!r}, but the clustering {clustering!r} has its own number of groups; leave it "
            "out"
        )


def _kmeans(points: Tensor, n_clusters: int, seed: int, tolerance: float, backend: str) -> Tensor:
    if backend == "torch" or (backend == "auto" and points.device.type != "cpu"):
        return kmeans_torch(points, n_clusters, seed, tolerance)
    return _by_function(points, n_clusters, lambda p, k, s: kmeans_sklearn(p, k, s, tolerance), seed)


def kmeans_sklearn(points: np.ndarray, n_clusters: int, seed: int, tolerance: float) -> np.ndarray:
    """Labels (d,) of one image's points (d, p) by scikit-learn's K-Means++."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(n_clusters, random_state=seed, n_init=1, tol=tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal maps: `cluster` says it in our words
        labels: np.ndarray = model.fit(points).labels_
    return labels


def _by_function(points: Tensor, n_clusters: int, function: Clustering, seed: int) -> Tensor:
    """`function` on each image by itself, its answer checked."""
    rows = []
    for image in points.double().cpu().numpy():  # scikit-learn is fastest, and exact, in float64
        labels = np.asarray(function(image, n_clusters, seed))
        if labels.shape != image.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
            raise CluscamError(
                f"the clustering gave {labels.dtype} labels of shape {labels.shape}; expected {len(image)} integers"
            )
        rows.append(torch.from_numpy(labels.astype(np.int64)))
    return torch.stack(rows).to(points.device)


def _consecutive(labels: Tensor) -> Tensor:
    """Relabel (d,) so that the clusters in use are 0, 1, ...; noise stays -1."""
    used, index = torch.unique(labels, return_inverse=True)
    consecutive: Tensor = (index - (used < 0).sum()).clamp(min=-1)
    return consecutive


def inertia(points: Tensor, labels: Tensor) -> Tensor:
    """Sum of squared distances to the clusters' means (B,), noise left out."""
    total = torch.zeros(len(points), dtype=torch.float64)
    for i, (image, groups) in enumerate(zip(points.double().cpu(), labels.cpu(), strict=True)):
        for j in range(int(groups.max()) + 1):
            members = image[groups == j]
            total[i] += (members - members.mean(0)).square().sum()
    return total


def group_maps(
    maps: Tensor,
    size: tuple[int, int],
    n_clusters: int,
    clustering: str | Clustering = "kmeans",
    space: str = "upsampled",
    seed: int = 0,
    backend: str = "auto",
) -> tuple[Tensor, Tensor, Tensor]:
    """Lines 2 to 6 of Algorithm 1: the maps in groups, and each group's mean.

    Args:
        maps: (B, d, h, w), as the layer gives them.
        size: (H, W) of the input.
        n_clusters, clustering, space, seed, backend: as in `cluscam_lite.ClusCAM`.

    Returns:
        Labels (B, d) of `cluster`; centroids (B, K, h, w) and valid (B, K) of `centroids_of`.

    Raises:
        CluscamError: K out of range, or nothing but noise.
    """
    normalized = normalized_maps(maps.float(), size)
    points, tolerance = coordinates(maps.float(), normalized, size, space)
    labels = cluster(points, n_clusters, clustering, seed, tolerance, backend)
    k = int(labels.max()) + 1
    if not callable(clustering) and clustering not in OWN_NUMBER:
        k = n_clusters  # the same K for every image, whatever its neighbours
    if k == 0:
        raise CluscamError("the clustering calls every map noise; expected at least one cluster: try other settings")
    if clustering == "none":  # every map is its own centroid; a membership matrix would be d x d
        return labels, normalized, torch.ones_like(labels, dtype=torch.bool)
    centroids, valid = centroids_of(normalized, labels, k)
    return labels, centroids, valid
