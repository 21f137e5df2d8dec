"""The model card: what a trained network is, how it was made, and how good it is."""

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from analysis.chapters.alzheimer.networks.training.recipe import Recipe
from cluscam_lite import __version__
from cluscam_lite.files import sha256
from cluscam_lite.models.trained import spec_record

if TYPE_CHECKING:
    from analysis.chapters.alzheimer.networks.training.run import Run
    from analysis.chapters.alzheimer.networks.training.slices import Slices

TEST = "test.csv"  # predictions on the test images
PACKAGES = ("torch", "torchvision", "timm", "pillow", "numpy", "pyarrow")


def card_of(
    recipe: Recipe,
    facts: Mapping[str, Any],
    run: "Run",
    found: Mapping[str, Mapping[str, Any]],
    weights: Path,
    parts: "Mapping[str, Slices]",
) -> dict[str, Any]:
    """The card as JSON can hold it, without paths and machine names. `found`: part -> its `measures`."""
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
        "spec": spec_record(recipe.trained_spec(), recipe.model),
        "device": device_name(run.device),
        "versions": {"cluscam-lite": __version__, "python": platform.python_version(), **_versions()},
    }


def device_name(device: torch.device) -> str:
    """The name of the GPU, or "CPU" with the number of threads, which changes the last bits of a result."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
