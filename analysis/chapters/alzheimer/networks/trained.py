"""The networks that the study of the Alzheimer slices explains: trained by `cluscam train`, or shipped for phantoms."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.chapters.alzheimer.networks.training.recipe import Recipe, recipe_of
from analysis.paths import REFERENCE, ROOT
from cluscam_lite import get_spec, load_model
from cluscam_lite.device import placed
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import LoadedModel, ModelSpec
from cluscam_lite.models.registry import RANDOM
from cluscam_lite.models.trained import CARD, load_trained, read_card
from cluscam_lite.models.weights import has_weights

TRAINED = ROOT / "out" / "train"  # a folder for each run, under any name
CARDS = REFERENCE / "alzheimer" / "cards"  # NAME.json: cards of the reference run, without weights

# of `cluscam train`, by the recipe's names
OPTIONS = ("dataset", "size", "labels", "split", "seed", "start", "epochs", "images", "batch_size", "learning_rate")


class NotTrained(CluscamError):
    """The network is neither a run of `out/train` nor among a data root's weights."""


@lru_cache(maxsize=2)
def network(name: str) -> LoadedModel:
    """A network by its name, in eval mode, on the GPU if there is one.

    The network of a run comes from `out/train`, or else from the weights of a data root. Raises NotTrained, with the
    command that trains it, if it is in neither.
    """
    recipe = recipe_of(name)
    folder = folder_of(name) if recipe is not None else None
    if folder is not None:
        found = load_trained(folder, recipe.model)
    else:
        try:
            found = load_model(name)
        except CluscamError as error:
            if recipe is None:
                raise
            raise NotTrained(
                f"the network {name} has not been trained here; train it with `{command(name)}`, or put its weights as "
                f"{name}.safetensors into weights/ of a data root"
            ) from error
    placed(found.module)
    return found


def known(name: str) -> bool:
    """Whether the network of a run is here, or the card of the reference run tells its weights."""
    return folder_of(name) is not None or reference_card(name) is not None or has_weights(name)


def weights_of(name: str) -> str | None:
    """The hash of a network's weights, None for random ones. A study can so plan its cells before all are trained.

    For a network that is neither trained here nor in a data root, the card of the reference run gives the hash.
    Raises NotTrained if there is no card either.
    """
    if get_spec(name).tier == RANDOM:
        return None
    try:
        return network(name).sha256
    except NotTrained:
        facts = reference_card(name)
        if facts is None:
            raise
        return facts["sha256"]


def network_of(name: str, weights: str) -> LoadedModel:
    """The network with the weights of that hash. Raises CluscamError if it is nowhere or has other weights."""
    found = network(name)
    if found.sha256 != weights:
        raise CluscamError(
            f"the network {name} has other weights here (SHA-256 {found.sha256[:12]}...) than the study was planned "
            f"with ({weights[:12]}...); start the study again, with another folder for its rows"
        )
    return found


def backbone(name: str) -> ModelSpec:
    """The spec of the backbone that a run trained, as published; of any other network, its own spec."""
    recipe = recipe_of(name)
    return get_spec(name) if recipe is None else recipe.spec


def runs(trained: Path | None = None) -> dict[str, Path]:
    """The complete runs in a folder of folders (default: `out/train`): name -> folder."""
    found = {}
    for path in sorted((trained or TRAINED).glob(f"*/{CARD}")):
        found[read_card(path.parent)["name"]] = path.parent
    return found


def folder_of(name: str) -> Path | None:
    """The folder of the run of that name, None if it has not been trained here."""
    return runs().get(name)


def reference_recipe(name: str) -> Recipe:
    """The recipe of a run by its reference card, or, without a card, by its name."""
    facts = reference_card(name)
    return Recipe(**facts["recipe"]) if facts else recipe_of(name)


def command(name: str) -> str:
    """The command that trains the run of that name, with the options that differ from their defaults."""
    recipe = reference_recipe(name)
    options = [f"--model {recipe.model}"]
    for option in OPTIONS:
        value = getattr(recipe, option)
        if value != type(recipe).__dataclass_fields__[option].default:
            options.append(f"--{option.replace('_', '-')} {value}")
    return f"cluscam train alzheimer {' '.join(options)} --out out/train/{name}"


def card(name: str) -> dict[str, Any] | None:
    """The model card of a run: that of the reference run, or else of the run trained here, or None."""
    facts, folder = reference_card(name), folder_of(name)
    return facts if facts or folder is None else read_card(folder)


def reference_card(name: str) -> dict[str, Any] | None:
    """The model card of a run of the reference run, None if it has none."""
    path = CARDS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
