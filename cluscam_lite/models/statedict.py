"""Reading a file of weights and loading it into a network, with one sentence for everything that can be wrong."""

import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import CluscamError
from ..files import PathLike

SUFFIXES = (".safetensors", ".pth", ".pt")


def read_state(path: PathLike) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth or .pt file, by name. Pickles are read with `weights_only=True`.

    Raises CluscamError if the file is missing, of another kind, corrupted, or holds something else.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise CluscamError(f"weights must be a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file, got {path}")
    if path.is_dir():
        raise CluscamError(f"the weights {path} are a folder; give the file in it")
    if not path.is_file():
        raise CluscamError(f"there is no weights file {path}; check the path")
    if path.suffix.lower() == ".safetensors":
        return _read_safetensors(path)
    return _plain(_read_pickle(path), path)


def fit(network: nn.Module, state: dict[str, Tensor], path: Path, architecture: str) -> None:
    """Load `state` into `network`, every tensor in its place. Raises CluscamError naming what does not fit."""
    expected = network.state_dict()
    other_shape = [key for key, value in state.items() if key in expected and value.shape != expected[key].shape]
    if other_shape:
        first = other_shape[0]
        found, wanted = tuple(state[first].shape), tuple(expected[first].shape)
        raise _misfit(
            path,
            architecture,
            f"{_named(other_shape, 'of another shape')}: {first} is {found}, expected {wanted}",
        )
    _check_numbers(state, expected, path)
    # the network's own rules for older files apply (batch norm without a counter, ViT's renamed layers)
    result = network.load_state_dict(state, strict=False)
    wrong = [
        _named(keys, what)
        for keys, what in ((result.missing_keys, "missing"), (result.unexpected_keys, "unexpected"))
        if keys
    ]
    if wrong:
        raise _misfit(path, architecture, " and ".join(wrong))


def _check_numbers(state: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    """Raise CluscamError for whole numbers where weights are expected, and for weights that are NaN or infinite."""
    weights = {key: value for key, value in state.items() if key in expected and expected[key].is_floating_point()}
    if other := [key for key, value in weights.items() if not value.is_floating_point()]:
        kind = str(state[other[0]].dtype).removeprefix("torch.")
        raise CluscamError(
            f"the weights {path} are not floating-point numbers: {_named(other, f'of type {kind}')}; give the weights "
            "as they were before they were quantised"
        )
    # a mask that a network keeps among its weights may be infinite, as it is before loading
    meant = {key: ~torch.isfinite(expected[key]) for key in weights}
    if broken := [key for key, value in weights.items() if not (torch.isfinite(value) | meant[key]).all()]:
        raise CluscamError(
            f"the weights {path} are not all finite: {_named(broken, 'with NaN or infinite values')}; the file is "
            "damaged, or its training has diverged: get it again"
        )


def _misfit(path: Path, architecture: str, what: str) -> CluscamError:
    return CluscamError(
        f"the weights {path} do not fit {architecture}: {what}; give a state dict of exactly that network"
    )


def _named(keys: list[str], what: str) -> str:
    tail = ", ..." if len(keys) > 2 else ""
    return f"{len(keys)} tensor{'s' * (len(keys) > 1)} {what} ({', '.join(keys[:2])}{tail})"


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise _corrupted(path) from error
    return _plain(state, path)


def _read_pickle(path: Path) -> object:
    if zipfile.is_zipfile(path):  # as torch.save writes; torch.load does not compare its checksums
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip() is not None
        except Exception as error:
            raise _corrupted(path) from error
        if damaged:
            raise _corrupted(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged zip or pickle fails in many ways, a pickle of other objects in one more
        raise CluscamError(
            f"the weights {path} cannot be read: the file is corrupted or holds more than tensors; "
            "save the network's state_dict() again, best as .safetensors"
        ) from error


def _corrupted(path: Path) -> CluscamError:
    return CluscamError(f"the weights {path} cannot be read: the file is corrupted or cut short; get it again")


def _plain(state: object, path: Path) -> dict[str, Tensor]:
    """The state dict itself: unwrapped, without the prefix of parallel training, without LeViT's index buffers."""
    for wrapper in ("model", "state_dict"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise CluscamError(f"the weights {path} hold no state dict of tensors; save network.state_dict() there")
    # timm's LeViT files carry indices that the network computes itself
    return {k.removeprefix("module."): v for k, v in state.items() if "attention_bias_idxs" not in k}
