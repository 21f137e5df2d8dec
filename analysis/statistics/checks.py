"""Checks of samples and options. Each raises CluscamError with one sentence about what is wrong."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from cluscam_lite.errors import CluscamError, unknown

ALTERNATIVES = ("greater", "less", "two-sided")
ROUNDING = 1e-12  # of the largest number: differences no larger are none


def array(values: ArrayLike, name: str, ndim: int = 1) -> np.ndarray:
    """`values` as float64 with `ndim` dimensions, not empty, every entry finite."""
    shape = {1: "one number per image", 2: "a table of numbers with a row per image"}[ndim]
    try:
        checked = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise CluscamError(f"{name} must be {shape}, but holds something that is not a number") from None
    if checked.ndim != ndim:
        raise CluscamError(f"{name} must be {shape}, but its shape is {checked.shape}")
    if not checked.size:
        raise CluscamError(f"{name} is empty; give {shape}")
    if bad := int((~np.isfinite(checked)).sum()):
        nan = int(np.isnan(checked).sum())
        raise CluscamError(
            f"{name} has {bad} values of {checked.size} that are not finite ({nan} NaN, {bad - nan} infinite); "
            "find out why, and leave those images out on purpose"
        )
    return checked


def at_least(least: int, n: int, what: str) -> None:
    """Raise unless there are `least` of `what` (a plural)."""
    if n < least:
        raise CluscamError(f"too few {what}: {n}, but at least {least} are needed")


def same_length(first: int, second: int, what: str) -> None:
    """Raise unless two inputs have as many images."""
    if first != second:
        raise CluscamError(f"{what} have different lengths, {first} and {second}; both need one entry per image")


def differences(x: ArrayLike, y: ArrayLike | None, least: int = 1) -> np.ndarray:
    """x - y, or x itself if `y` is None; (n,) with n at least `least`. What is only rounding is 0."""
    if y is None:
        d = array(x, "the differences")
        largest = np.abs(d).max()
    else:
        x, y = array(x, "x"), array(y, "y")
        same_length(len(x), len(y), "x and y")
        d, largest = x - y, max(np.abs(x).max(), np.abs(y).max())
    at_least(least, len(d), "differences")
    return without_rounding(d, largest)


def without_rounding(d: np.ndarray, largest: float) -> np.ndarray:
    """Differences (n,) of numbers up to `largest`; those that rounding alone can make, 1e-12 of it, are 0."""
    return np.where(np.abs(d) <= ROUNDING * largest, 0.0, d)


def merged(sizes: np.ndarray) -> np.ndarray:
    """Sizes (n,) of which those that only rounding tells apart, by 1e-12 of the largest, are equal: a chain's least."""
    order = np.argsort(sizes, kind="stable")
    ascending = sizes[order]
    begins = np.diff(ascending, prepend=-np.inf) > ROUNDING * (ascending[-1] if len(sizes) else 0.0)
    least = ascending[np.maximum.accumulate(np.where(begins, np.arange(len(sizes)), 0))]
    out = np.empty_like(sizes)
    out[order] = least
    return out


def constant(d: np.ndarray) -> bool:
    """Whether all entries are equal up to rounding. Their standard deviation is then meaningless."""
    return bool(np.ptp(d) <= ROUNDING * np.abs(d).max())


def need_spread(d: np.ndarray, what: str) -> None:
    """Raise if the differences are constant."""
    if constant(d):
        raise CluscamError(
            f"every difference is {d[0]:.6g}, so {what} has no spread to work with; report the value itself"
        )


def booleans(values: ArrayLike, name: str) -> np.ndarray:
    """`values` as a boolean array (n,), not empty. Numbers are refused: the caller chooses the threshold."""
    try:
        checked = np.asarray(values)
    except ValueError:
        checked = np.empty(0, object)
    if checked.size and checked.dtype != np.bool_:
        raise CluscamError(f"{name} must hold booleans (True or False), not {checked.dtype}; compare first")
    if checked.ndim != 1 or not checked.size:
        raise CluscamError(f"{name} must be one boolean per image, but its shape is {checked.shape}")
    return checked


def alternative(name: str) -> str:
    """One of `ALTERNATIVES`."""
    if name not in ALTERNATIVES:
        raise unknown("alternative", name, ALTERNATIVES)
    return name


def between_0_and_1(value: float, name: str) -> float:
    """A confidence level: a number inside (0, 1)."""
    if not isinstance(value, Real) or not 0 < value < 1:
        raise CluscamError(f"{name} must be a number between 0 and 1, not {value!r}")
    return float(value)


def positive(value: float, name: str) -> float:
    """A finite number above 0."""
    if not isinstance(value, Real) or not 0 < value < float("inf"):
        raise CluscamError(f"{name} must be a number above 0, not {value!r}")
    return float(value)


def count(value: int, name: str, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise CluscamError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)
