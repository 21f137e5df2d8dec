"""What the rows of the reference run were made with: devices, versions and commits, from the studies' own records."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.engine.store import Store
from analysis.paths import REFERENCE

COLUMNS = ("study", "device", "PyTorch", "cells", "commits", "of them modified")


def origins_table(folder: Path = REFERENCE) -> pd.DataFrame:
    """A row for each study, device and version of PyTorch: how many cells, of how many commits.

    `of them modified` counts cells that were made with files that their commit does not hold. Studies without a cell
    are left out.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for place in sorted(path.parent for path in folder.glob("*/configuration.json")):
        for one, cells in _origins(place):
            key = (place.name, one["device"], one["versions"].get("torch", "unknown"))
            entry = found.setdefault(key, {"cells": 0, "commits": set(), "modified": 0})
            entry["cells"] += cells
            entry["commits"].add(one["commit"])
            entry["modified"] += cells * (one["modified"] is not False)
    rows = [(*key, one["cells"], len(one["commits"]), one["modified"]) for key, one in found.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _origins(place: Path) -> Iterable[tuple[dict[str, Any], int]]:
    """What made the cells of a folder, with their number: as its manifest says, or cell by cell where it has none."""
    store = Store(place)
    manifest = store.manifest()
    if manifest is not None:
        return [(one, one["cells"]) for one in manifest["origins"]]
    made: dict[str, int] = {}
    for cell in store.configuration() or ():
        if store.path(cell).exists():
            key = json.dumps(store.load(cell).record["origin"], sort_keys=True)
            made[key] = made.get(key, 0) + 1
    return [(json.loads(key), cells) for key, cells in made.items()]
