"""`cluscam train`: added to the command line by the entry point `train` of the group "cluscam.commands"."""

import argparse
from collections.abc import Callable

from cluscam_lite.errors import unknown
from cluscam_lite.files import as_path

TASKS = ("alzheimer",)
EXAMPLES = """examples:
  cluscam train alzheimer --model vit_tiny_patch16_224 --epochs 10 --out out/train/vit
  cluscam train alzheimer --model resnet18 --start scratch --epochs 15 --out out/train/resnet18
  cluscam train alzheimer --model vit_tiny_patch16_224 --split components --out out/train/vit-components
  cluscam train alzheimer --model phantom_cnn --dataset phantoms --epochs 4 --out out/train/phantom
"""
ABOUT = (
    "Train a network to grade slices: class-balanced loss, small shifts, turns and changes of brightness, AdamW with "
    "a cosine schedule, early stopping. It may be killed at any moment: start the same command again and it goes on "
    "from its last whole epoch. The folder DIR gets model.safetensors, card.json and test.csv, and can be given to "
    "`cluscam explain --model DIR`."
)


def train(add: Callable[..., argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of the command with `add`, argparse's `add_parser`, and return it."""
    parser = add("train", help="train a network on the Alzheimer slices", description=ABOUT, epilog=EXAMPLES)
    option = parser.add_argument
    option("task", metavar="TASK", help="alzheimer")
    option("--model", required=True, metavar="NAME", help="a network, see `cluscam models`")
    option("--out", required=True, metavar="DIR", help="the folder to write to; it is made if missing")
    option("--dataset", metavar="NAME", help="alzheimer_mri (default) or phantoms")
    option("--size", type=int, metavar="PIXELS", help="128 (default), as the slices are, or 224, as in the paper")
    option("--epochs", type=int, metavar="N", help="passes over the training images (default: 10)")
    option("--seed", type=int, metavar="N", help="seed of the first weights, the order and the variations (default: 0)")
    option("--labels", metavar="KIND", help="true (default) or shuffled, which can only be memorised")
    option("--split", metavar="KIND", help="paper (default) or components: near-duplicates stay in one part")
    option("--start", metavar="KIND", help="auto (default): pretrained where weights are; pretrained; or scratch")
    option("--images", type=int, metavar="N", help="how many phantoms to train on (default: 1600)")
    option("--batch-size", type=int, metavar="N", help="images per step (default: 32)")
    option("--learning-rate", type=float, metavar="R", help="its peak (default: depends on the network)")
    option("--patience", type=int, metavar="N", help="epochs without a better one before it stops (default: 5)")
    option("--precision", metavar="KIND", help="auto (default: mixed on a GPU), float32 or bfloat16")
    option("--data-root", metavar="DIR", help="folder with weights/ and data sets (default: $CLUSCAM_DATA)")
    parser.set_defaults(run=_train)
    return parser


def _train(arguments: argparse.Namespace) -> None:
    from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
    from analysis.chapters.alzheimer.networks.training.trainer import train

    if arguments.task not in TASKS:
        raise unknown("task to train for", arguments.task, TASKS)
    given = ("dataset", "size", "epochs", "seed", "labels", "split", "start", "images", "patience", "precision")
    given += ("batch_size", "learning_rate")
    recipe = recipe_for(arguments.model, **{name: getattr(arguments, name) for name in given})
    train(recipe, as_path(arguments.out), lambda line: print(line, flush=True), arguments.data_root)
