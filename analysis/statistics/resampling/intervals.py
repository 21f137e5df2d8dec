"""Bootstrap intervals over images, or over groups of them."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics import checks
from cluscam_lite.errors import CluscamError

BATCH = 2_000_000  # resampled values held at once
Statistic = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Interval:
    """A confidence interval: `estimate` from the sample, `low` and `high` at `level` (0-1), over `n` units."""

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str


def bootstrap_interval(
    *samples: ArrayLike,
    statistic: Statistic = np.mean,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    draws: int = 9_999,
    seed: int = 0,
) -> Interval:
    """BCa bootstrap interval of `statistic` (Efron 1987, by scipy).

    Args:
        samples: one or several arrays (n,) of the same images; a resample takes the same images from each.
        statistic: called as statistic(*samples, axis=-1), reduces the last axis, and depends on nothing else.
        groups: (n,) labels. Whole groups are resampled instead of single entries (images that belong together, seeds
            of one image), and `n` of the result counts groups.
        level: confidence, 0-1.
        draws, seed: resamples, and the seed that they depend on.

    If no resample changes the statistic (a constant sample), the interval is that one value, method "constant". Where
    BCa has no answer (all resamples on one side of the estimate, or leaving out any one image changes nothing), the
    percentile interval is returned, and `method` says so. Raises CluscamError for fewer than 2 units, or a statistic
    that is not finite.
    """
    return bootstrap_intervals(*samples, statistics=(statistic,), groups=groups, level=level, draws=draws, seed=seed)[0]


def bootstrap_intervals(
    *samples: ArrayLike,
    statistics: Sequence[Statistic],
    groups: ArrayLike | None = None,
    level: float = 0.95,
    draws: int = 9_999,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """The interval of each of several statistics, as `bootstrap_interval` gives it, from the same resamples."""
    checks.between_0_and_1(level, "level")
    checks.count(draws, "draws", least=100)
    if not samples:
        raise CluscamError("no sample was given; give at least one array with one number per image")
    arrays = [checks.array(sample, f"sample {i}") for i, sample in enumerate(samples, 1)]
    for other in arrays[1:]:
        checks.same_length(len(arrays[0]), len(other), "the samples")
    members = None if groups is None else group_members(groups, len(arrays[0]))
    units = len(arrays[0]) if members is None else len(members)
    checks.at_least(2, units, "images" if members is None else "groups")
    of_group = None if members is None else tuple(index.tobytes() for index in members)
    return _bootstrap(tuple(array.tobytes() for array in arrays), of_group, tuple(statistics), level, draws, seed)


@lru_cache(maxsize=1024)
def _bootstrap(
    samples: tuple[bytes, ...],
    groups: tuple[bytes, ...] | None,
    statistics: tuple[Statistic, ...],
    level: float,
    draws: int,
    seed: int,
) -> tuple[Interval, ...]:
    """The intervals of checked samples (float64) and the positions of groups' entries (intp).

    Cached, since a chapter shows the same comparison in several tables.
    """
    arrays = [np.frombuffer(sample) for sample in samples]
    members = None if groups is None else [np.frombuffer(index, dtype=np.intp) for index in groups]
    units = len(arrays[0]) if members is None else len(members)

    def of_entries(*chosen: np.ndarray, axis: int = -1) -> np.ndarray:
        """All statistics, along a new first axis."""
        return np.stack([statistic(*chosen, axis=axis) for statistic in statistics])

    def of_units(index: np.ndarray, axis: int = -1) -> np.ndarray:
        """All statistics of resampled units; `index` is (..., units), or (units,) where groups are resampled."""
        rows = index if members is None else np.concatenate([members[i] for i in index])
        return of_entries(*(array[rows] for array in arrays), axis=axis)

    estimates = of_units(np.arange(units)).tolist()
    for estimate in estimates:
        if not np.isfinite(estimate):
            raise CluscamError(f"the statistic of the sample is {estimate}; an interval needs a finite one")
    one = len(arrays) == 1 and members is None  # scipy then draws the entries: the same values, faster
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore")  # scipy warns of what is handled below
        result = stats.bootstrap(
            (arrays[0] if one else np.arange(units),),
            of_entries if one else of_units,
            n_resamples=draws,
            batch=max(1, BATCH // units),
            vectorized=members is None,
            confidence_level=level,
            method="BCa",
            random_state=np.random.default_rng(seed),
        )
    found = zip(estimates, result.bootstrap_distribution, *result.confidence_interval, strict=True)
    intervals = []
    for estimate, resampled, bca_low, bca_high in found:
        start, end, method = limits(resampled, bca_low, bca_high, level)
        intervals.append(Interval(estimate, start, end, level, units, method))
    return tuple(intervals)


def group_members(groups: ArrayLike, n: int) -> list[np.ndarray]:
    """The positions of the entries of each group."""
    labels = np.asarray(groups)
    if labels.ndim != 1:
        raise CluscamError(f"groups must be one label per entry, but its shape is {labels.shape}")
    checks.same_length(n, len(labels), "the sample and its groups")
    _, inverse = np.unique(labels, return_inverse=True)
    return [np.flatnonzero(inverse == i) for i in range(inverse.max() + 1)]


def limits(resampled: np.ndarray, low: float, high: float, level: float) -> tuple[float, float, str]:
    """Low and high end and the method, from scipy's resampled values (draws,) and its BCa interval."""
    if not np.isfinite(resampled).all():
        bad = int((~np.isfinite(resampled)).sum())
        raise CluscamError(f"the statistic is not finite in {bad} of {resampled.size} resamples; choose another one")
    if np.ptp(resampled) == 0:
        return float(resampled[0]), float(resampled[0]), "constant"
    if np.isfinite([low, high]).all():
        return float(low), float(high), "BCa bootstrap"
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high), "percentile bootstrap (BCa is undefined)"
