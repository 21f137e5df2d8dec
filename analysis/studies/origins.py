"""What the rows of the reference run were made with: devices, versions and commits, as the studies recorded them."""

from pathlib import Path
from typing import Any

import pandas as pd

from analysis.engine.manifest import made_with
from analysis.engine.store import Store
from analysis.paths import REFERENCE

COLUMNS = ("study", "device", "PyTorch", "cells", "commits", "of them modified")


def origins_table(folder: Path = REFERENCE) -> pd.DataFrame:
    """A row for each study, device and version of PyTorch: how many cells, of how many commits.

    `of them modified` counts cells that were made with uncommitted changes. Studies without a cell
    are left out.
    """
    found = [
        (
            place.name,
            one["device"],
            one["versions"].get("torch", "unknown"),
            one["cells"],
            one["commit"],
            one["cells"] * (one["modified"] is not False),
        )
        for place in sorted(path.parent for path in folder.glob("*/configuration.json"))
        for one in _origins(Store(place))
    ]
    table = pd.DataFrame(found, columns=list(COLUMNS)).groupby(list(COLUMNS[:3]), sort=False)
    return table.agg({"cells": "sum", "commits": "nunique", "of them modified": "sum"}).reset_index()


def _origins(store: Store) -> list[dict[str, Any]]:
    """What made the cells of a folder: as its manifest says, or cell by cell where it has none."""
    manifest = store.manifest()
    if manifest is not None:
        return manifest["origins"]
    done = [cell for cell in store.configuration() or () if store.path(cell).exists()]
    return made_with(store.load(cell).record for cell in done)
