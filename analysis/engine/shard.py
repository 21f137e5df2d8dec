"""Shards: the cells of a study dealt out to several runs, at once or one after another."""

from collections.abc import Sequence

from analysis.engine.cell import Cell
from cluscam_lite.errors import CluscamError


def parse_shard(text: str) -> tuple[int, int]:
    """ "2/3" as (2, 3): the second of three shards. Raises CluscamError for anything else."""
    i, _, n = text.partition("/")
    if i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n):
        return int(i), int(n)
    raise CluscamError(f"the shard {text!r} is not of the form i/n with 1 <= i <= n; write 2/3 for the second of three")


def of_shard(cells: Sequence[Cell], shard: tuple[int, int]) -> list[Cell]:
    """Every n-th cell, from the i-th on, for the shard (i, n)."""
    i, n = shard
    if not 1 <= i <= n:
        raise CluscamError(f"the shard {i}/{n} does not exist; i must be from 1 to n")
    return list(cells[i - 1 :: n])
