"""The brain phantoms as a data set."""

from ...errors import CluscamError, check_known
from ..sample import Sample, Samples, check_count
from .phantom import PARTS, PHANTOM_CLASSES, SIZE, Phantom, phantom_at, phantom_seed, render_phantom

DEFAULT_N = 100


def load_phantoms(part: str = "test", n: int | None = None, seed: int = 0) -> Samples:
    """The first `n` phantoms (default 100) of a part, "train", "validation" or "test", drawn when asked for.

    The grades take turns, and the label is the grade. Raises UnknownName or CluscamError for bad arguments.
    """
    n = DEFAULT_N if n is None else n
    check_known("part", part, PARTS)
    check_count(n)
    phantom_seed(seed, n - 1, part)  # raises for a bad seed
    ids = (f"phantom-{part}-{seed}-{i:05d}" for i in range(n))
    return Samples("phantoms", ids, PHANTOM_CLASSES, phantom_sample)


def phantom_of(image_id: str) -> Phantom:
    """The phantom of an id that `load_phantoms` gave. Raises CluscamError for any other."""
    kind, part, seed, number = [*str(image_id).split("-"), "", "", ""][:4]
    if kind != "phantom" or not seed.isdecimal() or not number.isdecimal():
        raise CluscamError(f"{image_id!r} is not the id of a brain phantom; take one from the ids of the data set")
    return phantom_at(int(number), int(seed), part)


def phantom_sample(image_id: str) -> Sample:
    """The sample of an id that `load_phantoms` gave. Raises CluscamError for any other."""
    phantom = phantom_of(image_id)
    return Sample(image_id, render_phantom(phantom), phantom.grade, (), SIZE, SIZE)
