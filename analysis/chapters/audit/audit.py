"""The arithmetic of the paper's tables, checked from the printed numbers alone.

Values are percent, as printed with two decimals; a difference of two of them is exact to 0.01.
"""

from typing import Any

import numpy as np
import pandas as pd

from analysis.paper.tables import paper_table
from analysis.statistics import wilcoxon

HALF = 0.005  # half of the last printed decimal
LOWER_IS_BETTER = ("AD", "LE")
GROUP = ["dataset", "family"]
OURS = "ClusCAM"


def faithfulness_cells() -> pd.DataFrame:
    """Tables 5 and 6, a row for each data set, network and method (192): columns AD, IC, AG."""
    both = pd.concat([paper_table(5), paper_table(6)])
    index = [*GROUP, "model", "method"]
    wide = both.pivot(index=index, columns="metric", values="value")[["AD", "IC", "AG"]].rename_axis(columns=None)
    return both[index].drop_duplicates().merge(wide.reset_index(), on=index)  # in the order of the tables


def gains_above_increases(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells whose AG exceeds their IC, with the `excess`. Eqs. 12 and 13 allow none: each image's gain is at most 1
    and is 0 where its probability does not rise.
    """
    found = cells.assign(excess=cells["AG"] - cells["IC"])
    return found[found["excess"] > 2 * HALF].reset_index(drop=True)


def without(cells: pd.DataFrame, impossible: pd.DataFrame) -> pd.DataFrame:
    """The cells without the networks that have an impossible cell on that data set.

    Whole networks are left out, so that the methods stay comparable.
    """
    networks = ["dataset", "model"]
    return cells[~cells.set_index(networks).index.isin(impossible.set_index(networks).index)]


def family_means(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation (ddof = 1) over networks: a row for each data set, family, method, metric."""
    long = cells.melt(id_vars=[*GROUP, "model", "method"], var_name="metric", value_name="value")
    found = long.groupby([*GROUP, "method", "metric"], sort=False)["value"]
    return found.agg(mean="mean", sd="std", sd_population=lambda x: x.std(ddof=0), networks="size").reset_index()


def table2_recomputed(cells: pd.DataFrame) -> pd.DataFrame:
    """Table 2 beside what Tables 5 and 6 give for it; `mean fits`, `sd fits`, `population sd fits` within rounding."""
    printed = paper_table(2).drop(columns="model")
    both = printed.merge(family_means(cells), on=[*GROUP, "method", "metric"], validate="one_to_one")
    # the six printed numbers and the mean are each rounded to half of the last decimal
    for name, ours, theirs in (
        ("mean", "mean", "value"),
        ("sd", "sd", "std"),
        ("population sd", "sd_population", "std"),
    ):
        both[f"{name} fits"] = (both[ours] - both[theirs]).abs() <= 2 * HALF + 1e-9
    return both


def ranking(values: pd.Series, metric: str) -> pd.Series:
    """Methods from the best to the worst of one metric; `values` by method."""
    return values.sort_values(ascending=metric in LOWER_IS_BETTER, kind="stable")


def better_by(ours: Any, theirs: Any, metric: str) -> Any:
    """How much better our value of a metric is than theirs; below 0 if it is worse."""
    return theirs - ours if metric in LOWER_IS_BETTER else ours - theirs


def margin(values: pd.Series, metric: str) -> dict[str, object]:
    """ClusCAM's lead over the best other method (above 0: ClusCAM is better), and that method; `values` by method."""
    others = ranking(values.drop(OURS), metric)
    return {"best other": others.index[0], "ahead": float(better_by(values[OURS], others.iloc[0], metric))}


def margins(values: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """`margin` for each group of a tidy table with method, metric and value: columns `by`, best other, ahead."""
    return pd.DataFrame(
        {**dict(zip(by, key, strict=True)), **margin(one.set_index("method")["value"], key[by.index("metric")])}
        for key, one in values.groupby(by, sort=False)
    )


def origins(points: float, metric: str) -> pd.DataFrame:
    """The differences ClusCAM less another method in Table 2 that are `points`: which family, against whom, and the
    other's `rank` among the seven (1: the best of them).
    """
    table, found = paper_table(2), []
    for (dataset, family), one in table[table["metric"] == metric].groupby(GROUP, sort=False):
        values = one.set_index("method")["value"]
        others = ranking(values.drop(OURS), metric)
        for rank, (name, value) in enumerate(others.items(), 1):
            ahead = better_by(values[OURS], value, metric)
            if abs(ahead - points) < HALF:
                found.append({"dataset": dataset, "family": family, "against": name, "rank": rank, "ahead": ahead})
    return pd.DataFrame(found, columns=["dataset", "family", "against", "rank", "ahead"])


def times_best(values: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """In how many networks ClusCAM is best: columns `by`, best, networks. `values` is tidy, with model."""
    per_network = margins(values, [*by, "model"])
    found = per_network.assign(best=per_network["ahead"] > 0).groupby(by, sort=False)["best"]
    return found.agg(best="sum", networks="size").reset_index()


def paired_over_networks(cells: pd.DataFrame, against: str) -> pd.DataFrame:
    """ClusCAM against another method on the six networks of each family: networks won, exact one-sided Wilcoxon p."""
    found = []
    for (dataset, family), one in cells.groupby(GROUP, sort=False):
        for metric in ("AD", "IC", "AG"):
            wide = one.pivot(index="model", columns="method", values=metric)
            ahead = better_by(wide[OURS], wide[against], metric)
            p = wilcoxon(ahead, alternative="greater").p
            row = {"dataset": dataset, "family": family, "metric": metric, "mean ahead": ahead.mean()}
            found.append(row | {"networks won": int((ahead > 0).sum()), "networks": len(ahead), "p": float(p)})
    return pd.DataFrame(found)


def repeated(cells: pd.DataFrame, metrics: tuple[str, ...] = ("AD", "IC")) -> pd.DataFrame:
    """Cells of one network in which two methods have the same printed numbers in all of `metrics`."""
    found = []
    for (dataset, model), one in cells.groupby(["dataset", "model"], sort=False):
        for values, same in one.groupby(list(metrics), sort=False):
            if len(same) > 1:
                row = {"dataset": dataset, "model": model, "methods": " = ".join(same["method"])}
                found.append(row | dict(zip(metrics, np.atleast_1d(values), strict=True)))
    return pd.DataFrame(found)
