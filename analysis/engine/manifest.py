"""The manifest of a results folder: what it holds and what made it. Written last, when every cell is there."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from analysis.engine.cell import Cell
from analysis.engine.contract import Study
from analysis.engine.reading import combine
from analysis.engine.store import SKIPPED, Store
from analysis.run.provenance import provenance

# parameters of a profile that are left out: `measured` says what was measured, and plans of shipped profiles differ
MEASURED = ("dataset", "part", "models", "n_images")
ORIGIN = ("commit", "modified", "python", "platform", "cpus", "device", "versions")


def origin() -> dict[str, Any]:
    """What this process makes cells with: commit, versions and device, without paths or the name of the host."""
    found = provenance()
    return {name: found[name] for name in ORIGIN}


def make_manifest(study: Study, cells: Sequence[Cell], store: Store, profile: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a folder in which every cell is done.

    Raises FileNotFoundError or Damaged if a cell is not done, CluscamError if a row is doubled.
    """
    given = provenance(parameters=profile)["parameters"]
    files = [store.load(cell) for cell in cells]
    rows = combine(study, [file.table for file in files])
    skipped = {image: reason for file in files for image, reason in file.record.get(SKIPPED, {}).items()}
    finished = sorted(file.record["finished"] for file in files)
    return {
        "study": study.name,
        "version": study.version,
        "profile": {name: value for name, value in given.items() if name not in MEASURED},
        "measured": measured(cells),
        "seeds": sorted({cell.seed for cell in cells}),
        "weights": {cell.model: cell.settings["weights"] for cell in cells if "weights" in cell.settings},
        "images": rows["image_id"].nunique(),
        "rows": len(rows),
        **({SKIPPED: skipped} if skipped else {}),
        "seconds": round(sum(file.record["seconds"] for file in files), 3),
        "first cell finished": finished[0],
        "last cell finished": finished[-1],
        "origins": made_with(file.record for file in files),
        "cells": [
            {
                "name": cell.name,
                "hash": cell.hash,
                "sha256": file.sha256,
                "rows": file.table.num_rows,
                "seconds": file.record["seconds"],
            }
            for cell, file in zip(cells, files, strict=True)
        ],
    }


def made_with(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The origins in the records of cells: each combination of commit, versions and device once, with its `cells`."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        one = {name: record["origin"][name] for name in ORIGIN}
        found.setdefault(json.dumps(one, sort_keys=True), one | {"cells": 0})["cells"] += 1
    return list(found.values())


def measured(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """What the cells measure: an entry for each data set, part, network and layer, with its methods and images."""
    names = ["dataset", "part", "model", "layer"]
    each = [(*(getattr(cell, name) for name in names), cell.method, image) for cell in cells for image in cell.images]
    groups = pd.DataFrame(each, columns=[*names, "method", "image"]).groupby(names, sort=False)
    return [
        dict(zip(names, where, strict=True))
        | {"methods": list(mine["method"].unique()), "images": mine["image"].nunique()}
        for where, mine in groups
    ]


def now() -> str:
    """The time in UTC to the second, as text that sorts by time."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
