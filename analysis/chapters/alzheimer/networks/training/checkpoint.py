"""Checkpoints: a folder for the end of an epoch, complete or absent, from which a run resumes bit for bit.

DIR/checkpoint-0007/model.safetensors   weights after epoch 7
DIR/checkpoint-0007/best.safetensors    the best so far, by the validation images
DIR/checkpoint-0007/state.pt            optimiser, schedule, scaler, sampler, random states (read as data only)
DIR/checkpoint-0007/state.json          recipe, epoch, history
DIR/checkpoint-0007/hashes.json         SHA-256 of each of them: a bit that flipped would train on without a word
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cluscam_lite.errors import CluscamError, reason_of
from cluscam_lite.files import atomic_path, sha256

PATTERN = re.compile(r"checkpoint-(\d{4})")
HALF = ".checkpoint-"  # the name of one that is being written
FILES = ("model.safetensors", "best.safetensors", "state.pt", "state.json")
HASHES = "hashes.json"
WRITER = re.compile("PytorchStreamWriter|inline_container|unexpected pos|File .* cannot be opened|iostream error")


def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the network's tensors that can be written: on the CPU, contiguous, none sharing memory."""
    return {key: value.detach().cpu().contiguous().clone() for key, value in network.state_dict().items()}


def write_half(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors, those of floating point as float16: how the networks of the package are shipped."""
    halves = {key: (value.half() if value.is_floating_point() else value).contiguous() for key, value in state.items()}
    with atomic_path(path) as temporary:
        save_file(halves, temporary)


def write_checkpoint(
    folder: Path, epoch: int, weights: dict[str, Tensor], best: dict[str, Tensor], state: dict[str, Any], facts: dict
) -> None:
    """Write the checkpoint of an epoch; it gets its name when it is complete. Then remove the earlier ones."""
    target = folder / f"checkpoint-{epoch:04d}"
    temporary = folder / f"{HALF}{epoch:04d}"
    try:
        temporary.mkdir()
        save_file(weights, temporary / "model.safetensors")
        save_file(best, temporary / "best.safetensors")
        torch.save(state, temporary / "state.pt")
        (temporary / "state.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
        (temporary / HASHES).write_text(json.dumps(_hashes(temporary)) + "\n", encoding="utf-8")
        for file in temporary.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    for older in checkpoints(folder):
        if older != target:
            shutil.rmtree(older)


def sweep(folder: Path) -> None:
    """Remove what a killed process left of a checkpoint. The caller has the folder to itself."""
    for path in folder.glob(f"{HALF}*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Raise CluscamError, one sentence, for what the writers of PyTorch and safetensors say of a disk that is full."""
    try:
        yield
    except CluscamError:
        raise
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not WRITER.search(str(error)):
            raise
        reason = getattr(error, "strerror", None) or reason_of(error)
        if isinstance(error, RuntimeError):  # PyTorch's writer does not pass the system's reason on
            reason = "its writer was cut off, as by a full disk"
        raise CluscamError(
            f"cannot write to {folder} ({reason}); make room on the disk and run the same command again, which goes on "
            "after the last whole epoch"
        ) from error


def checkpoints(folder: Path) -> list[Path]:
    """The folder's checkpoints, oldest first."""
    found = (path for path in folder.iterdir() if PATTERN.fullmatch(path.name)) if folder.is_dir() else ()
    return sorted(found)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """Weights, best weights, state and facts of a checkpoint.

    Raises CluscamError if it cannot be read, or is not as it was written.
    """
    try:
        if json.loads((path / HASHES).read_text(encoding="utf-8")) != _hashes(path):
            raise ValueError("a file was changed")
        return (
            load_file(path / "model.safetensors"),
            load_file(path / "best.safetensors"),
            torch.load(path / "state.pt", map_location="cpu", weights_only=True),
            json.loads((path / "state.json").read_text(encoding="utf-8")),
        )
    except Exception as error:  # a damaged zip, pickle or header fails in many ways
        raise CluscamError(f"the checkpoint {path} is damaged or cannot be read; remove it to start afresh") from error


def _hashes(path: Path) -> dict[str, str]:
    return {name: sha256(path / name) for name in FILES}


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's global generators, from which drop-out draws."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def restore_random_state(states: dict[str, Tensor], device: torch.device) -> None:
    """Set torch's global generators back to the states that `random_state` returned."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
