"""How far words depend on the way of analysis: the ways of a claim, what each choice does, networks taken together."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from analysis.judging.counts import claim_verdicts
from analysis.judging.ledger import all_claims
from analysis.judging.rules import NOT_RUN, NOT_TESTED, combine
from analysis.judging.sources import Claim
from analysis.judging.ways.specifications import specification_table
from analysis.page.empty import table_of
from analysis.statistics.random_effects import random_effects
from analysis.studies.registry import find_study
from analysis.studies.rows import reference_rows
from cluscam_lite.errors import unknown

ALL, MOST, FEW = "all", "more than half", "half or fewer"
SHARES = (ALL, MOST, FEW)
NETWORKS = 3  # the fewest that say anything of their spread
NORMAL = 1.959964  # standard errors to either side of a 95 % interval


def claim_of(claim_id: str) -> Claim:
    """The claim of this id. Raises UnknownName for none."""
    claims = {claim["id"]: claim for claim in all_claims()}
    if claim_id not in claims:
        raise unknown("claim", claim_id, claims)
    return claims[claim_id]


@lru_cache(maxsize=4)
def _rows(study: str) -> pd.DataFrame:
    return reference_rows(find_study(study))


@lru_cache(maxsize=64)
def ways_of(claim_id: str) -> pd.DataFrame:
    """A claim's specification table on the reference run: a row for each way and block; empty if there is no choice."""
    claim = claim_of(claim_id)
    return specification_table(_rows(claim["study"]), claim)


def dimensions(ways: pd.DataFrame) -> list[str]:
    """The columns of a specification table that say what was chosen, where there was more than one choice."""
    after = list(ways.columns)[list(ways.columns).index("way") + 1 :] if len(ways) else []
    return [name for name in after if ways[name].nunique() > 1]


def effect_columns(claim: Claim) -> tuple[str, str, str, str]:
    """The estimate that the claim's rule reads, its two limits, and its unit in words."""
    if claim["thresholds"]["unit"] == "points":
        return "mean", "low", "high", "percentage points"
    return "d_z", "d_z low", "d_z high", "d_z"


def share_of(holds: float, of: float) -> str:
    """One of `SHARES`."""
    return ALL if holds == of else MOST if holds > of / 2 else FEW


def judged_blocks(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a ledger whose word was found again in other ways: with `share`, one of `SHARES`."""
    found = table[(table["model"] != "") & table["of"].fillna(0).gt(0)].copy()
    found["share"] = [share_of(row["holds"], row["of"]) for _, row in found.iterrows()]
    return found


def claims_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each claim: whose, `verdict`, how it `holds` and `of` how many ways, in how many ways it is which
    (`ways`, a dict), and how many of its blocks hold in each of `SHARES`.
    """
    verdicts = claim_verdicts(table).set_index("claim")
    found = []
    for claim, mine in judged_blocks(table).groupby("claim", sort=False):
        verdict, ways = verdicts.loc[claim, "verdict"], json.loads(mine["ways"].iloc[0])
        row = {"claim": claim, "whose": verdicts.loc[claim, "whose"], "verdict": verdict}
        row |= {"holds": ways.get(verdict, 0), "of": sum(ways.values()), "ways": ways}
        counts = mine["share"].value_counts().reindex(SHARES, fill_value=0)
        found.append(row | {name: int(n) for name, n in counts.items()})
    return table_of(found, "claim", "whose", "verdict", "holds", "of", "ways", *SHARES)


def choices_table(ways: pd.DataFrame, words: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """What each choice does: `dimension`, `choice`, and in what share of its blocks and ways the word of the ledger
    (`words`, by network and layer) holds. Only ways that could be computed count.
    """
    ran = ways[ways["verdict"] != NOT_RUN] if len(ways) else ways
    same = [row["verdict"] == words.get((row["model"], row["panel"])) for _, row in ran.iterrows()]
    same, found = pd.Series(same, index=ran.index, dtype=bool), []
    for dimension in dimensions(ran):
        for choice, mine in ran.groupby(dimension, sort=False):
            holds = int(same[mine.index].sum())
            found.append({"dimension": dimension, "choice": choice, "holds": holds, "of": len(mine)})
    return table_of(found, "dimension", "choice", "holds", "of")


def words_of(table: pd.DataFrame, claim_id: str) -> dict[tuple[str, str], str]:
    """The ledger's words of a claim by network and layer."""
    mine = table[(table["claim"] == claim_id) & (table["model"] != "")]
    return {(row["model"], row["panel"]): row["verdict"] for _, row in mine.iterrows()}


def verdicts_by_way(ways: pd.DataFrame) -> pd.Series:
    """The claim's verdict over its networks in each way."""
    return ways.groupby("way").apply(
        lambda way: combine(zip(way["model"], way["verdict"], strict=True)), include_groups=False
    )


def pooled_table(table: pd.DataFrame) -> pd.DataFrame:
    """Random effects over the networks of each claim that has at least `NETWORKS` with d_z, each by its first layer.

    Standard errors are read off the 95 % intervals. Columns: `claim`, `networks`, the estimate of d_z over networks
    with its interval, `tau` (the standard deviation between networks), the interval in which the next one is expected.
    """
    found: list[dict[str, Any]] = []
    ran = table[(table["model"] != "") & table["d_z low"].notna() & ~table["verdict"].isin([NOT_RUN, NOT_TESTED])]
    for claim, mine in ran.groupby("claim", sort=False):
        first = mine.drop_duplicates("model")
        if len(first) < NETWORKS:
            continue
        errors = (first["d_z high"] - first["d_z low"]).to_numpy(float) / (2 * NORMAL)
        over = random_effects(first["d_z"].to_numpy(float), errors)
        row = {"claim": claim, "networks": len(first), "d_z": over.estimate, "low": over.low, "high": over.high}
        found.append(row | {"tau": over.tau, "next low": over.next_low, "next high": over.next_high})
    return table_of(found, "claim", "networks", "d_z", "low", "high", "tau", "next low", "next high")


def order_of(estimates: pd.Series) -> np.ndarray:
    """Positions that sort the estimates of a block's ways, those without one last."""
    return np.argsort(estimates.to_numpy(float), kind="stable")
