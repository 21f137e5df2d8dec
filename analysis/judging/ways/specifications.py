"""The specification curve: a claim judged in every way in which a reasonable analyst could have judged it.

What may be chosen depends on the study: `choices(rows, claim)` of `analysis/chapters/STUDY/specifications.py` gives a
`Choice` for each way. Every one is judged by the claim's own rule, Holm's correction included; the registered way is
one of them, or the nearest to one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from analysis.judging.compare import SHARES, at_an_end, equivalence, few_images, tested, turned
from analysis.judging.rules import FEWEST, NOT_RUN, combine, judge
from analysis.judging.sources import Claim
from analysis.judging.ways.choice import Choice
from analysis.statistics.resampling.batch import batch_intervals

DRAWS = 999
NUMBERS = ("mean", "low", "high", "d_z", "d_z low", "d_z high")


def specification_table(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """One row for each way and block: `way`, a column for each dimension, `model`, `panel`, n, estimate and limits of
    mean and d_z, and `verdict`. Empty where the study offers no choice, or has no rows.
    """
    choices = [*_choices(rows, claim)]
    blocks = claim["population"]["blocks"]
    intervals = _intervals(choices, len(blocks))
    found = []
    for way, choice in enumerate(choices):
        table = pd.DataFrame(
            {"model": block["model"], "panel": block["layer"], **_numbers(choice, i, intervals.get((way, i)), claim)}
            for i, block in enumerate(blocks)
        )
        found.append(judge(table, claim["thresholds"]).assign(way=way, **choice.chosen))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def holds(table: pd.DataFrame, words: Sequence[str], blocks: Sequence[Mapping[str, str]]) -> list[tuple[int, int]]:
    """For each block of a claim, in how many of the ways its word is that of `words`, and of how many (x, y)."""
    if not len(table):
        return [(0, 0) for _ in words]
    ran = table[table["verdict"] != NOT_RUN]
    mine = [ran[(ran["model"] == block["model"]) & (ran["panel"] == block["layer"])] for block in blocks]
    return [(int((one["verdict"] == word).sum()), len(one)) for one, word in zip(mine, words, strict=True)]


def verdict_counts(table: pd.DataFrame) -> dict[str, int]:
    """In how many of the ways a claim's verdict over its networks is which; ways that did not run are left out."""
    if not len(table):
        return {}
    ways = (combine(zip(way["model"], way["verdict"], strict=True)) for _, way in table.groupby("way"))
    return dict(Counter(found for found in ways if found != NOT_RUN))


def _choices(rows: pd.DataFrame, claim: Claim) -> Iterable[Choice]:
    """What the claim's study offers; nothing for a study without a module of that name."""
    name = f"analysis.chapters.{claim['study']}.specifications"
    if not len(rows) or find_spec(name) is None:
        return []
    return import_module(name).choices(rows, claim)


def _intervals(choices: Sequence[Choice], blocks: int) -> dict[tuple[int, int], dict[str, float]]:
    """The bootstrap intervals of every way and block, the ways on the same images together."""
    found = {}
    for i in range(blocks):
        together: dict[tuple[str, ...], list[tuple[int, np.ndarray]]] = {}
        for way, choice in enumerate(choices):
            pair = choice.pairs[i] if choice.pairs else None
            if pair is not None and len(pair[0]) >= 2:
                better = turned(pair[0].to_numpy(float), pair[1].to_numpy(float), choice.measure)
                together.setdefault(tuple(pair[0].index.to_numpy(object)), []).append((way, better))
        for group in together.values():
            batch = batch_intervals(np.stack([better for _, better in group]), draws=DRAWS)
            limits = (batch.mean, batch.low, batch.high, batch.d_z, batch.d_z_low, batch.d_z_high)
            for k, (way, _) in enumerate(group):
                found[way, i] = {name: float(values[k]) for name, values in zip(NUMBERS, limits, strict=True)}
    return found


def _numbers(choice: Choice, i: int, interval: Mapping[str, float] | None, claim: Claim) -> dict[str, Any]:
    """What the claim's rule reads of one way and block; only NaN where there is nothing to compare."""
    if choice.numbers:
        return dict(choice.numbers[i])
    pair, thresholds = choice.pairs[i], claim["thresholds"]
    if interval is None or pair is None:
        return dict.fromkeys((*NUMBERS, "p"), np.nan)
    first, second = (side.to_numpy(float) for side in pair)
    better = turned(first, second, choice.measure)
    found = {"n": len(first), **interval, **tested(first, second, choice.measure, student=choice.student)}
    found |= few_images(better, choice.measure)
    points, shares = thresholds["unit"] == "points", choice.measure in SHARES
    least, most = (found["low"], found["high"]) if points else (found["d_z low"], found["d_z high"])
    found |= {"p_equivalence": 1.0, "uninformative": at_an_end(first, second, thresholds["sesoi"]) if shares else ""}
    if -thresholds["sesoi"] < least and most < thresholds["sesoi"]:  # it takes milliseconds, and says nothing elsewhere
        ahead_behind = int((better > 0).sum()), int((better < 0).sum())
        one_each = shares and (found["test"] == "McNemar" or found["differing"] < FEWEST)
        found["p_equivalence"] = equivalence(better, thresholds, ahead_behind if one_each else None)
    return found
