"""Train the networks of the reference run on the Alzheimer slices again, each by the recipe of its card.

    python -m analysis.chapters.alzheimer.networks.training.reference [NAME ...]

Their weights are not published, because the slices may not be. A network that is complete in `out/train` is left as it
is, and an interrupted one resumes after its last whole epoch. To train several at a time, start a process for each
NAME. The networks of the cards were trained on one thread, and so are these: sums in the same order give the same
weights. The command says of each whether its weights are the same; rows of a study on other weights cannot be mixed
with those of the reference run. The other backbones were trained on a GPU, which does not give the same bits twice, so
they are trained only if they are named.
"""

import argparse
import sys
from collections.abc import Sequence

import torch

from analysis.chapters.alzheimer.networks.trained import CARDS, TRAINED, folder_of, reference_card, reference_recipe
from analysis.chapters.alzheimer.networks.training.trainer import train
from analysis.chapters.alzheimer.tables import RUNS
from cluscam_lite.cli.ending import ended_by_signals
from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.models.trained import read_card


def train_as_the_card_says(name: str) -> str:
    """Train one network unless it is there, into `out/train/NAME`; a sentence that says whether it is the card's."""
    folder = folder_of(name)
    if folder is None:
        train(reference_recipe(name), TRAINED / name, lambda line: print(line, flush=True))
        folder = TRAINED / name
    return comparison(name, read_card(folder)["sha256"])


def comparison(name: str, sha256: str) -> str:
    """Whether weights of that hash are those of the reference run's card."""
    if sha256 == reference_card(name)["sha256"]:
        return f"{name}: the weights of the reference run"
    return f"{name}: other weights than the reference run's; explain it in a results folder of its own"


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.chapters.alzheimer.networks.training.reference", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "names", nargs="*", default=RUNS, metavar="NAME", help="only these (default: all that have a card)"
    )
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        known = [path.stem for path in sorted(CARDS.glob("*.json"))]
        for name in arguments.names:
            if name not in known:
                raise unknown("network of the reference run", name, known)
        with ended_by_signals():
            for name in arguments.names:
                print(train_as_the_card_says(name), flush=True)
    except CluscamError as error:
        print(f"train_reference: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print("train_reference: interrupted; run the same command again to go on", file=sys.stderr)
        return getattr(stop, "status", 130)
    return 0


if __name__ == "__main__":
    sys.exit(main())
