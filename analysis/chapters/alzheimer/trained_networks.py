"""The networks that the study of the Alzheimer slices explains: trained by `cluscam train`, or shipped for phantoms."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.chapters.alzheimer.training.recipe import Recipe, recipe_of
from analysis.paths import REFERENCE, ROOT
from cluscam_lite import get_spec, load_model
from cluscam_lite.device import placed
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import LoadedModel, ModelSpec
from cluscam_lite.models.trained import CARD, load_trained, read_card

TRAINED = ROOT / "out" / "train"  # a folder for each run; what it is called does not matter
CARDS = REFERENCE / "alzheimer" / "cards"  # NAME.json: cards of the reference run, without weights

# of `cluscam train`, by the recipe's names
OPTIONS = ("dataset", "size", "labels", "split", "seed", "start", "epochs", "images", "batch_size", "learning_rate")


class NotTrained(CluscamError):
    """The network is neither a run of `out/train` nor among a data root's weights."""


@lru_cache(maxsize=2)
def network(name: str) -> LoadedModel:
    """A network of the registry, or that of a run by its name: from `out/train`, else from a data root's weights.

    In eval mode, on the GPU if there is one. Raises NotTrained, with the command that trains it, if it is nowhere.
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


def weights_of(name: str) -> str:
    """The hash of a network's weights, so that a study can plan its cells before all its networks are trained.

    Of a network that is neither trained here nor in a data root, it is what the reference run's card says; raises as
    `network` does where there is no card either.
    """
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
    """The registry's entry of the network that a run trained, as it is for its own images; or of any network."""
    recipe = recipe_of(name)
    return get_spec(name) if recipe is None else recipe.spec


def runs(trained: Path | None = None) -> dict[str, Path]:
    """The complete runs in a folder of folders (default: `out/train`): name -> folder."""
    found = {}
    for path in sorted((trained or TRAINED).glob(f"*/{CARD}")):
        found[read_card(path.parent)["name"]] = path.parent
    return found


def folder_of(name: str) -> Path | None:
    """Where the run of that name is, None if it has not been trained here."""
    return runs().get(name)


def reference_recipe(name: str) -> Recipe:
    """The recipe of a run: all of it, as its card says, else what its name tells of it."""
    facts = reference_card(name)
    return Recipe(**facts["recipe"]) if facts else recipe_of(name)


def command(name: str) -> str:
    """The command that trains the run of that name, with what is not as usual in its recipe."""
    recipe = reference_recipe(name)
    options = [f"--model {recipe.model}"]
    for option in OPTIONS:
        value = getattr(recipe, option)
        if value != type(recipe).__dataclass_fields__[option].default:
            options.append(f"--{option.replace('_', '-')} {value}")
    return f"cluscam train alzheimer {' '.join(options)} --out out/train/{name}"


def card(name: str) -> dict[str, Any] | None:
    """The model card of a run: the reference run's, else of the run here, else None."""
    facts, folder = reference_card(name), folder_of(name)
    return facts if facts or folder is None else read_card(folder)


def reference_card(name: str) -> dict[str, Any] | None:
    """The model card of a run of the reference run, None if it has none."""
    path = CARDS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
