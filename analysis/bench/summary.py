"""From the rows of a bench to one line for each explainer, and how far one is ahead of another."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.bench.cases import REMOVAL, SEVERAL, SHORTCUT
from analysis.chapters.groundtruth.evidence import share
from analysis.statistics.resampling.intervals import Interval, bootstrap_interval

PARTS = (REMOVAL, SHORTCUT, SEVERAL)
CHANGES = ("drop", "increase", "gain", "drop_matched", "gain_matched", "coverage")
MEANS = ("rho", *CHANGES, "again", "again_overlap", "noise", "others")
DRAWS = 1_999  # resamples of an interval
COSTS = ("forward_passes", "backward_passes", "seconds", "passes_worth")


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One line for each explainer, in the order of the rows.

    Columns: `explainer`, `kind`, `reason`; `cases`, and `flat`, how many maps had no contrast; `found`, the percentage
    of all cases in which the map is highest on the thing that matters most, with Wilson's interval (`found low`,
    `found high`), and `chance`, that of a random map; the same by part (`removal`, `chance removal` and so on; NaN for
    a part without cases); means over scenes of `MEANS` (drop, increase and gain in percent); medians of `COSTS`.
    """
    found = []
    for name in rows["explainer"].unique():
        mine = rows[rows["explainer"] == name]
        ran = mine[mine["reason"] == ""]
        line: dict[str, Any] = {"explainer": name, "kind": mine["kind"].iloc[0]}
        line["reason"] = next((reason for reason in mine["reason"] if reason), "")
        line |= {"cases": len(ran), "flat": int(ran["uniform"].astype(bool).sum())}
        hits = ran["hit"].dropna().astype(float)
        line |= dict(zip(("found", "found low", "found high"), share(hits), strict=True)) if len(hits) else {}
        line["chance"] = 100 * _mean(ran["chance"])
        for part in PARTS:
            of_part = ran[ran["part"] == part]
            line |= {part: 100 * _mean(of_part["hit"]), f"chance {part}": 100 * _mean(of_part["chance"])}
        line |= {key: _mean(ran[key]) for key in MEANS if key in ran}
        line |= {key: float(ran[key].astype(float).median()) for key in COSTS if key in ran}
        found.append(line)
    return pd.DataFrame(found)


def ahead(rows: pd.DataFrame, name: str, other: str, column: str) -> Interval | None:
    """How far the explainer `name` is ahead of `other` in a column: the mean difference over the cases of both.

    Scenes are resampled, not cases (a scene may be in several). None where fewer than two scenes have both.
    """
    keys = ["part", "image_id", "target"]
    ours, theirs = (rows[rows["explainer"] == one].set_index(keys)[column].astype(float) for one in (name, other))
    difference = (ours - theirs).dropna()
    scenes = difference.index.get_level_values("image_id")
    if scenes.nunique() < 2:
        return None
    return bootstrap_interval(difference.to_numpy(), groups=scenes.to_numpy(), draws=DRAWS)


def _mean(values: pd.Series) -> float:
    numbers = values.dropna().astype(float)
    return float(numbers.mean()) if len(numbers) else float(np.nan)
