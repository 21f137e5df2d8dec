"""What the page `architectures` shows of the committed sweep: its numbers as texts, and its tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def texts(found: pd.DataFrame, origin: Mapping[str, Any]) -> dict[str, str]:
    """What the page says of the sweep, for `glue`."""
    return {
        "n": str(len(found)),
        "works": str(int(found["works"].sum())),
        "same": str(int(found["same"].sum())),
        "others": str(int((~found["same"]).sum())),
        "kinds": ", ".join(f"{n} as {kind}" for kind, n in how_read(found).items()),
        "made": str(origin["made"])[:10],
        "commit": str(origin["commit"])[:10],
    }


def how_read(found: pd.DataFrame) -> dict[str, int]:
    """How many networks' layers were read in which way, the most frequent first."""
    kind = found["read_as"].str.extract(r"\((\w+)")[0]
    names = {"NCHW": "convolutional maps", "NHWC": "maps with channels last", "tokens": "tokens"}
    return {names[str(key)]: int(n) for key, n in kind.value_counts().items()}


def whole_table(found: pd.DataFrame) -> pd.DataFrame:
    """Every network: the layer that was found, and how it is read."""
    table = found.assign(
        network=found["library"] + ":" + found["name"],
        layer=found["layer"].where(found["works"], "none: " + found["said"]),
        **{"parameters, M": found["parameters"] / 1e6, "a specialist's": found["same"].map({True: "yes", False: "no"})},
    )
    columns = ["network", "parameters, M", "pixels", "layer", "read_as", "a specialist's"]
    return table[columns].rename(columns={"read_as": "read as"})


def others_table(found: pd.DataFrame) -> pd.DataFrame:
    """The networks whose layer is not a specialist's, and which that would be."""
    rows = found[~found["same"]]
    return pd.DataFrame(
        {
            "network": rows["library"] + ":" + rows["name"],
            "found": rows["layer"].where(rows["works"], "none: " + rows["said"]),
            "a specialist's": rows["specialist"],
        }
    )
