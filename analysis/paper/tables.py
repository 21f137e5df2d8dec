"""The numbers that the paper prints, from `analysis/paper/*.csv`."""

from functools import lru_cache

import pandas as pd

from analysis.paths import PAPER

FAMILY = {"cnn": "CNN", "transformer": "VT"}
TABLE_OF = {"AD": 5, "IC": 5, "AG": 5, "EP": 4, "LE": 4}
# the paper's networks that the registry has a version of outside its own weights
PRINTED_AS = {"resnet50_v1": "ResNet-50"}


@lru_cache
def paper_table(number: int) -> pd.DataFrame:
    """Table 1 to 6 as tidy rows. All but Table 3: dataset, model, family ("CNN", "VT"), method, metric, value, ...

    Table 3: model, name (in the registry), family, K, r_percent, tau (as printed), and row_certainty: its columns were
    taken apart by the text's extraction, and of two rows the network's name is probable only.
    """
    return pd.read_csv(PAPER / f"table{number}.csv")


def chosen(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    """The rows of a table that have these values in the columns of their names."""
    return table[(table[list(values)] == pd.Series(values)).all(axis=1)]


def paper_means(metric: str, family: str) -> pd.Series:
    """A metric of ILSVRC (AD, IC, AG, EP or LE) by method, the mean over the paper's six networks of a family."""
    mine = chosen(paper_table(TABLE_OF[metric]), metric=metric, family=FAMILY[family])
    return mine.groupby("method", sort=False)["value"].mean()


def paper_network(metric: str, model: str) -> pd.Series:
    """A metric of ILSVRC by method on one network, named as the paper prints it ("ResNet-50")."""
    return chosen(paper_table(TABLE_OF[metric]), metric=metric, model=model).set_index("method")["value"]


def paper_alzheimer(metric: str, model: str | None = None) -> pd.Series:
    """A metric of the Alzheimer set (AD, IC or AG, Table 6) by method: on one network, or means over twelve."""
    mine = chosen(paper_table(6), metric=metric, **({"model": model} if model else {}))
    return mine.groupby("method", sort=False)["value"].mean()
