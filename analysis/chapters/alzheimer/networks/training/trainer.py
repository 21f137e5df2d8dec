"""Training by a recipe, from the data to the weights and the card. It may be killed at any moment and started again."""

import csv
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from analysis.chapters.alzheimer.networks.training.card import TEST, card_of, device_name
from analysis.chapters.alzheimer.networks.training.checkpoint import (
    checkpoints,
    plain_state,
    read_checkpoint,
    room_for,
    sweep,
    write_checkpoint,
)
from analysis.chapters.alzheimer.networks.training.epochs import batches_of, class_weights, predict, train_epoch
from analysis.chapters.alzheimer.networks.training.measures import measures
from analysis.chapters.alzheimer.networks.training.networks import PRETRAINED, starting_network
from analysis.chapters.alzheimer.networks.training.recipe import Recipe, same_recipe
from analysis.chapters.alzheimer.networks.training.run import Run, new_run
from analysis.chapters.alzheimer.networks.training.slices import Slices, load_parts, shuffled
from cluscam_lite.cli.common import made_folder
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import alone_in, atomic_path
from cluscam_lite.models import ModelSpec, Preprocess
from cluscam_lite.models.trained import CARD, WEIGHTS, read_card


@dataclass(frozen=True)
class Material:
    """The inputs of a training: recipe, spec of the network, images of each part, and the hash of their content."""

    recipe: Recipe
    spec: ModelSpec
    preprocess: Preprocess
    parts: Mapping[str, Slices]
    digest: str


def train(
    recipe: Recipe, out: str | os.PathLike, say: Callable[[str], None] = print, data_root: str | None = None
) -> dict[str, Any]:
    """Train, and write `model.safetensors`, `card.json` and `test.csv` into the folder `out`; returns the card.

    A folder with a part of this training goes on from its last whole epoch, to the same weights as without a break
    (on one machine with the same number of threads, on a CPU); one that is complete is left as it is. Raises
    CluscamError if the folder holds another training, or another process trains in it, if data or pretrained weights
    are missing, or the disk is full.
    """
    with made_folder(Path(out)) as folder, alone_in(folder), room_for(folder):
        sweep(folder)
        return _train(recipe, folder, say, data_root)


def _train(recipe: Recipe, folder: Path, say: Callable[[str], None], data_root: str | None) -> dict[str, Any]:
    """As `train`, in a folder that this process has to itself."""
    stored = _stored(folder)
    if stored:
        same_recipe(recipe, stored["recipe"], str(folder))
    if (folder / CARD).is_file():
        _remove_checkpoints(folder)  # the run that wrote the card may have been killed before it came to this
        say(f"{folder} holds this training, complete; nothing to do")
        return read_card(folder)
    material = _prepare(recipe, data_root)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if stored and stored["data"] != material.digest:
        raise CluscamError(f"{folder} holds a training on other images; choose another folder")
    # the weights of a resumed run are in its checkpoint
    spec, train_part = material.spec, material.parts["train"]
    network, source = (spec.build(), stored["start"]) if stored else starting_network(recipe, spec, data_root)
    peak = recipe.peak_rate(source.startswith(PRETRAINED))
    facts = {"recipe": recipe.to_dict(), "start": source, "peak_rate": peak, "data": material.digest}
    steps = len(batches_of(torch.arange(len(train_part)), recipe.batch_size))
    run = new_run(recipe, network.float(), steps, peak, device)
    if stored:
        run.restore(*read_checkpoint(checkpoints(folder)[-1]))
        say(f"going on after epoch {run.epoch}/{recipe.epochs}")
    sizes = ", ".join(f"{len(part)} {name}" for name, part in material.parts.items())
    say(f"{recipe.name}: {facts['start']}; {sizes} images; {device_name(device)}")
    _epochs(run, material, folder, facts, say)
    return _finish(run, material, folder, facts, say)


def _prepare(recipe: Recipe, data_root: str | None) -> Material:
    spec = recipe.trained_spec()
    preprocess = spec.preprocess()
    parts, digest = load_parts(recipe, preprocess, data_root)
    if recipe.labels == "shuffled":
        parts |= {part: shuffled(parts[part], recipe.seed) for part in ("train", "validation")}
    return Material(recipe, spec, preprocess, parts, digest)


