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
from analysis.page.charts import OWN, PAPER, Dot, Row, dot_chart, dot_strip, number

KEPT = {"at_least": "from {}", "at_most": "up to {}", "below": "below {}", "more_than": "above {}"}
TIMES = "times"


def number_line(claim: Mapping[str, Any], blocks: pd.DataFrame) -> str:
    """A chart with a line for each network and layer of a claim; a list of texts where one number does not say it.

    Effects are drawn in the unit in which the smallest effect of interest is fixed: points, or d_z.
    """
    rows = _rows(claim, blocks)
    if not rows:
        lines = [f"{network_text(row)}: {row['text']}" for _, row in blocks.iterrows() if isinstance(row["text"], str)]
        return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>" if lines else ""
    axis, legend = _said(claim, rows, blocks)
    chart = dot_chart(rows, f"Claim {claim['id']}", axis, **_scale(claim))
    return f'<div class="claim-line">{chart}<p>{html.escape(legend)}</p></div>'


def small_line(claim: Mapping[str, Any], blocks: pd.DataFrame) -> str:
    """The chart of `number_line` without words, for the line of a folded card; "" where there is none."""
    rows = _rows(claim, blocks)
    return dot_strip(rows, **_scale(claim)) if rows else ""


def _limits(claim: Mapping[str, Any]) -> bool:
    return bool(claim["thresholds"]["rule"] == "limits")


def _rows(claim: Mapping[str, Any], blocks: pd.DataFrame) -> list[Row]:
    """A row for each block; none where one of them cannot be drawn."""
    rows = [_of_limits(row) if _limits(claim) else _of_effect(claim, row) for _, row in blocks.iterrows()]
    drawn = [row for row in rows if row is not None]
    return drawn if len(drawn) == len(rows) else []


def _bounds(claim: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """The limits that were fixed: "holds" or "fails", the kind of the limit, and where it is."""
    words = {"holds": claim["thresholds"]["supported"], "fails": claim["thresholds"]["reversed"]}
    return [(word, *next(iter(limit.items()))) for word, limit in words.items()]


def _scale(claim: Mapping[str, Any]) -> dict[str, Any]:
    """What both charts draw beside the dots: limits, or zero and what is too small to count."""
    thresholds = claim["thresholds"]
    if _limits(claim):
        marks = {number(value, 2): value for _, _, value in _bounds(claim)}
        return {"marks": marks, "log": thresholds["unit"] == TIMES}
    return {"band": (-thresholds["sesoi"], thresholds["sesoi"]), "zero": True}


def _said(claim: Mapping[str, Any], rows: list[Row], blocks: pd.DataFrame) -> tuple[str, str]:
    """What the axis is, and what the marks mean."""
    thresholds = claim["thresholds"]
    if _limits(claim):
        legend = "Bar: 95 % interval. Dashed: the limits that were fixed. The claim "
        kept = (f"{word} {KEPT[kind].format(number(value, 2))}" for word, kind, value in _bounds(claim))
        return thresholds["unit"], f"{legend}{', and '.join(kept)}."
    sesoi, points = thresholds["sesoi"], thresholds["unit"] == "points"
    axis = "points; right of 0 favours the claim" if points else "d_z; right of 0 favours the claim"
    least = f"{sesoi:g}{' points' * points}"
    legend = f"Disc: our estimate with its 95 % interval. Shaded: less than {least}, too little to count."
    if any(dot.kind == PAPER for row in rows for dot in row.dots):
        legend += " Triangle: what the paper prints."
    if not points:
        legend += " d_z is the mean difference over its spread between images."
        if any(_by_mean(row) for _, row in blocks.iterrows()):
            legend += f" On fewer than {SMALL} images the interval is that of the mean, over the spread: it decides."
    return axis, legend


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
