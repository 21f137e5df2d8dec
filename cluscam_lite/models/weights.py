"""Loading a network with its weights: an explicit file, the data root, the shipped assets, then the hubs."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..dataroot import data_root as find_data_root
from ..errors import CluscamError
from ..files import sha256
from .builders import fuse
from .hubs import hub_file
from .registry import get_spec, is_folder
from .spec import ModelSpec
from .statedict import SUFFIXES, fit, read_state

ASSETS = Path(__file__).parent.parent / "assets"
BRANCH = "conv_kxk"  # in the names of a network's tensors before its branches are fused, as timm publishes MobileOne


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to be explained.

    `source` says in words where its weights come from, naming a file without its folder so that it can be
    published; `sha256` is that file's hash, None for random weights.
    """

    spec: ModelSpec
    module: nn.Module
    source: str
    sha256: str | None


def load_model(
    name_or_spec: str | ModelSpec,
    weights: str | os.PathLike = "auto",
    data_root: str | os.PathLike | None = None,
    seed: int = 0,
) -> LoadedModel:
    """A network of the registry, or one that `cluscam train` left in a folder, in eval mode, float32, on the CPU.

    `weights`: "auto" looks in the data root (`weights/<name>.safetensors`, .pth, .pt), then among the shipped
    assets, then on the hub of torchvision or timm; "random" initialises with `seed` and leaves torch's random
    state as it was; anything else is a file. Raises UnknownName for a model that is not in the registry and
    CluscamError where the weights are missing, corrupted or another network's.
    """
    if weights == "auto" and not isinstance(name_or_spec, ModelSpec) and is_folder(name_or_spec):
        from analysis.chapters.alzheimer.training import load_trained

        return load_trained(name_or_spec)
    spec = name_or_spec if isinstance(name_or_spec, ModelSpec) else get_spec(name_or_spec)
    if weights == "random":
        return LoadedModel(spec, _build(spec.build, seed), f"random weights (seed {seed})", None)
    if weights != "auto":
        return _from_file(spec, Path(weights).expanduser(), "file")
    root = find_data_root(data_root)
    for suffix in SUFFIXES if root else ():
        path = root / "weights" / f"{spec.name}{suffix}"
        if path.is_file():
            return _from_file(spec, path, "data root")
    if spec.library == "embedded":
        return _from_file(spec, _asset(spec), "shipped with the package")
    return _from_file(spec, hub_file(spec), f"{spec.library} hub, {spec.weights_id}")


def _build(build, seed: int = 0) -> nn.Module:
    """The network with random weights; torch's global random state is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build().float().eval()


def _from_file(spec: ModelSpec, path: Path, origin: str) -> LoadedModel:
    state = read_state(path)
    architecture = f"{spec.name} ({spec.library})"
    if spec.unfused and any(BRANCH in key for key in state):
        unfused = _build(spec.unfused)
        fit(unfused, state, path, f"{architecture} before fusing")
        network = fuse(unfused)
    else:
        network = _build(spec.build)
        fit(network, state, path, architecture)
    return LoadedModel(spec, network.eval(), f"{origin} ({path.name})", sha256(path))


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
