"""Running time: ClusCAM phase by phase, and the forward pass as the unit of every method's cost.

Seconds depend on the machine as much as on the method. A *pass* is one plain forward pass of the same network on the
same image (or batch), timed in the same round; ratios to it hold on other machines, too.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.clustering import cluster, coordinates
from cluscam_lite.algorithm.features import MapsModel
from cluscam_lite.algorithm.masks import centroids_of
from cluscam_lite.algorithm.memory_format import Passes
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.errors import CluscamError
from cluscam_lite.reading import Groups, read

# Fig. 6 has two: K-Means and scoring. "normalise" is what K-Means needs first: min-max, and coordinates (Section 3.1)
PHASES = ("features", "normalise", "clustering", "scoring", "sum")
PASSES_AT_ONCE = 3  # plain passes timed in a round, of which the median is the unit


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that `work` takes, waiting for the accelerator before and after."""
    watch = Stopwatch(device)
    with watch("all"):
        work()
    return watch.seconds["all"]


class Stopwatch:
    """``with watch("scoring"):`` adds the seconds within to `seconds["scoring"]`."""

    def __init__(self, device: torch.device):
        self.device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        self._wait()
        start = time.perf_counter()
        yield
        self._wait()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # kernels are only queued when a call returns


@dataclass(frozen=True)
class Phased:
    """One run of ClusCAM in phases: seconds of each of `PHASES`, and what it found, as `ClusCAM` gives it."""

    seconds: dict[str, float]
    points: Tensor
    """(B, d, p) what was clustered."""
    labels: Tensor
    scores: Tensor
    saliency: Tensor
    output: Tensor

    @property
    def total(self) -> float:
        """Seconds of all phases."""
        return sum(self.seconds.values())


@torch.no_grad()
def phased(cam: ClusCAM, x: Tensor) -> Phased:
    """`cam` on images x (B, 3, H, W) and their top-1 classes, step by step as `ClusCAM.__call__`, each step timed.

    The steps are the same calls in the same order, so the map is the same to the bit. Raises CluscamError for another
    clustering than K-Means, which Fig. 6 is about.
    """
    if cam.clustering != "kmeans":
        raise CluscamError(f"phases are timed for K-Means, and this ClusCAM groups by {cam.clustering!r}")
    size, watch = (x.shape[-2], x.shape[-1]), Stopwatch(x.device)
    with watch("features"):
        reading = read(cam.model, x)
    with watch("normalise"):
        normalized = reading.normalized
        points, tolerance = coordinates(reading.maps.float(), normalized, size, cam.space)
    with watch("clustering"):
        labels = cluster(points, cam.n_clusters, "kmeans", cam.seed, tolerance, cam.backend)
        groups = Groups(*centroids_of(normalized, labels, cam.n_clusters), labels)
    with watch("scoring"):
        scores = reading.score(
            groups.centroids, groups.valid, cam.fill, cam.normalization, cam.batch_size, cam.precision
        )
    with watch("sum"):
        e = reading.explain(groups, scores, cam.drop_ratio, cam.temperature)
    return Phased(watch.seconds, points, labels, scores, e.saliency, reading.output)


def pass_seconds(model: MapsModel, x: Tensor) -> float:
    """The unit: median seconds of a few plain forward passes of x (B, 3, H, W), all B images at once."""
    return statistics.median(timed(lambda: model.output(x), x.device) for _ in range(PASSES_AT_ONCE))


@torch.no_grad()
def plain_passes(model: MapsModel, x: Tensor, n: int, chunk: int | None = None) -> None:
    """One pass of the image x (1, 3, H, W) and n further ones, in ClusCAM's chunks and memory format, without masks."""
    chunk = chunk or default_batch_size(x)
    model.output(x)
    passes = Passes(x.device)
    for start in range(0, n, chunk):
        passes(model.output, x.expand(min(chunk, n - start), -1, -1, -1))


def side_by_side(
    first: Callable[[], object],
    second: Callable[[], object],
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Median seconds of `first` over those of `second`, run in turn `repeats` times after one warm-up round.

    With `time.process_time` as the clock they are seconds of the processor, which other programs disturb less.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for round_ in range(repeats + 1):
        for function, taken in zip((first, second), seconds, strict=True):
            start = clock()
            function()
            if round_:
                taken.append(clock() - start)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])


class FewerMaps:
    """A model that gives only the first `n_maps` of its maps: the same passes, less to cluster."""

    def __init__(self, model: MapsModel, n_maps: int):
        self.model, self.n_maps = model, n_maps

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, n_maps, h, w) and output. Raises CluscamError if the model has not as many."""
        maps, output = self.model.forward(x)
        if maps.shape[1] < self.n_maps:
            raise CluscamError(f"the layer gives {maps.shape[1]} maps; expected at least the {self.n_maps} asked for")
        return maps[:, : self.n_maps], output

    def output(self, x: Tensor) -> Tensor:
        """The output of the whole network."""
        return self.model.output(x)


def resized(x: Tensor, size: int) -> Tensor:
    """The images x (B, 3, H, W) at size x size pixels, bilinear with antialiasing."""
    return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
