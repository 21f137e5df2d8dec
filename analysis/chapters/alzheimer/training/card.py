"""The model card: what a trained network is, how it was made, and how good it is."""

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from analysis.chapters.alzheimer.training.recipe import Recipe
from cluscam_lite import __version__
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import sha256

if TYPE_CHECKING:
    from analysis.chapters.alzheimer.training.run import Run
    from analysis.chapters.alzheimer.training.slices import Slices

CARD, WEIGHTS, TEST = "card.json", "model.safetensors", "test.csv"
PACKAGES = ("torch", "torchvision", "timm", "pillow", "numpy", "pyarrow")


def card_of(
    recipe: Recipe,
    facts: Mapping[str, Any],
    run: "Run",
    found: Mapping[str, Mapping[str, Any]],
    weights: Path,
    parts: "Mapping[str, Slices]",
) -> dict[str, Any]:
    """The card as JSON can hold it: no path and no name of a machine. `found`: part -> its `measures`."""
    names = parts["train"].class_names
    counts = {part: torch.bincount(data.labels, minlength=len(names)).tolist() for part, data in parts.items()}
    return {
        "name": recipe.name,
        "model": recipe.model,
        "task": f"{recipe.dataset}, {recipe.size} x {recipe.size} pixels, grey as three equal channels",
        "classes": list(names),
        "start": facts["start"],
        "weights": weights.name,
        "sha256": sha256(weights),
        "parameters": sum(p.numel() for p in run.network.parameters()),
        "data": facts["data"],
        "split": {"name": recipe.split, "images": counts},
        "labels": recipe.labels,
        **{part: dict(found[part]) for part in ("test", "validation", "train")},
        "note": "percent; with shuffled labels, train and validation are measured against the shuffled ones"
        if recipe.labels == "shuffled"
        else "percent",
        "epochs": {"run": run.epoch, "best": run.best_epoch, "history": run.history},
        "peak_learning_rate": facts["peak_rate"],
        "recipe": recipe.to_dict(),
        "device": device_name(run.device),
        "versions": {"cluscam-lite": __version__, "python": platform.python_version(), **_versions()},
    }


def device_name(device: torch.device) -> str:
    """The GPU's name, or the CPU with its number of threads, which shapes the last bits of a result."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def read_card(folder: Path) -> dict[str, Any]:
    """The card in a folder. Raises CluscamError if there is none or it cannot be read."""
    path = folder / CARD
    if not path.is_file():
        raise CluscamError(
            f"{folder} holds no trained network ({CARD} is missing); train one with `cluscam train alzheimer`, or, if "
            "its training was stopped, start the same command again"
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        Recipe(**card["recipe"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CluscamError(f"{path} cannot be read as a model card; train the network again") from error
    return card
