"""Finding the spec of a network by its name: one of the backbones, a network that a training left, or an untrained one.

An untrained network is named "random:NAME" or "random:NAME@SIZE": NAME as it is, but with random weights, and for
inputs of SIZE x SIZE pixels. Rows that such a network made bear that name, so that nobody takes them for NAME's.
"""

import re
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import CluscamError, unknown
from ..files import PathLike, as_path
from .backbones import BACKBONES, model_names
from .elsewhere import elsewhere_spec, is_elsewhere
from .runs import SIZED_TIMM, SIZED_TORCHVISION, RunName, build_for, spec_of_run
from .spec import ModelSpec
from .trained import trained_spec

RANDOM = "random"  # the tier of untrained networks, and how their names begin
UNTRAINED = re.compile(rf"{RANDOM}:(?P<name>.+?)(@(?P<size>\d+))?")


def is_folder(name: PathLike) -> bool:
    """Whether `name` is a folder rather than the name of a backbone."""
    return name not in BACKBONES and as_path(name).is_dir()


def get_spec(name: str) -> ModelSpec:
    """The spec of a network, without its weights.

    Args:
        name: a backbone (`model_names`), the folder of a trained network, the name of a training run,
            "random:NAME@SIZE" of a backbone or run, or a network from elsewhere, such as "timm:NAME"
            (`cluscam_lite.models.elsewhere`).

    Raises:
        UnknownName: no network has that name; the nearest names are given.
        CluscamError: the folder holds no trained network, or a file is named without its function.
    """
    if is_folder(name):
        return trained_spec(name)
    if is_elsewhere(name):
        return elsewhere_spec(name)
    if str(name).endswith(".py"):
        raise CluscamError(f"{name} names no function; give FILE.py:FUNCTION, a function that builds the network")
    found = BACKBONES.get(name) or _untrained(name) or spec_of_run(name)
    if found is None:
        raise unknown("model", name, model_names(), "`cluscam models` lists them all")
    return found


def random_name(name: str, size: int | None = None) -> str:
    """The name of the untrained version of a network."""
    return f"{RANDOM}:{name}" + (f"@{size}" if size else "")


def _untrained(name: str) -> ModelSpec | None:
    """The spec of an untrained network, None for any other name. Raises UnknownName if there is no such network."""
    found = UNTRAINED.fullmatch(str(name))
    if found is None:
        return None
    base = get_spec(found["name"])
    about: dict[str, Any] = {"name": name, "title": f"{base.title} (random weights)", "tier": RANDOM, "in_paper": False}
    about |= {"weights_id": None, "unfused": None, "note": "Random weights: it shows that the code runs, no more."}
    if found["size"]:
        size, run = int(found["size"]), RunName.parse(base.name)
        architecture = base.name if run is None else run.model
        resize = None if base.resize is None else round(base.resize * size / base.input_size)
        about |= {"input_size": size, "resize": resize}
        if architecture in (*SIZED_TIMM, *SIZED_TORCHVISION):
            about["build"] = partial(build_for, architecture, base.library, base.num_classes, size)
    return replace(base, **about)
