"""Loading a network with its weights: an explicit file, the data root, the shipped assets, a package, then the hubs."""

import json
from pathlib import Path

from ..dataroot import data_root as find_data_root
from ..errors import CluscamError
from ..files import PathLike, as_path, sha256
from .elsewhere import OWN, load_own, load_transformers
from .hubs import cached_file, hub_file
from .loaded import LoadedModel, enliven, from_file, from_package, with_random_weights
from .packages import PACKAGES
from .registry import RANDOM, get_spec, is_folder
from .spec import ModelSpec
from .statedict import SUFFIXES
from .trained import load_trained

ASSETS = Path(__file__).parent.parent / "assets"


def load_model(
    name_or_spec: str | ModelSpec,
    weights: PathLike = "auto",
    data_root: PathLike | None = None,
    seed: int = 0,
) -> LoadedModel:
    """A network with its weights, in eval mode, float32, on the CPU.

    Args:
        name_or_spec: a name or folder that `get_spec` knows, or a spec.
        weights: "auto" looks in the data root (`weights/<name>.safetensors`, .pth, .pt), then among the shipped
            assets, then in the Python package that brings them, if there is one, then on the hub of torchvision or
            timm; of a trained network's folder it takes that folder's, and of a function in a file what it gives.
            "hub" asks that hub alone. "random" draws them and leaves torch's random state as it was, as "auto" does for
            a network "random:NAME". Anything else is a file.
        data_root: the folder with `weights/`; None: `$CLUSCAM_DATA`.
        seed: of random weights.

    Raises:
        UnknownName: no network has that name.
        CluscamError: the weights are missing, corrupted or another network's.
    """
    if weights == "auto" and not isinstance(name_or_spec, ModelSpec) and is_folder(name_or_spec):
        return load_trained(name_or_spec)
    spec = name_or_spec if isinstance(name_or_spec, ModelSpec) else get_spec(name_or_spec)
    if spec.library == OWN and weights in ("auto", "random", "hub"):
        if weights != "auto":
            raise CluscamError(
                f"{spec.name} gives its weights itself; leave --weights {weights} out, or give a file of weights"
            )
        return load_own(spec, seed)
    if weights == "hub":
        return _of_hub(spec)
    if weights == "random" or (weights == "auto" and spec.tier == RANDOM):
        network = with_random_weights(spec.build, seed)
        if spec.tier == RANDOM:
            enliven(network, seed)
        return LoadedModel(spec, network, f"random weights (seed {seed})", None)
    if weights != "auto":
        return from_file(spec, as_path(weights), "file")
    path = _in_data_root(spec, data_root)
    if path is not None:
        return from_file(spec, path, "data root")
    if spec.library == "embedded":
        return from_file(spec, _asset(spec), "shipped with the package")
    if spec.name in PACKAGES:
        return from_package(spec)
    return _of_hub(spec)


def _of_hub(spec: ModelSpec) -> LoadedModel:
    if spec.library == "hf":
        return load_transformers(spec)
    return from_file(spec, hub_file(spec), f"{spec.library} hub, {spec.weights_id}")


def has_weights(name: str, data_root: PathLike | None = None) -> bool:
    """Whether `load_model` finds the weights of a network on this machine, without a download."""
    spec = get_spec(name)
    if is_folder(name) or spec.tier == RANDOM or spec.library == "embedded" or _in_data_root(spec, data_root):
        return True
    return spec.name in PACKAGES or (spec.weights_id is not None and cached_file(spec) is not None)


def _in_data_root(spec: ModelSpec, data_root: PathLike | None) -> Path | None:
    """The file of a network's weights in the data root, if there is one."""
    root = find_data_root(data_root)
    paths = (root / "weights" / f"{spec.name}{suffix}" for suffix in SUFFIXES) if root else ()
    return next((path for path in paths if path.is_file()), None)


def _asset(spec: ModelSpec) -> Path:
    """The shipped weights, if they are what their card says."""
    path, card = ASSETS / f"{spec.name}.safetensors", ASSETS / f"{spec.name}.json"
    try:
        promised = json.loads(card.read_text(encoding="utf-8"))["sha256"]
        found = sha256(path)
    except (OSError, ValueError, KeyError) as error:
        raise CluscamError(
            f"the weights of {spec.name} that come with cluscam_lite are missing or have no card; install it again"
        ) from error
    if found != promised:
        raise CluscamError(
            f"the weights of {spec.name} that come with cluscam_lite differ from their card; install it again"
        )
    return path
