"""Train the embedded networks on brain phantoms and write their weights and model cards.

    python scripts/train_phantoms.py --model all

Each is trained as `cluscam train alzheimer --dataset phantoms` does (in `--work`, where a run that was stopped goes
on), rounded to fp16, and measured again as it is shipped.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from analysis.chapters.alzheimer.networks.training.checkpoint import write_half
from analysis.chapters.alzheimer.networks.training.epochs import predict
from analysis.chapters.alzheimer.networks.training.measures import measures
from analysis.chapters.alzheimer.networks.training.recipe import Recipe, recipe_for
from analysis.chapters.alzheimer.networks.training.slices import load_parts
from analysis.chapters.alzheimer.networks.training.trainer import train
from cluscam_lite.files import atomic_path, output_folder, sha256
from cluscam_lite.models import load_model
from cluscam_lite.models.trained import CARD, WEIGHTS

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "cluscam_lite" / "assets"
RECIPES = {
    "phantom_cnn": recipe_for("phantom_cnn", dataset="phantoms", images=1600, epochs=10),
    "phantom_vit": recipe_for("phantom_vit", dataset="phantoms", images=1600, epochs=40, patience=40, batch_size=64,
                              learning_rate=1e-3),
}  # fmt: skip


def ship(recipe: Recipe, work: Path, out: Path) -> dict:
    """Write the trained weights of `work` in fp16 as `out/<model>.safetensors` and their card beside them."""
    path = out / f"{recipe.model}.safetensors"
    write_half(path, load_file(work / WEIGHTS))
    card = json.loads((work / CARD).read_text(encoding="utf-8"))
    card |= {"name": recipe.model, "weights": path.name, "sha256": sha256(path)}
    card |= {"precision": "float16", "test": _measured(recipe, path)}
    for key in ("train", "validation", "spec"):  # of the weights before rounding, and what the package knows
        del card[key]
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def _measured(recipe: Recipe, path: Path) -> dict:
    """The test measures of the weights as written, loaded as float32."""
    preprocess = recipe.trained_spec().preprocess()
    test = load_parts(recipe, preprocess)[0]["test"]
    logits = predict(load_model(recipe.model, path).module, test, preprocess, torch.device("cpu"))
    return measures(logits.softmax(1), test.labels, test.class_names)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded networks on brain phantoms.")
    parser.add_argument("--model", choices=[*RECIPES, "all"], default="all")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder for weights and cards")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "train", help="folder for what is in the making")
    options = parser.parse_args()
    for name in RECIPES if options.model == "all" else [options.model]:
        recipe = RECIPES[name]
        train(recipe, options.work / recipe.name)
        card = ship(recipe, options.work / recipe.name, output_folder(options.out))
        print(name, f"accuracy {card['test']['accuracy']:.1f} %", flush=True)


if __name__ == "__main__":
    main()
