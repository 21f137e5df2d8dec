"""Small charts as SVG: dots with intervals on a common axis, in the page's own colours, light and dark.

Text stays text, so a chart of `WIDTH` can be read on a phone, and by a machine.
"""

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

WIDTH = 340  # of the drawing, in units of which its text is 12 high
STRIP, STEP = 140, 7  # of a drawing without words: its width, and the height of a row
EDGE, TOP, ROW, LINE, BOTTOM = 10, 6, 38, 15, 22
LETTERS = 48  # of a label and its text that fit on one line
OWN, CONTROL, OTHER, PAPER = "own", "control", "other", "paper"
COLOURS = {
    OWN: "var(--cluscam-own, #2a6f97)",
    CONTROL: "var(--cluscam-control, #b5472f)",
    OTHER: "var(--pst-color-text-muted, #6b6b6b)",
    PAPER: "var(--cluscam-paper, #7a4fb5)",
}


@dataclass(frozen=True)
class Dot:
    """A number on a row, with the ends of its interval if it has one; `value` may be NaN where only these are known."""

    value: float
    kind: str = OWN
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Row:
    """Dots on one line; above it at the left what they are of, at the right the numbers in words."""

    label: str
    dots: tuple[Dot, ...]
    text: str = ""


def number(value: float, digits: int = 1) -> str:
    """A number for a page, with a minus sign and without a useless ".0"."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def dot_chart(
    rows: Sequence[Row],
    title: str,
    axis: str = "",
    band: tuple[float, float] | None = None,
    marks: Mapping[str, float] | None = None,
    zero: bool = False,
    log: bool = False,
) -> str:
    """A row of dots for each of `rows`, as SVG.

    Args:
        rows: what is drawn, from above.
        title: what the chart shows, for those who do not see it; the numbers of the rows are added.
        axis: what the numbers are, below the ticks.
        band: from where to where an effect is too small to count; it is shaded.
        marks: text -> where a dashed line stands.
        zero: whether the axis holds 0, with a line there.
        log: a logarithmic axis, for ratios.
    """
    marks = marks or {}
    low, high = _range(rows, [*(band or ()), *marks.values(), *([0.0] if zero else [])], log)
    across = lambda value: _across(value, low, high, log)  # noqa: E731
    top = TOP + (16 if marks else 0)
    lines = 1 + any(len(row.label) + len(row.text) > LETTERS for row in rows)
    step = ROW + LINE * (lines - 1)
    floor = top + step * len(rows)
    parts = []
    for i, row in enumerate(rows):
        strip = (top + step * (i + 1) - 19, top + step * (i + 1) - 3)  # of its dots, below its texts
        parts += _ground(across, strip, band, zero)
        for value in marks.values():
            parts.append(_line(across(value), strip[0], across(value), strip[1], "currentColor", "1.5", "4 2"))
        parts += _row(row, across, top + step * i, lines)
    for text, value in marks.items():
        parts.append(_text(_inside(across(value), text), TOP + 8, text))
    parts.append(_line(EDGE, floor, WIDTH - EDGE, floor, "currentColor", "1"))
    for tick in _ticks(low, high, log):
        x = across(tick)
        parts += [_line(x, floor, x, floor + 4, "currentColor", "1"), _text(x, floor + 16, number(tick, 2))]
    height = floor + BOTTOM + (14 if axis else 0)
    if axis:
        parts.append(_text(WIDTH / 2, floor + 31, axis))
    said = "; ".join(f"{row.label}: {row.text}" for row in rows if row.text)
    name = html.escape(f"{title}. {said}" if said else title, quote=True)
    return (
        f'<svg class="cluscam-chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}" '
        f'style="width: 100%; max-width: 480px; height: auto; font-size: 12px">{"".join(parts)}</svg>'
    )


def dot_strip(
    rows: Sequence[Row],
    band: tuple[float, float] | None = None,
    marks: Mapping[str, float] | None = None,
    zero: bool = False,
    log: bool = False,
) -> str:
    """The dots of `dot_chart` without words, small enough for a line of text; a machine does not read it out, so the
    numbers have to stand elsewhere.
    """
    places = [*(marks or {}).values()]
    low, high = _range(rows, [*(band or ()), *places, *([0.0] if zero else [])], log)
    across = lambda value: _across(value, low, high, log, STRIP)  # noqa: E731
    height = STEP * (len(rows) + 1)
    parts = _ground(across, (0, height), band, zero)
    parts += [_line(across(value), 0, across(value), height, "currentColor", "1", "3 2") for value in places]
    for y, row in enumerate(rows, 1):
        for dot in (dot for dot in row.dots if dot.kind != PAPER and np.isfinite(dot.value)):
            if not (math.isnan(dot.low) or math.isnan(dot.high)):
                parts.append(_line(across(dot.low), STEP * y, across(dot.high), STEP * y, COLOURS[dot.kind], "1.5"))
            parts.append(
                f'<circle cx="{across(dot.value):.1f}" cy="{STEP * y}" r="3" style="fill: {COLOURS[dot.kind]}"/>'
            )
    return (
        f'<svg class="cluscam-strip" viewBox="0 0 {STRIP} {height}" width="{STRIP}" height="{height}" '
        f'aria-hidden="true">{"".join(parts)}</svg>'
    )


def _range(rows: Sequence[Row], others: Sequence[float], log: bool) -> tuple[float, float]:
    """The ends of the axis: all that is drawn, and a little more."""
    found = [end for row in rows for dot in row.dots for end in (dot.value, dot.low, dot.high)]
    shown = [value for value in (*found, *others) if math.isfinite(value)]
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    if log:
        return low / 1.15, high * 1.15
    edge = 0.05 * (high - low or 1.0)
    return low - edge, high + edge


def _across(value: float, low: float, high: float, log: bool, width: int = WIDTH) -> float:
    """Where a value is, from left to right; what lies beyond the axis stands at its end."""
    if log:
        value, low, high = (math.log(max(one, 1e-12)) for one in (value, low, high))
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    edge = EDGE * width / WIDTH
    return edge + share * (width - 2 * edge)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        steps = [factor * 10.0**power for power in range(-3, 5) for factor in (1, 2, 5)]
        found = [step for step in steps if low <= step <= high]
        return found[:: 1 + len(found) // 8]
    return [
        float(tick) for tick in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= tick <= high
    ]


def _ground(
    across: Callable[[float], float], strip: tuple[float, float], band: tuple[float, float] | None, zero: bool
) -> list[str]:
    """What lies behind the dots between two heights: the band, and the line at zero."""
    parts = []
    if band is not None:
        left, right = across(band[0]), across(band[1])
        parts.append(
            f'<rect x="{left:.1f}" y="{strip[0]}" width="{right - left:.1f}" height="{strip[1] - strip[0]}" '
            'style="fill: currentColor; opacity: 0.15"/>'
        )
    if zero:
        parts.append(_line(across(0.0), strip[0], across(0.0), strip[1], "currentColor", "1"))
    return parts


def _row(row: Row, across: Callable[[float], float], top: int, lines: int) -> list[str]:
    """The texts of a row in one or two lines and, below, its dots: intervals first, so that none hides a dot."""
    y, parts = top + 27 + LINE * (lines - 1), [_text(EDGE, top + 14, row.label, "start")]
    if row.text:
        place = (WIDTH - EDGE, top + 14) if lines == 1 else (EDGE, top + 14 + LINE)
        parts.append(_text(*place, row.text, "end" if lines == 1 else "start"))
    for dot in row.dots:
        if not (math.isnan(dot.low) or math.isnan(dot.high)):
            parts.append(_line(across(dot.low), y, across(dot.high), y, COLOURS[dot.kind], "3"))
    return parts + [_dot(across(dot.value), y, dot.kind) for dot in row.dots if np.isfinite(dot.value)]


def _dot(x: float, y: float, kind: str) -> str:
    """A mark whose shape says its kind, too: a disc, a diamond, a small ring, a triangle."""
    fill = f'style="fill: {COLOURS[kind]}"'
    if kind == CONTROL:
        return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" {fill}/>'
    if kind == PAPER:
        return (
            f'<path d="M{x:.1f} {y + 6:.1f}l-6 -11h12z" style="fill: none; stroke: {COLOURS[kind]}; stroke-width: 2"/>'
        )
    if kind == OTHER:
        return f'<circle cx="{x:.1f}" cy="{y}" r="3.5" style="fill: none; stroke: {COLOURS[kind]}; stroke-width: 1.5"/>'
    return f'<circle cx="{x:.1f}" cy="{y}" r="5" {fill}/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, width: str, dashes: str = "none") -> str:
    style = f"stroke: {colour}; stroke-width: {width}; stroke-dasharray: {dashes}"
    return f'<line x1="{x:.1f}" y1="{y}" x2="{to_x:.1f}" y2="{to_y}" style="{style}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" style="fill: currentColor">{html.escape(text)}</text>'


def _inside(x: float, text: str) -> float:
    """The middle of a text so that it does not run over the edge."""
    half = 3.1 * len(text)
    return min(max(x, half), WIDTH - half)
