"""The paper's own rules compared with its text: Eq. 10 (temperature) and Algorithm 2 (number of groups)."""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.paper.tables import paper_table
from analysis.paths import PAPER
from cluscam_lite.tuning.elbow import curvature, slopes


def eq10(counted: ArrayLike) -> np.ndarray:
    """tau = 1 / log(1 + counted), natural logarithm; `counted` is r K in the paper."""
    return 1 / np.log1p(np.asarray(counted, dtype=float))


def table3_readings() -> pd.DataFrame:
    """Table 3's tau beside Eq. 10 with the dropped groups, r K (as printed), and with the kept ones, (1 - r) K.

    `dropped fits` and `kept fits`: equal to the printed tau within its two decimals.
    """
    table = paper_table(3)
    r, k, printed = table["r_percent"] / 100, table["K"], table["tau"]
    found = table[["model", "K", "r_percent", "tau"]].assign(dropped=eq10(r * k), kept=eq10((1 - r) * k))
    for name in ("dropped", "kept"):
        found[f"{name} fits"] = (found[name] - printed).abs() <= 0.005 + 1e-9
    return found


def least_dropped() -> float:
    """The smallest r K for which tau is at most 1, as Section 3.3 demands: e - 1."""
    return math.e - 1


def algorithm2(candidates: ArrayLike, proxy: ArrayLike) -> pd.DataFrame:
    """Algorithm 2 on a curve P (M,) over candidates K (M,), ascending: slope S and curvature C, NaN where undefined.

    The step that the paper leaves out is filled in as in `cluscam_lite.tuning.elbow`: S is computed from the second
    candidate on. Raises CluscamError for fewer than three candidates, or not in ascending order.
    """
    grid = [int(k) for k in candidates]
    values = np.asarray(proxy, dtype=float)
    columns = {"S": [np.nan, *slopes(grid, values)], "C": [np.nan, np.nan, *curvature(grid, values)]}
    return pd.DataFrame({"K": grid, "P": values, **columns})


def chosen(table: pd.DataFrame) -> dict[str, float]:
    """K by the largest curvature (as printed) and by the smallest (the elbow of a curve that saturates)."""
    return {
        "argmax": float(table.loc[table["C"].idxmax(), "K"]),
        "argmin": float(table.loc[table["C"].idxmin(), "K"]),
    }


def saturating(candidates: ArrayLike, scale: float, floor: float = -3.0, rise: float = 2.0) -> np.ndarray:
    """A curve that rises from `floor` and levels off after a few times `scale`: floor + rise (1 - exp(-K / scale))."""
    return floor + rise * (1 - np.exp(-np.asarray(candidates, dtype=float) / scale))


def authors_results(origin: str, measure: str) -> pd.DataFrame:
    """Rows of `analysis/paper/authors_results.csv` of one origin and measure."""
    table = pd.read_csv(PAPER / "authors_results.csv")
    return table[(table["origin"] == origin) & (table["measure"] == measure)].reset_index(drop=True)


def authors_curves() -> dict[str, pd.DataFrame]:
    """Algorithm 2 on the two curves over K that the authors committed for ResNet-18.

    The second is divided by the number of groups kept, int(K / 2): the mean score of a kept group.
    """
    final = authors_results("k_results_resnet18", "logit shift of the final map")
    sums = authors_results("kcluster_avg_results", "sum of the kept groups' scores")
    return {
        "shift of the final map": algorithm2(final["K"], final["value"]),
        "mean score of the kept groups": algorithm2(sums["K"], sums["value"] / (sums["K"] // 2)),
    }
