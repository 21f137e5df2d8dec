"""Finding the spec of a network by its name: one of the backbones, or a network that a training left."""

from pathlib import Path

from ..errors import unknown
from ..files import PathLike
from .backbones import BACKBONES, model_names
from .elsewhere import elsewhere_spec, is_elsewhere
from .runs import spec_of_run
from .spec import ModelSpec
from .trained import trained_spec


def is_folder(name: PathLike) -> bool:
    """Whether `name` is a folder rather than the name of a backbone."""
    return name not in BACKBONES and Path(name).expanduser().is_dir()


def get_spec(name: str) -> ModelSpec:
    """The spec of a network, without its weights.

    Args:
        name: a backbone (`model_names`), the folder of a trained network, the name of a training run, or a network
            from elsewhere: ``timm:NAME``, ``torchvision:NAME`` (`cluscam_lite.models.elsewhere`).

    Raises:
        UnknownName: no network has that name; the nearest names are given.
        CluscamError: the folder holds no trained network.
    """
    if is_folder(name):
        return trained_spec(name)
    if is_elsewhere(name):
        return elsewhere_spec(name)
    found = BACKBONES.get(name) or spec_of_run(name)
    if found is None:
        raise unknown("model", name, model_names(), "`cluscam models` lists them all")
    return found
