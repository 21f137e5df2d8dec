"""The estimates of a claim on a number line, with the smallest effect that counts and what the paper prints."""

import html
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.compare import SMALL
from analysis.judging.printed import paper_effect
from analysis.judging.rules import NEGLIGIBLE
from analysis.judging.text import network_text
from analysis.page.charts import OWN, PAPER, Dot, Row, dot_chart, number

KEPT = {"at_least": "from {}", "at_most": "up to {}", "below": "below {}", "more_than": "above {}"}
TIMES = "times"


def number_line(claim: Mapping[str, Any], blocks: pd.DataFrame) -> str:
    """A chart with a line for each network and layer of a claim; a list of texts where one number does not say it.

    Effects are drawn in the unit in which the smallest effect of interest is fixed: points, or d_z.
    """
    thresholds = claim["thresholds"]
    limits = thresholds["rule"] == "limits"
    rows = [_of_limits(row) if limits else _of_effect(claim, row) for _, row in blocks.iterrows()]
    if not rows or any(row is None for row in rows):
        lines = [f"{network_text(row)}: {row['text']}" for _, row in blocks.iterrows() if isinstance(row["text"], str)]
        return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>" if lines else ""
    if limits:
        chart, legend = _limits_chart(claim, rows)
    else:
        chart, legend = _effect_chart(claim, rows, [_by_mean(row) for _, row in blocks.iterrows()])
    return f'<div class="claim-line">{chart}<p>{html.escape(legend)}</p></div>'


def _effect_chart(claim: Mapping[str, Any], rows: list[Row], few: list[bool]) -> tuple[str, str]:
    thresholds = claim["thresholds"]
    sesoi, points = thresholds["sesoi"], thresholds["unit"] == "points"
    axis = "points; right of 0 favours the claim" if points else "d_z; right of 0 favours the claim"
    least = f"{sesoi:g}{' points' * points}"
    legend = f"Disc: our estimate with its 95 % interval. Shaded: less than {least}, too little to count."
    if any(dot.kind == PAPER for row in rows for dot in row.dots):
        legend += " Triangle: what the paper prints."
    if not points:
        legend += " d_z is the mean difference over its spread between images."
        if any(few):
            legend += f" On fewer than {SMALL} images the interval is that of the mean, over the spread: it decides."
    return dot_chart(rows, f"Claim {claim['id']}", axis, band=(-sesoi, sesoi), zero=True), legend


def _limits_chart(claim: Mapping[str, Any], rows: list[Row]) -> tuple[str, str]:
    thresholds = claim["thresholds"]
    words = {"holds": thresholds["supported"], "fails": thresholds["reversed"]}
    bounds = [(word, *next(iter(limit.items()))) for word, limit in words.items()]
    legend = "Bar: 95 % interval. Dashed: the limits that were fixed. The claim "
    legend += ", and ".join(f"{word} {KEPT[kind].format(number(value, 2))}" for word, kind, value in bounds) + "."
    marks = {number(value, 2): value for _, _, value in bounds}
    unit = thresholds["unit"]
    return dot_chart(rows, f"Claim {claim['id']}", unit, marks=marks, log=unit == TIMES), legend


def _of_limits(row: pd.Series) -> Row | None:
    """A block judged by limits; None where it has no interval of one number."""
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return None
    middle = row["mean"]
    if isinstance(row["text"], str):
        middle = float(row["text"].split(" ")[0])
    text = f"{number(middle, 2)} ({number(row['low'], 2)} to {number(row['high'], 2)})"
    return Row(f"{network_text(row)}: {row['verdict']}", (Dot(middle, OWN, row["low"], row["high"]),), text)


def _of_effect(claim: Mapping[str, Any], row: pd.Series) -> Row | None:
    """A block judged by an effect, with the paper's own figure in the same unit; None without an estimate."""
    points = claim["thresholds"]["unit"] == "points"
    value, low, high = ("mean", "low", "high") if points else ("d_z", "d_z low", "d_z high")
    name = f"{network_text(row)}: {row['verdict']}"
    if pd.isna(row["mean"]):
        return None
    if pd.isna(row[value]):
        return Row(name, (), "no image differs")
    ends = row[low], row[high]
    if not points and _by_mean(row):
        spread = abs(row["mean"] / row["d_z"])
        ends = row["low"] / spread, row["high"] / spread
    known = all(pd.notna(end) and math.isfinite(end) for end in ends)
    dots = [Dot(row[value], OWN, *(ends if known else ()))]
    if (own := in_unit(claim, row)) is not None:
        dots.append(Dot(own, PAPER))
    digits = 1 if points else 2
    limits = f"{number(ends[0], digits)} to {number(ends[1], digits)}" if known else "no limits"
    return Row(name, tuple(dots), f"{number(row[value], digits)} ({limits})")


def _by_mean(row: pd.Series) -> bool:
    """Whether the interval of the mean decides a block on which that of d_z may be too sure: one of few images."""
    return bool(row["n"] < SMALL and row["d_z"] and row["verdict"] != NEGLIGIBLE)


def in_unit(claim: Mapping[str, Any], row: pd.Series) -> float | None:
    """The paper's figure in the unit of the claim's smallest effect: its points over the block's own spread for d_z."""
    own = paper_effect(claim)
    if own is None or claim["thresholds"]["unit"] == "points" or "paper_effect" in claim:
        return own
    spread = abs(row["mean"] / row["d_z"]) if row["d_z"] else math.nan
    return own / spread if math.isfinite(spread) and spread > 0 else None
