"""Leakage between the parts of a data set of slices: how alike are test and training images, and what does it do?

    python -m analysis.chapters.alzheimer.leakage --out results/reference/alzheimer/leakage.json

This needs the class labels and no network: similarity is the correlation of pixels
(`cluscam_lite.datasets.alzheimer.duplicates`). It finds a lower bound, since slices of one scan that look different are
not counted.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from analysis.statistics import bootstrap_interval
from cluscam_lite.datasets.alzheimer.duplicates import components, features, pairs_above, similarities
from cluscam_lite.datasets.alzheimer.samples import SPLITS, THRESHOLD, collection
from cluscam_lite.datasets.alzheimer.source import CLASSES, CONTENT_SHA256
from cluscam_lite.datasets.phantoms.phantom import GRADES, make_phantom, neighbour, phantom_pixels
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import atomic_path, output_folder

THRESHOLDS = np.round(np.arange(0.950, 0.9951, 0.0025), 4)
BINS = np.round(np.arange(0.60, 1.0001, 0.005), 3)  # of similarity, for histograms
DRAWS = 1999
SCAN_SEED = 1 << 20  # the phantoms of scans are none of any other collection


@dataclass(frozen=True)
class SlicesOfScans:
    """Images with their labels, and, where it is known, the scan that each is from.

    `pixels` (N, H, W) uint8; `labels`, `scans` (N,) int.
    """

    pixels: np.ndarray
    labels: np.ndarray
    scans: np.ndarray


def phantom_scans(brains: int = 40, slices: int = 8, seed: int = 0) -> SlicesOfScans:
    """Neighbouring slices of several phantom brains: like a data set that does not name its patients."""
    heads = [make_phantom(SCAN_SEED + seed * 10_000 + b, b % GRADES) for b in range(brains)]
    steps = range(-(slices // 2), slices - slices // 2)
    pixels = np.stack([phantom_pixels(neighbour(head, step)) for head in heads for step in steps])
    scans = np.repeat(np.arange(brains), slices)
    return SlicesOfScans(pixels, scans % GRADES, scans)


def component_curve(images: Tensor, labels: np.ndarray, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """The components of the images (N, D) when pairs at least as similar as a threshold are joined.

    A row for each threshold: `components`, the size of the `smallest` and the `largest`, and `same label`: percent of
    the joined pairs that agree in their class.
    """
    i, j, similarity = pairs_above(images, min(thresholds))
    found = []
    for threshold in thresholds:
        kept = similarity >= threshold
        sizes = np.bincount(components(len(labels), i[kept], j[kept]))
        same = 100 * float((labels[i[kept]] == labels[j[kept]]).mean()) if kept.any() else np.nan
        row = {"threshold": float(threshold), "components": len(sizes), "smallest": sizes.min(), "largest": sizes.max()}
        found.append(row | {"same label": same})
    return pd.DataFrame(found)


def plateau(curve: pd.DataFrame) -> dict[str, float]:
    """The longest run of thresholds at which the number of components does not change: `low`, `high`, `components`.

    This justifies a threshold: within the run, the choice does not matter.
    """
    ordered = curve.sort_values("threshold")
    numbered = zip(ordered["components"], ordered["threshold"], strict=True)
    runs = [(n, [t for _, t in run]) for n, run in groupby(numbered, key=lambda pair: pair[0])]
    n, run = max(runs, key=lambda one: len(one[1]))
    return {"low": run[0], "high": run[-1], "components": int(n)}


@dataclass(frozen=True)
class Nearest:
    """For each of n images its nearest of another set: `index` (n,) int64 and `similarity` (n,) in [-1, 1]."""

    index: np.ndarray
    similarity: np.ndarray


def nearest(queries: Tensor, others: Tensor | None = None) -> Nearest:
    """The most similar of `others` (m, D) for each query (n, D); of the other queries if there are no others.

    Raises CluscamError if there is nothing to compare with.
    """
    itself = others is None
    others = queries if itself else others
    if len(others) < 1 + itself:
        raise CluscamError("there is no other image to compare with; give at least two")
    values, places = [], []
    for start, similar in similarities(queries, others):
        if itself:
            similar[torch.arange(len(similar)), torch.arange(start, start + len(similar))] = -torch.inf
        value, place = similar.max(1)
        values.append(value)
        places.append(place)
    return Nearest(torch.cat(places).numpy(), torch.cat(values).numpy())


def one_nearest(images: Tensor, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[Nearest, np.ndarray]:
    """The most similar training image of each test image, and whether it has the same label, (n,) bool."""
    found = nearest(images[test], images[train])
    return found, labels[train][found.index] == labels[test]


def leak_row(
    images: Tensor, labels: np.ndarray, groups: np.ndarray, train: np.ndarray, test: np.ndarray
) -> dict[str, Any]:
    """One split: similarity of test images to the nearest training image, and how well copying its label does.

    `shared`: percent of test images of whose group (component or scan) a training image is known; `accuracy` and
    `balanced` in percent, the former with an interval that resamples whole groups; `median` and `smallest` similarity;
    `counts` in `BINS`. `chance` is what the largest class alone would get.
    """
    found, hit = one_nearest(images, labels, train, test)
    inside = np.isin(groups[test], groups[train])
    interval = bootstrap_interval(100.0 * hit, groups=groups[test], draws=DRAWS)
    recall = [100 * float(hit[labels[test] == k].mean()) for k in np.unique(labels[test])]
    return {
        "train": len(train),
        "test": len(test),
        "groups": int(len(np.unique(groups[test]))),
        "shared": 100 * float(inside.mean()),
        "accuracy": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "balanced": float(np.mean(recall)),
        "chance": 100 * float(np.bincount(labels[test]).max() / len(test)),
        "median": float(np.median(found.similarity)),
        "smallest": float(found.similarity.min()),
        "counts": np.histogram(found.similarity, BINS)[0].tolist(),
    }


def two_splits(scans: SlicesOfScans, share: float = 0.8, seed: int = 0) -> pd.DataFrame:
    """`leak_row` of a random split of the slices, and of a random split of the scans, `share` of them for training."""
    images, rng = features(scans.pixels), np.random.default_rng(seed)
    names = np.unique(scans.scans)
    of_class = [rng.permutation(names[[scans.labels[scans.scans == n][0] == k for n in names]]) for k in range(GRADES)]
    kept = np.concatenate([mine[: round(share * len(mine))] for mine in of_class])
    n = len(scans.labels)
    shuffled = rng.permutation(n)
    splits = {
        "slices": (shuffled[: round(share * n)], shuffled[round(share * n) :]),
        "scans": (np.flatnonzero(np.isin(scans.scans, kept)), np.flatnonzero(~np.isin(scans.scans, kept))),
    }
    rows = [{"split by": name} | leak_row(images, scans.labels, scans.scans, *parts) for name, parts in splits.items()]
    return pd.DataFrame(rows)


def twins(scans: SlicesOfScans, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """A test slice of a random split, its nearest training slice, and how similar they are: (H, W), (H, W), number."""
    order = np.random.default_rng(seed).permutation(len(scans.labels))
    train, test = order[: round(0.8 * len(order))], order[round(0.8 * len(order)) :]
    found, _ = one_nearest(features(scans.pixels), scans.labels, train, test)
    k = int(np.argsort(found.similarity)[len(test) // 2])  # a typical one
    return scans.pixels[test[k]], scans.pixels[train[found.index[k]]], float(found.similarity[k])


def alzheimer_leakage() -> dict[str, Any]:
    """All figures of the Alzheimer slices: the curve of components, the plateau, and a row for each split.

    Raises CluscamError if the slices are missing.
    """
    found = collection()
    images = features(found.pixels)
    curve = component_curve(images, found.labels)
    flat = plateau(curve)
    if not flat["low"] <= THRESHOLD <= flat["high"]:
        raise CluscamError(
            f"the threshold {THRESHOLD} is outside the plateau {flat}; set it anew in datasets.alzheimer"
        )
    groups, splits = found.components, {}
    for split in SPLITS:
        parts = found.parts(split)
        tests = {"test": parts["test"]} | ({"public_test": parts["public_test"]} if "public_test" in parts else {})
        for name, test in tests.items():
            splits[f"{split}, {name}"] = leak_row(images, found.labels, groups, parts["train"], test)
    return {
        "data": CONTENT_SHA256,
        "threshold": THRESHOLD,
        "plateau": flat,
        "components of a class": dict(zip(CLASSES, _components_of_classes(found.labels, groups), strict=True)),
        "bins": BINS.tolist(),
        "curve": curve.to_dict("list"),
        "splits": splits,
    }


def _components_of_classes(labels: np.ndarray, groups: np.ndarray) -> list[int]:
    first = np.unique(groups, return_index=True)[1]
    return np.bincount(labels[first], minlength=len(CLASSES)).tolist()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 if something is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    try:
        figures: Mapping[str, Any] = alzheimer_leakage()
        output_folder(options.out.parent)
        with atomic_path(options.out) as temporary:
            temporary.write_text(json.dumps(figures, indent=1, default=int) + "\n", encoding="utf-8")
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(pd.DataFrame(figures["splits"]).drop("counts").to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
