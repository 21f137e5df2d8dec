"""A network with its weights: built as its spec says, and filled from one file."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from ..files import sha256
from .builders import fuse
from .packages import PACKAGES, package_file, package_state
from .spec import ModelSpec
from .statedict import fit, read_state

BRANCH = "conv_kxk"  # in the names of a network's tensors before its branches are fused, as timm publishes MobileOne


class Origin(Protocol):
    """What a report says of a network: its spec, where its weights come from, and their hash."""

    @property
    def spec(self) -> ModelSpec: ...

    @property
    def source(self) -> str: ...

    @property
    def sha256(self) -> str | None: ...


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to be explained.

    `source` says in words where its weights come from, naming a file without its folder so that it can be
    published; `sha256` is that file's hash, `network_hash` where there is no one file, None for random weights.
    """

    spec: ModelSpec
    module: nn.Module
    source: str
    sha256: str | None


def with_random_weights(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """The network that `build` makes, in eval mode, float32; torch's global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build().float().eval()


def network_hash(network: nn.Module, *files: Path) -> str:
    """SHA-256 of the files that made a network, of its modules as they are printed, and of all its tensors."""
    digest = hashlib.sha256("".join(map(sha256, files)).encode() + repr(network).encode())
    for name, value in network.state_dict().items():
        if isinstance(value, torch.Tensor):
            values = value.detach().cpu().contiguous()
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes() if values.numel() else b"")
    return digest.hexdigest()


@torch.no_grad()
def enliven(network: nn.Module, seed: int = 0) -> None:
    """Draw weights that begin as zeros, as those of ViT's classifier do: the logits should depend on the image."""
    generator = torch.Generator().manual_seed(seed)
    for values in network.parameters():
        if values.ndim > 1 and not values.any():
            values.copy_(0.02 * torch.randn(values.shape, generator=generator))


def from_file(spec: ModelSpec, path: Path, origin: str) -> LoadedModel:
    """The network of `spec` with the weights of a file, in eval mode; `origin` says where the file is from.

    Raises CluscamError if the file is missing, corrupted or another network's.
    """
    state, architecture = read_state(path), _architecture(spec)
    if spec.unfused and any(BRANCH in key for key in state):
        unfused = with_random_weights(spec.unfused)
        fit(unfused, state, path, f"{architecture} before fusing")
        network = fuse(unfused)
    else:
        network = with_random_weights(spec.build)
        fit(network, state, path, architecture)
    return LoadedModel(spec, network.eval(), f"{origin} ({path.name})", sha256(path))


def from_package(spec: ModelSpec) -> LoadedModel:
    """The network of `spec` with the weights of its Python package, in eval mode.

    Raises CluscamError if the package is not installed, or its file is not the published one or another network's.
    """
    path = package_file(spec.name)
    network = with_random_weights(spec.build)
    fit(network, package_state(path, network.state_dict()), path, _architecture(spec))
    return LoadedModel(spec, network.eval(), f"package {PACKAGES[spec.name].pip} ({path.name})", sha256(path))


def _architecture(spec: ModelSpec) -> str:
    return f"{spec.name} ({spec.library})"
