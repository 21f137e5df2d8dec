"""Networks that nobody here wrote: one of each kind in timm and torchvision, explained without naming a layer.

`architectures.csv` names them, and the layer that a specialist would read: the deepest maps of which timm itself tells
(`feature_info`), or what follows it in the network. ``python -m analysis.oracles.architectures --save`` makes
`results/architectures.parquet`, which the book shows. Weights are random: nothing here depends on what a network knows.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from analysis.engine.manifest import now, origin
from analysis.paths import ARCHITECTURES
from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError, reason_of
from cluscam_lite.files import atomic_path
from cluscam_lite.models.elsewhere.libraries import of_timm, of_torchvision
from cluscam_lite.models.loaded import enliven, with_random_weights

TABLE = Path(__file__).with_suffix(".csv")
LIBRARIES = {"timm": of_timm, "torchvision": of_torchvision}
K = 4
WORKING, SPECIALIST = 137 / 139, 134 / 139  # shares of the networks that must work, and with a specialist's layer


@dataclass(frozen=True)
class Architecture:
    """One network of a library.

    Attributes:
        name: "timm:NAME" or "torchvision:NAME".
        layers: names that a specialist would give.
        quick: whether the tests look at it, too.
    """

    name: str
    layers: tuple[str, ...]
    quick: bool


def architectures() -> list[Architecture]:
    """The networks of `architectures.csv`, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Architecture(row["name"], tuple(row["layers"].split()), bool(row["quick"])) for row in csv.DictReader(file)
        ]


def looked_at(one: Architecture) -> dict[str, Any]:
    """What happens when a new user explains this network without naming a layer: one row."""
    library, _, name = one.name.partition(":")
    start = time.monotonic()
    usual = LIBRARIES[library](name)
    network = with_random_weights(usual.build)
    enliven(network)
    x = torch.rand(1, 3, usual.size, usual.size, generator=torch.Generator().manual_seed(0))
    row = {"library": library, "name": name, "pixels": usual.size, "layer": "", "read_as": "", "said": ""}
    try:
        e = ClusCAM(network, n_clusters=K)(x)
    except Exception as error:  # whatever it is, a new user would see it
        row["said"] = reason_of(error)
    else:
        row |= {"layer": e.layer, "read_as": e.notes[0].removeprefix("maps: ")}
    works = not row["said"] and tuple(e.saliency.shape[1:]) == (usual.size, usual.size)
    wanted = " or ".join(one.layers)
    row |= {"works": works, "specialist": wanted, "same": row["layer"] in one.layers}
    return row | {"parameters": sum(p.numel() for p in network.parameters()), "seconds": time.monotonic() - start}


def sweep(these: Iterable[Architecture], progress: Callable[[str], None] = lambda line: None) -> pd.DataFrame:
    """One row for each network, in order."""
    rows = []
    for one in these:
        rows.append(looked_at(one))
        row = rows[-1]
        progress(f"{one.name}: {row['layer'] or row['said']}{'' if row['same'] else ', not ' + row['specialist']}")
    return pd.DataFrame(rows)


def architectures_table(root: str | None = None) -> pd.DataFrame:
    """How many networks work, and with a specialist's layer, against how many must (the data root is not needed)."""
    found = sweep(architectures(), lambda line: print(line, flush=True))
    rows = []
    for what, column, share in (("explained", "works", WORKING), ("a specialist's layer", "same", SPECIALIST)):
        at_least = -int(-share * len(found) // 1)
        rows.append({"what": what, "of": len(found), "at least": at_least, "found": int(found[column].sum())})
    table = pd.DataFrame(rows)
    table["pass"] = table["found"] >= table["at least"]
    return table


def save(found: pd.DataFrame, path: Path = ARCHITECTURES) -> None:
    """Write the rows with where and when they were made."""
    record = {b"origin": json.dumps({"made": now(), **origin()}).encode()}
    table = pa.Table.from_pandas(found, preserve_index=False).replace_schema_metadata(record)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)


def saved(path: Path = ARCHITECTURES) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The committed rows and their origin. Raises CluscamError if they are not there."""
    if not path.is_file():
        raise CluscamError(f"there is no {path.name}; make it with `python -m analysis.oracles.architectures --save`")
    table = pq.read_table(path, use_threads=False)
    return table.to_pandas(use_threads=False), json.loads(table.schema.metadata[b"origin"])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m analysis.oracles.architectures", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--save", action="store_true", help=f"write results/{ARCHITECTURES.name}")
    arguments = parser.parse_args(argv)
    found = sweep(architectures(), lambda line: print(line, flush=True))
    print(f"{found['works'].sum()} of {len(found)} explained, {found['same'].sum()} with a specialist's layer")
    if arguments.save:
        save(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
