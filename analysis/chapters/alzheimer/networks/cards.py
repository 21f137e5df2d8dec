"""The model cards of the reference run: copied without weights, with intervals that resample components.

    python -m analysis.chapters.alzheimer.networks.cards

It collects the networks that the study `alzheimer` names, and any other run of them, from `out/train`, with the K and r
that `cluscam tune` chose for them.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.chapters.alzheimer.networks.trained import CARDS, TRAINED, card, runs
from analysis.chapters.alzheimer.networks.training.card import TEST
from analysis.chapters.alzheimer.networks.training.recipe import recipe_of
from analysis.statistics import bootstrap_interval
from cluscam_lite.datasets.alzheimer.samples import collection
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import atomic_path, output_folder
from cluscam_lite.models.trained import read_card

DRAWS = 1999


def intervals(path: Path) -> dict[str, Any]:
    """Accuracy and balanced accuracy on the test slices of `test.csv`, percent, with intervals over components."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels, predicted = (np.array([int(row[key]) for row in rows]) for key in ("label", "predicted"))
    found = collection()
    groups = np.array([found.components[found.number[row["image_id"]]] for row in rows])
    hits = 100.0 * (labels == predicted)
    accuracy = bootstrap_interval(hits, groups=groups, draws=DRAWS)
    balanced = bootstrap_interval(labels, hits, statistic=balanced_accuracy, groups=groups, draws=DRAWS)
    return {
        "components": accuracy.n,
        "accuracy": [accuracy.low, accuracy.high],
        "balanced_accuracy": [balanced.low, balanced.high],
    }


def balanced_accuracy(labels: np.ndarray, hits: np.ndarray, axis: int = -1) -> float:
    """Mean over the classes that occur of the mean of their hits (n,)."""
    return float(np.mean([hits[labels == k].mean() for k in np.unique(labels)]))


def collect(trained: Path = TRAINED, out: Path = CARDS) -> list[str]:
    """Copy the card of every complete run on the slices in `trained` to `out`, with its intervals; their names.

    The files of `cluscam tune` beside the weights (`tuning.places`) go to the folder `tuned` beside `out`.
    Raises CluscamError if there is none.
    """
    names = []
    for name, folder in runs(trained).items():
        if recipe_of(name).dataset != "alzheimer_mri":
            continue
        with atomic_path(output_folder(out) / f"{name}.json") as temporary:
            facts = read_card(folder) | {"test_intervals": intervals(folder / TEST)}
            temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        for path in folder.glob("tuned-*.json"):
            target = output_folder(out.parent / "tuned") / f"{name}-{path.name.removeprefix('tuned-')}"
            with atomic_path(target) as temporary:
                temporary.write_bytes(path.read_bytes())
        names.append(name)
    if not names:
        raise CluscamError(f"there is no trained network in {trained}; train one with `cluscam train alzheimer`")
    return names


def cards_table(names: list[str]) -> pd.DataFrame:
    """A row for each run: where it started, epochs, and its test measures, percent; NaN where no card is here."""
    found = []
    for name in names:
        facts, recipe = card(name), recipe_of(name)
        row: dict[str, Any] = {"network": recipe.title if recipe else name, "name": name}
        if facts is None:
            found.append(row | {"here": False})
            continue
        test, limits = facts["test"], facts.get("test_intervals", {})
        row |= {"here": True, "start": facts["start"].split(":")[0].split(" (")[0], "epochs": facts["epochs"]["run"]}
        row |= {key: test[key] for key in ("images", "accuracy", "balanced_accuracy", "ece", "saturated")}
        row |= {
            "recall": list(test["recall"].values()),
            "train": facts["train"]["accuracy"] if "train" in facts else None,
        }
        for key in ("accuracy", "balanced_accuracy"):
            row[f"{key} low"], row[f"{key} high"] = limits.get(key, (np.nan, np.nan))
        found.append(row)
    return pd.DataFrame(found)


def main() -> int:
    """The command line; 2 if nothing was found."""
    try:
        print("\n".join(collect()))
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
