"""The manifest of a results folder: what it holds and where that comes from. Written last, when every cell is there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from analysis.engine.cell import Cell
from analysis.engine.contract import Study
from analysis.engine.reading import combine
from analysis.engine.store import Store
from analysis.run.provenance import provenance

# a profile's words for what `measured` tells; the plans of the shipped profiles go by their own
MEASURED = ("dataset", "part", "models", "n_images")
ORIGIN = ("commit", "modified", "python", "platform", "cpus", "device", "versions")


def origin() -> dict[str, Any]:
    """What this process makes cells with: commit, versions, device; no path and no host's name."""
    found = provenance()
    return {name: found[name] for name in ORIGIN}


def make_manifest(study: Study, cells: Sequence[Cell], store: Store, profile: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a folder in which every cell is done.

    `origins` has one entry for each commit, version and device that made some of the cells, with their number.
    Raises FileNotFoundError or Damaged if a cell is not done, CluscamError if a row is doubled.
    """
    given = provenance(parameters=profile)["parameters"]
    files = [store.load(cell) for cell in cells]
    rows = combine(study, [file.table for file in files])
    origins: list[dict[str, Any]] = []
    for file in files:
        made_with = {name: file.record["origin"][name] for name in ORIGIN}
        known = next((o for o in origins if {name: o[name] for name in ORIGIN} == made_with), None)
        if known is None:
            origins.append(known := {**made_with, "cells": 0})
        known["cells"] += 1
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
        "seconds": round(sum(file.record["seconds"] for file in files), 3),
        "first cell finished": finished[0],
        "last cell finished": finished[-1],
        "origins": origins,
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


def measured(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """What the cells are of: an entry for each data set, part, network and layer, with its methods and images."""
    found: dict[tuple[str, ...], tuple[dict[str, None], set[str]]] = {}
    for cell in cells:
        methods, images = found.setdefault((cell.dataset, cell.part, cell.model, cell.layer), ({}, set()))
        methods[cell.method] = None
        images.update(cell.images)
    names = ("dataset", "part", "model", "layer")
    return [
        dict(zip(names, where, strict=True)) | {"methods": list(methods), "images": len(images)}
        for where, (methods, images) in found.items()
    ]


def now() -> str:
    """The time, UTC, to the second; as text it sorts."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
