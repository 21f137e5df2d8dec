"""A folder that `train` made, as a network to be explained."""

import os
from pathlib import Path
from typing import Any

from analysis.chapters.alzheimer.training.card import WEIGHTS, read_card
from analysis.chapters.alzheimer.training.networks import spec_for
from analysis.chapters.alzheimer.training.recipe import Recipe, recipe_of
from analysis.chapters.alzheimer.training.slices import class_names_of
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import sha256
from cluscam_lite.models import LoadedModel, ModelSpec, load_model


def load_trained(folder: str | os.PathLike, model: str | None = None) -> LoadedModel:
    """The trained network in `folder`, in eval mode, with its spec (classes, size, layers, K and r).

    `model`, if given, is the architecture that is expected. Raises CluscamError if the folder holds no trained
    network, one of another architecture, or weights that are not those of its card.
    """
    folder = Path(folder).expanduser()
    card = read_card(folder)
    if model is not None and card["model"] != model:
        raise CluscamError(f"{folder} holds a {card['model']}, not a {model}; give the folder of that network")
    spec, path = _spec(card), folder / WEIGHTS
    loaded = load_model(spec, weights=path)  # refuses tensors of another architecture
    if sha256(path) != card["sha256"]:
        raise CluscamError(f"the weights in {folder} are not those of its card; train the network again")
    return LoadedModel(spec, loaded.module, f"trained ({card['name']})", card["sha256"])


def trained_spec(folder: str | os.PathLike) -> ModelSpec:
    """The spec of the trained network in `folder`, without its weights. Raises CluscamError if it holds none."""
    return _spec(read_card(Path(folder).expanduser()))


def spec_of_run(name: str) -> ModelSpec | None:
    """The spec of a run by its name alone ("resnet18-alzheimer_mri-128-s0"), None if it is no such name.

    So rows of a study tell of their network also where its weights are not.
    """
    recipe = recipe_of(name)
    return None if recipe is None else spec_for(recipe, class_names_of(recipe))


def _spec(card: dict[str, Any]) -> ModelSpec:
    return spec_for(Recipe(**card["recipe"]), tuple(card["classes"]))
