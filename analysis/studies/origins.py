"""What the rows of the reference run were made with: devices, versions and commits, as the studies recorded them."""

from pathlib import Path

import pandas as pd

from analysis.engine.store import Store
from analysis.paths import REFERENCE

GROUP = ("study", "device", "PyTorch")
COLUMNS = (*GROUP, "cells", "images", "commits", "modified cells", "modified images")


def origins_table(folder: Path = REFERENCE) -> pd.DataFrame:
    """A row for each study, device and version of PyTorch: how many cells, with how many images, of how many commits.

    An image counts once in each cell that it is in, that is, for each network, layer, method and variant. Those of
    cells that were made with uncommitted changes are counted again as `modified`. Studies without a cell are left out.
    """
    found = []
    for place in sorted(path.parent for path in folder.glob("*/configuration.json")):
        store = Store(place)
        for cell in store.configuration() or ():
            if (record := store.record(cell)) is None:
                continue
            origin = record["origin"]
            changed = origin["modified"] is not False
            about = (place.name, origin["device"], origin["versions"].get("torch", "unknown"))
            n = len(cell.images)
            found.append((*about, 1, n, origin["commit"], int(changed), n * changed))
    counts = dict.fromkeys(("cells", "images", "modified cells", "modified images"), "sum") | {"commits": "nunique"}
    table = pd.DataFrame(found, columns=list(COLUMNS)).groupby(list(GROUP), sort=False).agg(counts).reset_index()
    return table[list(COLUMNS)]
