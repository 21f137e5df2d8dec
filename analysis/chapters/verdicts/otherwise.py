"""What becomes of a claim that is read in another way: the words of the ledger's column `readings`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.ledger import all_claims
from analysis.judging.rules import WORDS, combine

PUBLIC = "OptiCAM, objective norm"  # the objective of the paper's public code
MEAN = "baseline: the mask of the mean of all maps"


def reading_words(name: str, blocks: pd.DataFrame) -> list[str]:
    """The word of one reading in each network and layer of a claim; `blocks` without that reading are left out."""
    said = [text for row in blocks["readings"].fillna("") for text in row.split("; ") if text.startswith(f"{name}:")]
    return [text.rpartition(", ")[2] for text in said]


def reading_verdicts(claim: Mapping[str, Any], blocks: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Reading -> its verdict over the networks of the claim, and its words: "reversed in 5 of 5"."""
    found = {}
    for reading in claim.get("readings", []):
        words = reading_words(reading["name"], blocks)
        if len(words) == len(blocks):
            counts = [f"{word} in {n}" for word in WORDS if (n := words.count(word))]
            verdict = combine(zip(blocks["model"], words, strict=True))
            found[reading["name"]] = verdict, f"{', '.join(counts)} of {len(words)}"
    return found


def read_so(table: pd.DataFrame, claim: str, name: str) -> tuple[str, str]:
    """`reading_verdicts` of one claim of a ledger and one of its readings."""
    blocks = table[(table["claim"] == claim) & (table["model"] != "")]
    return reading_verdicts(next(one for one in all_claims() if one["id"] == claim), blocks)[name]
