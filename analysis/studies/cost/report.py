"""An estimate's record as tables and sentences, for the terminal and for a page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.engine.progress import duration
from cluscam_lite import get_spec

HOUR, GIGA = 3600, 1e9
TOGETHER = "together"
Record = Mapping[str, Any]


def rates_table(record: Record) -> pd.DataFrame:
    """A row for each network and layer: passes a second forward, of the head and back, and milliseconds of K-Means."""
    return pd.DataFrame(
        {
            "network": get_spec(one["network"]).title,
            "layer": one["layer"],
            "pixels": one["pixels"],
            "maps": one["maps"],
            "forward / s": 1 / one["seconds forward"],
            "head / s": 1 / one["seconds head"],
            "backward / s": 1 / one["seconds backward"] if one["seconds backward"] else float("inf"),
            "K-Means, ms": 1000 * one["seconds groupings"],
        }
        for one in record["networks"]
    )


def costs_table(record: Record) -> pd.DataFrame:
    """A row for each study and one for all: explained images, millions of passes, hours, and gigabytes of rows."""
    table = pd.DataFrame(
        {
            "study": one["study"],
            "images": one["images"],
            "forward, M": one["forward"] / 1e6,
            "head, M": one["head"] / 1e6,
            "backward, M": one["backward"] / 1e6,
            "hours": one["seconds"] / HOUR,
            "rows, GB": float("nan") if one["bytes"] is None else one["bytes"] / GIGA,
        }
        for one in record["studies"]
    )
    whole = table.drop(columns="study").sum()
    return pd.concat([table, pd.DataFrame([{"study": TOGETHER, **whole}])], ignore_index=True).astype({"images": int})


def downloads_text(record: Record) -> str:
    """What has to be downloaded first, in a sentence."""
    missing = record["to download"]
    if not missing:
        return "All weights are on this machine."
    size = sum(one["bytes"] for one in missing) / GIGA
    names = ", ".join(one["network"] for one in missing)
    return f"Weights to be downloaded: about {size:.2f} GB ({names})."


def for_terminal(record: Record) -> str:
    """The whole estimate as text."""
    rates, costs = rates_table(record), costs_table(record)
    whole = costs.iloc[-1]["hours"] * HOUR
    return "\n".join(
        [
            f"The profile {record['profile']} on this machine ({record['origin']['device']}), by rates that were "
            f"measured with random weights for about {duration(record['seconds of measuring'])}:",
            "",
            rates.to_string(index=False, float_format=_plain),
            "",
            costs.to_string(index=False, float_format=_plain, na_rep="-"),
            "",
            f"In all about {duration(whole)}, one image after the other. {downloads_text(record)}",
            "No study keeps its maps: they take no room. Nothing has been run.",
        ]
    )


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
