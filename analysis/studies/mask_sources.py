"""Where ClusCAM's K masks may come from: its clusters, other clusterings, and sources that know nothing of clusters.

All are scored and weighed alike, so that only the masks differ. A source that is not a clustering has no labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.statistics.effective_rank import effective_rank
from analysis.studies.explaining import seed_of
from analysis.studies.masks import rolled
from cluscam_lite import Reading
from cluscam_lite.algorithm.clustering import CLUSTERINGS, OWN_NUMBER, coordinates, permuted
from cluscam_lite.algorithm.masks import centroids_of
from cluscam_lite.errors import unknown
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.reading import Groups
from cluscam_lite.rivals.nulls import noise_maps

KMEANS = "kmeans"
SEEDED = (KMEANS, "random")  # those that run under several seeds
OF_KMEANS = (*SEEDED, "rolled", "donor")  # those that begin with the groups of K-Means
NULLS = ("donor", "rolled", "smooth", "channels")
SOURCES = (*CLUSTERINGS, *NULLS)
TITLES = {
    "kmeans": "K-Means++",
    "random": "random partition",
    "none": "no clustering",
    "spectral": "spectral",
    "hdbscan": "HDBSCAN",
    "agglomerative": "agglomerative",
    "donor": "another image's clusters",
    "rolled": "clusters, moved",
    "smooth": "random smooth masks",
    "channels": "K single maps",
}


@dataclass(frozen=True)
class MaskSet:
    """One image's masks before upsampling, `centroids` (K, h, w) in [0, 1]; `labels` (d,) of a clustering."""

    centroids: Tensor
    labels: Tensor | None = None


def masks_of_source(
    source: str,
    reading: Reading,
    n_clusters: int,
    seed: int,
    image_id: str,
    donor: Reading | None = None,
    groups: Groups | None = None,
) -> MaskSet:
    """The masks of one image from a source by name, K of them where the source can choose.

    Clusterings take `seed` as it is, as everywhere; what is random in the other sources depends on the seed and on the
    image. `groups` are what K-Means makes of the image (of the donor, for "donor"), if that is known already. Raises
    UnknownName, and NotApplicable where a clustering finds nothing.
    """
    if groups is None and source in OF_KMEANS:
        groups = (donor if source == "donor" else reading).group(n_clusters, seed=seed)
    if source in NULLS:
        return MaskSet(_null(source, reading, n_clusters, seed, image_id, groups))
    if source not in CLUSTERINGS:
        raise unknown("source of masks", source, SOURCES)
    if source == "random":
        labels = permuted(groups.labels, seed_of("random partition", seed, image_id))
        groups = Groups(*centroids_of(reading.normalized, labels, n_clusters), labels)
    elif source != KMEANS:
        groups = reading.group(None if source in OWN_NUMBER else n_clusters, source, seed=seed)
    return MaskSet(groups.centroids[0][groups.valid[0]], groups.labels[0])


def _null(source: str, reading: Reading, n_clusters: int, seed: int, image_id: str, groups: Groups | None) -> Tensor:
    """Masks (K, h, w) of a source that is not a clustering of this image."""
    if source == "smooth":
        return noise_maps(n_clusters, reading.size, seed_of("smooth", seed, image_id))[0].to(reading.x.device)
    if source == "channels":
        maps = reading.normalized[0]
        order = torch.randperm(len(maps), generator=torch.Generator().manual_seed(seed_of("channels", seed, image_id)))
        return maps[order[:n_clusters]]
    assert groups is not None  # "donor" and "rolled" are of `OF_KMEANS`
    own = groups.centroids[0][groups.valid[0]]
    if source == "donor":
        return own
    return rolled(own, reading.size, seed_of("rolled", seed, image_id))(torch.arange(len(own)))[:, 0]  # full size


def explain_all(reading: Reading, sets: Sequence[MaskSet], drop_ratio: float) -> list[ClusteredExplanation]:
    """ClusCAM's scores, weights (Eq. 10) and map of each image with its masks; the images share passes."""
    most = max(len(masks.centroids) for masks in sets)
    centroids = torch.stack([_padded(masks.centroids, most) for masks in sets]).to(reading.x.device)
    counts = torch.tensor([len(masks.centroids) for masks in sets], device=reading.x.device)
    scores = reading.score(centroids, torch.arange(most, device=counts.device) < counts[:, None])
    found = []
    for i, masks in enumerate(sets):
        n, labels = len(masks.centroids), None if masks.labels is None else masks.labels[None]
        groups = Groups(centroids[i : i + 1, :n], torch.ones(1, n, dtype=torch.bool, device=counts.device), labels)
        found.append(reading.of([i]).explain(groups, scores[i : i + 1, :n], drop_ratio))
    return found


def _padded(centroids: Tensor, n: int) -> Tensor:
    """Masks (K, h, w) with zeros behind them, (n, h, w)."""
    return torch.cat([centroids, centroids.new_zeros(n - len(centroids), *centroids.shape[1:])])


def inertia_share(reading: Reading, labels: Tensor) -> float:
    """Within-cluster sum of squares of the upsampled, normalised maps over their total, 0 to 1; noise left out."""
    points = _points(reading, reading.normalized)[labels >= 0]
    labels = labels[labels >= 0]
    means = torch.zeros(int(labels.max()) + 1, points.shape[1], dtype=points.dtype).index_add_(0, labels, points)
    means /= labels.bincount()[:, None].clamp(min=1)
    total = (points - points.mean(0)).square().sum()
    return float((points - means[labels]).square().sum() / total) if total > 0 else 0.0


def masks_rank(reading: Reading, centroids: Tensor) -> float:
    """How many different masks there are: the effective rank of the masks at full size; `centroids` (K, h, w).

    Between 1 and K; 0 for masks of nothing.
    """
    return effective_rank(_points(reading, centroids[None]))


def _points(reading: Reading, maps: Tensor) -> Tensor:
    """Maps (1, n, h, w) as points (n, p) whose inner products are those of the upsampled maps, float64."""
    maps = maps.double()
    return coordinates(maps, maps, reading.size, "upsampled")[0][0]
