"""Which values the notebooks' parameters may have: a bad one is one sentence, before anything runs."""

import csv
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from cluscam_lite.dataroot import data_root
from cluscam_lite.datasets import OPTIONS, load_dataset
from cluscam_lite.datasets.named import PHOTOGRAPH, SCENE, scene_number
from cluscam_lite.datasets.photographs import JOINED, photograph_credits
from cluscam_lite.errors import CluscamError, check_known

MOST = 2**32 - 1  # the largest seed that NumPy and scikit-learn take
MOST_IMAGES = 1_000_000  # a plan of so many cells still fits into memory, in half a minute


def check_values(given: Mapping[str, Any]) -> None:
    """Raise CluscamError for a value that no notebook can run with, UnknownName with the nearest for a wrong name.

    `given` has values of the right types. A file that is named as the image, and a part of a data set that is read
    from a data root, are checked where they are opened.
    """
    for name, value in given.items():
        if name in CHECKS:
            CHECKS[name](value)
    part, dataset = given.get("part"), given.get("dataset")
    if part and dataset in OPTIONS and "data_root" not in OPTIONS[dataset]:
        load_dataset(dataset, part=part, n=1)


def _number(name: str, least: int, most: int | None = None) -> Callable[[int], None]:
    def check(value: int) -> None:
        if value < least or (most is not None and value > most):
            expected = f"at least {least}" if most is None else f"between {least} and {most}"
            raise CluscamError(f"the parameter {name} is {value}; expected a whole number {expected}")

    return check


def _model(name: str) -> None:
    table = files("cluscam_lite").joinpath("models", "backbones.csv").read_text(encoding="utf-8")
    if any(row["name"] == name for row in csv.DictReader(table.splitlines())):
        return  # found without PyTorch, whose import takes seconds
    from cluscam_lite import get_spec

    get_spec(name)


def _models(names: list[Any]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise CluscamError(f"the parameter models is a list of names of networks, but has {name!r} in it")
        _model(name)


def _image(name: str) -> None:
    if name.startswith(SCENE):
        scene_number(name)
    elif name.startswith(PHOTOGRAPH):
        known = [row["name"] for row in photograph_credits()]
        for one in name.removeprefix(PHOTOGRAPH).split(JOINED):
            check_known("photograph", one, known)


CHECKS: dict[str, Callable[[Any], None]] = {
    "model": _model,
    "image": _image,
    "dataset": lambda name: check_known("data set", name, OPTIONS),
    "models": _models,
    "n_images": _number("n_images", 1, MOST_IMAGES),
    "seed": _number("seed", 0, MOST),
    "data_root": data_root,
}
