"""Why a block has its word, and what a claim's rule is, in words from the numbers that decide."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.rules import FEWEST, NEGLIGIBLE, REVERSED, SUPPORTED, UNDECIDED, UNINFORMATIVE, Thresholds

KEPT = {"at_least": "at least", "at_most": "at most", "below": "below", "more_than": "more than"}


def because(row: pd.Series, thresholds: Thresholds) -> str:
    """The reason for the word of a judged block (`rules.judge`), "" for one that has not run."""
    word = row["verdict"]
    if thresholds["rule"] == "limits":
        said = {SUPPORTED: _limit(thresholds["supported"]), REVERSED: _limit(thresholds["reversed"])}
        if word in said:
            return f"every value is {said[word]}"
        return f"not every value is {', nor every one '.join(said.values())}" if word == UNDECIDED else ""
    return "; ".join(
        f"{name}: {text}" if name else text
        for name in thresholds.get("of", [""])
        if (text := _of_effect(row, thresholds, f"{name} ".lstrip(), word))
    )


def _limit(limit: Mapping[str, float]) -> str:
    ((kind, bound),) = limit.items()
    return f"{KEPT[kind]} {bound:g}"


def _of_effect(row: pd.Series, thresholds: Thresholds, name: str, word: str) -> str:
    """The reason of one effect of a block."""
    points, sesoi = thresholds["unit"] == "points", thresholds["sesoi"]
    what, margin = ("the estimate", f"{sesoi:g} points") if points else ("d_z", f"{sesoi:g}")
    if word == UNINFORMATIVE:
        differ = f"the two sides differ on {row.get('differing')} of {row.get('n')} {row.get('counted', 'images')}"
        return row.get("uninformative") or differ
    if word not in (SUPPORTED, REVERSED, NEGLIGIBLE, UNDECIDED):
        return ""
    low, high = row[f"{name}low"], row[f"{name}high"]
    least, most = (low, high) if points else (row[f"{name}d_z low"], row[f"{name}d_z high"])
    side = "above 0" if low > 0 else "below 0" if high < 0 else ""
    inside = -sesoi < least and most < sesoi
    if word == NEGLIGIBLE and inside:
        return f"the interval of {what} lies within ±{margin}"
    if word != UNDECIDED:
        return f"the interval is {side}, and {what} is {margin} or more" if side else ""
    if inside:
        return f"the interval of {what} lies within ±{margin}, but the corrected p of equivalence is not small enough"
    if not side:
        return f"the interval holds 0, and effects of {margin}"
    estimate = row[f"{name}mean"] if points else row[f"{name}d_z"]
    if abs(estimate) < sesoi:
        return f"the interval is {side}, but {what} is smaller than {margin}"
    return f"the interval is {side}, but the corrected p is not below {thresholds['alpha']:g}"


def rule_text(claim: Mapping[str, Any]) -> str:
    """The rule of a claim in a sentence or two, from its thresholds; for limits in the claim's own words."""
    if "decide" in claim:
        own = {word: " ".join(text.split()) for word, text in claim["decide"].items()}
        return f"supported if {own['supported']}; reversed if {own['reversed']}; else undecided"
    thresholds = claim["thresholds"]
    points = thresholds["unit"] == "points"
    what, margin = ("estimate", f"{thresholds['sesoi']:g} points") if points else ("d_z", f"{thresholds['sesoi']:g}")
    several = f"for {' and '.join(thresholds['of'])}: " if "of" in thresholds else ""
    return (
        f"{several}supported if the interval is above 0, the {what} is at least {margin} and the corrected p is below "
        f"{thresholds['alpha']:g}; reversed if the same holds of the other side; negligible if the interval of the "
        f"{what} lies within ±{margin} and the corrected p of equivalence is below {thresholds['alpha']:g}; "
        f"uninformative if the two sides differ on fewer than {FEWEST} images, both shares lie at one end, or the "
        "network answers one class on all; else undecided"
    )
