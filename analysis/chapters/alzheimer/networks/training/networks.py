"""The network before its first step: from pretrained weights of another size and other classes, or from scratch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from analysis.chapters.alzheimer.networks.training.recipe import Recipe
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import ModelSpec, load_model

POSITIONS = ("pos_embed", "encoder.pos_embedding")  # tensors of a class token and a square grid of tokens
PRETRAINED = "pretrained"  # how the source of such weights begins
HEADS = ("fc.", "head.", "head_dist.", "heads.", "classifier.", "head.fc.")


def starting_network(recipe: Recipe, spec: ModelSpec, data_root: str | None = None) -> tuple[nn.Module, str]:
    """The network before its first step, in float32, and where its weights come from, in words.

    Raises CluscamError if the recipe asks for pretrained weights and there are none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.seed)
        network = spec.build().float()
    if recipe.start == "scratch" or recipe.spec.library == "embedded":
        return network, "scratch"
    try:
        pretrained = load_model(recipe.spec, data_root=data_root)
    except CluscamError:
        if recipe.start == "pretrained":
            raise
        return network, "scratch (no pretrained weights are here)"
    transfer(pretrained.module.state_dict(), network, recipe.model)
    return network, f"{PRETRAINED}: {pretrained.source}"


def transfer(state: dict[str, Tensor], network: nn.Module, name: str) -> None:
    """Copy pretrained tensors into a network of another size and other classes; its classifier stays as it is.

    Position embeddings are resampled to the new grid. Raises CluscamError for any other tensor that does not fit.
    """
    own = network.state_dict()
    for key, value in own.items():
        found = state.get(key)
        if found is not None and key in POSITIONS:
            found = resampled_positions(found, value.shape[1])
        if key.startswith(HEADS):
            continue
        if found is None or found.shape != value.shape:
            raise CluscamError(f"the pretrained weights of {name} do not fit: {key} is missing or of another shape")
        value.copy_(found)
    network.load_state_dict(own)


def resampled_positions(positions: Tensor, tokens: int) -> Tensor:
    """Position embeddings (1, n, C) for another number of tokens: class tokens kept, the square grid resampled.

    Bicubic with antialiasing. Raises CluscamError if neither number is a square after up to one class token.
    """
    if positions.shape[1] == tokens:
        return positions
    for prefix in (1, 0):
        old, new = (round((n - prefix) ** 0.5) for n in (positions.shape[1], tokens))
        if old**2 == positions.shape[1] - prefix and new**2 == tokens - prefix:
            grid = positions[:, prefix:].transpose(1, 2).unflatten(2, (old, old))  # (1, C, old, old)
            grid = F.interpolate(grid.float(), (new, new), mode="bicubic", antialias=True, align_corners=False)
            return torch.cat([positions[:, :prefix], grid.flatten(2).transpose(1, 2).to(positions)], 1)
    raise CluscamError(f"{positions.shape[1]} positions cannot be resampled to {tokens}; expected square grids")
