"""K and r of the networks that the study of the Alzheimer slices explains, chosen on the validation part.

`cluscam tune` writes them, a file for a network and layer: beside the weights of a run that was trained here, else with
the rows of the reference run.
"""

from pathlib import Path
from typing import Any

from analysis.chapters.alzheimer.networks.trained import folder_of, weights_of
from analysis.chapters.alzheimer.networks.training.recipe import recipe_of
from analysis.paths import REFERENCE, ROOT
from cluscam_lite import get_spec, temperature
from cluscam_lite.errors import CluscamError
from cluscam_lite.tuning import read_tuned

TUNED = REFERENCE / "alzheimer" / "tuned"
IMAGES = 40
# variant of ClusCAM -> the rule of Algorithm 2 that its K is by
RULE_OF = {"tuned, argmax": "argmax", "tuned, argmin": "argmin"}


def tuned_settings(name: str, layer: str, variant: str) -> dict[str, Any]:
    """ClusCAM's settings for a variant of `RULE_OF`, as they go to the method and as K, r and tau.

    Raises CluscamError, with the command that tunes, where that has not been done or was done for other weights.
    """
    path = tuned_path(name, layer)
    if path is None:
        raise CluscamError(
            f"K and r of {name} at the layer {layer} have not been tuned; do it with `{command(name, layer)}`"
        )
    found = read_tuned(path, RULE_OF[variant])
    found.check_model(name, get_spec(name).layer(layer))
    found.check_weights(weights_of(name))
    k, r = found.n_clusters, found.drop_ratio
    tau = temperature(k, r)
    return {"n_clusters": k, "drop_ratio": r, "temperature": tau, "K": k, "r": r, "tau": tau}


def tuned_path(name: str, layer: str) -> Path | None:
    """The file of the tuning run, None if there is none."""
    return next((path for path in places(name, layer) if path.is_file()), None)


def places(name: str, layer: str) -> list[Path]:
    """Where the file of a tuning run may be; it is to be written to the first."""
    folder = folder_of(name) if recipe_of(name) is not None else None
    return ([folder / f"tuned-{layer}.json"] if folder else []) + [TUNED / f"{name}-{layer}.json"]


def command(name: str, layer: str) -> str:
    """The command that tunes a network at a layer."""
    out, recipe = places(name, layer)[0], recipe_of(name)
    folder = folder_of(name) if recipe is not None else None
    model = name if folder is None else _shown(folder)
    dataset = "phantoms" if recipe is None else recipe.dataset
    return f"cluscam tune --model {model} --dataset {dataset} --images {IMAGES} --layer {layer} --out {_shown(out)}"


def _shown(path: Path) -> str:
    """A path inside the repository as it is typed there."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