def _epochs(run: Run, material: Material, folder: Path, facts: dict[str, Any], say: Callable[[str], None]) -> None:
    """Run the epochs that are left, and write a checkpoint after each."""
    recipe = material.recipe
    # shuffled validation labels cannot tell a better epoch from a worse one
    memorising = recipe.labels == "shuffled"
    while run.epoch < recipe.epochs and (memorising or run.epoch - run.best_epoch < recipe.patience):
        start = time.monotonic()
        loss = train_epoch(run, recipe, material.parts["train"], material.preprocess, say)
        found, validation_loss = _validate(run, material)
        if not math.isfinite(loss) or not math.isfinite(validation_loss):
            raise CluscamError(
                f"the training diverged in epoch {run.epoch + 1}: its loss is {loss:g}, and {validation_loss:g} on the "
                f"validation images; choose a smaller --learning-rate and another folder than {folder}"
            )
        run.epoch += 1
        kept = run.keep_if_better(found["balanced_accuracy"], validation_loss, always=memorising)
        row = {"epoch": run.epoch, "loss": loss, "validation_loss": validation_loss}
        row |= {"accuracy": found["accuracy"], "balanced_accuracy": found["balanced_accuracy"]}
        run.history.append(row | {"seconds": round(time.monotonic() - start, 1)})
        write_checkpoint(folder, run.epoch, plain_state(run.network), run.best, run.state(), facts | run.facts())
        say(_line(run, recipe, kept))
    if run.epoch < recipe.epochs:
        say(f"stopped early: no better epoch for {recipe.patience}")


def _validate(run: Run, material: Material) -> tuple[dict[str, Any], float]:
    """Measures on the validation images, and their loss with the class weights of the training images."""
    data, train_part = material.parts["validation"], material.parts["train"]
    names = train_part.class_names
    logits = predict(run.network, data, material.preprocess, run.device)
    weights = class_weights(train_part.labels, len(names))
    loss = (F.cross_entropy(logits, data.labels, reduction="none") * weights[data.labels]).mean()
    return measures(logits.softmax(1), data.labels, names), loss.item()


def _finish(
    run: Run, material: Material, folder: Path, facts: dict[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the best weights, write everything under its final name, and remove the checkpoint."""
    run.network.load_state_dict(run.best)
    found = {}
    for part, data in material.parts.items():
        logits = predict(run.network, data, material.preprocess, run.device)
        found[part] = measures(logits.softmax(1), data.labels, data.class_names)
        if part == "test":
            _write_predictions(folder / TEST, data, logits.softmax(1))
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(run.best, temporary)
    card = card_of(material.recipe, facts, run, found, folder / WEIGHTS, material.parts)
    with atomic_path(folder / CARD) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    _remove_checkpoints(folder)
    test = found["test"]
    say(f"test: accuracy {test['accuracy']:.1f} %, balanced {test['balanced_accuracy']:.1f} %, ECE {test['ece']:.1f} %")
    return card


def _write_predictions(path: Path, data: Slices, probabilities: Tensor) -> None:
    """Write label, prediction and probabilities of each test image, from which any interval can be computed."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", "label", "predicted", *(f"p{k}" for k in range(probabilities.shape[1]))])
        for image_id, label, row in zip(data.ids, data.labels.tolist(), probabilities, strict=True):
            writer.writerow([image_id, label, int(row.argmax()), *(f"{p:.6f}" for p in row.tolist())])


def _remove_checkpoints(folder: Path) -> None:
    for path in checkpoints(folder):
        shutil.rmtree(path)


def _stored(folder: Path) -> dict[str, Any] | None:
    """Recipe, start and data hash of the training that the folder holds, complete or not; None if it holds none."""
    if (folder / CARD).is_file():
        return read_card(folder)
    found = checkpoints(folder)
    if not found:
        return None
    try:
        return json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CluscamError(f"the checkpoint {found[-1]} cannot be read; remove it to start afresh") from error


def _line(run: Run, recipe: Recipe, kept: bool) -> str:
    row = run.history[-1]
    left = (recipe.epochs - run.epoch) * row["seconds"]
    return (
        f"epoch {run.epoch}/{recipe.epochs}: loss {row['loss']:.3f}, validation loss {row['validation_loss']:.3f}, "
        f"accuracy {row['accuracy']:.1f} %, balanced {row['balanced_accuracy']:.1f} %{' (best)' if kept else ''}, "
        f"{row['seconds']:.0f} s, at most {left / 60:.0f} min left"
    )
