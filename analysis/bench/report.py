"""The files of a bench: one page in Markdown, the line of each explainer as CSV, and all rows as Parquet."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.bench.explainers import YOURS
from analysis.bench.words import Verdict
from cluscam_lite.files import atomic_path

REPORT, SUMMARY, ROWS = "report.md", "summary.csv", "rows.parquet"
WIDTH = 120
# heading -> column, and how it is written
COLUMNS = {
    "found, %": ("found", "{:.0f}"),
    "removal": ("removal", "{:.0f}"),
    "shortcut": ("shortcut", "{:.0f}"),
    "several": ("several", "{:.0f}"),
    "rho": ("rho", "{:.2f}"),
    "AD, %": ("drop", "{:.1f}"),
    "IC, %": ("increase", "{:.0f}"),
    "AG, %": ("gain", "{:.1f}"),
    "again": ("again", "{:.2f}"),
    "noise": ("noise", "{:.2f}"),
    "passes": ("forward_passes", "{:.0f}"),
    "back": ("backward_passes", "{:.0f}"),
    "time": ("passes_worth", "{:.0f}"),
}
LEGEND = """
*found*: in how many cases the map is highest on the thing that matters most, over all three parts. *removal*: drawn
scenes of two or three objects among other things; what matters most is the thing without which the logit falls
furthest. *shortcut*: a network that takes a badge for an anchor, on scenes where the badge made it say so. *several*:
scenes of different objects, the class of each explained in turn. *rho*: rank correlation of the map with the effects
of all things of a scene. *AD, IC, AG*: what the class's probability loses, how often it rises, and what it gains when
only the map's region is shown; null methods, whose masks know nothing of the network, do well there, so these alone
show nothing. *again*: correlation with the map that other random numbers give. *noise*: with the map of the image under
noise of two grey levels. *passes, back*: images that go through the network forward and back for one map. *time*: in
plain passes of the same network on this machine. Percent but for correlations; costs are medians.
"""


def report(table: pd.DataFrame, verdicts: Sequence[Verdict], facts: Mapping[str, Any]) -> str:
    """The page. `table`: of `summary`; `verdicts`: of those that are spoken of, in order; `facts`: of the run."""
    judged = {one.explainer: one for one in verdicts}
    asked = [one for one in table["explainer"] if one in facts["asked"]]
    lines = [f"# Bench of {', '.join(asked)}", ""]
    for name in asked:
        lines += [_wrapped(f"**{name}: {judged[name].word}.** {' '.join(judged[name].sentences)}"), ""]
    lines += ["## Beside others", "", *_markdown(table, judged, asked), ""]
    missing = [f"{line['explainer']}: {line['reason']}" for line in table.to_dict("records") if line["reason"]]
    lines += [_wrapped(f"Cannot explain this network: {'; '.join(missing)}."), ""] if missing else []
    chance = table[["chance removal", "chance shortcut", "chance several"]].max()
    by_chance = [f"{part.split()[1]} {value:.0f}" for part, value in chance.items() if not math.isnan(value)]
    lines += [_wrapped(f"A random map has by chance, in percent: {', '.join(by_chance)}."), ""]
    lines += [_wrapped(LEGEND.replace("\n", " ").strip()), ""]
    lines += ["## This run", "", *(f"- {key}: {value}" for key, value in facts["run"].items()), ""]
    return "\n".join(lines)


def write_files(out: Path, page: str, table: pd.DataFrame, rows: pd.DataFrame) -> list[Path]:
    """Write the three files, all of them or none; their paths."""
    paths = [out / ROWS, out / SUMMARY, out / REPORT]
    with ExitStack() as stack:
        parquet, csv, markdown = (stack.enter_context(atomic_path(path)) for path in paths)
        rows.to_parquet(parquet, index=False)
        table.to_csv(csv, index=False, float_format="%.6g")
        markdown.write_text(page, encoding="utf-8")
    return paths


def _markdown(table: pd.DataFrame, judged: Mapping[str, Verdict], asked: Sequence[str]) -> list[str]:
    """The table, the explainers that were asked about first and in bold."""
    lines = [f"| explainer | {' | '.join(COLUMNS)} | in a word |", f"|---|{'---:|' * len(COLUMNS)}---|"]
    records = sorted(table.to_dict("records"), key=lambda line: line["explainer"] not in asked)  # else as they were
    for line in records:
        name = f"**{line['explainer']}**" if line["explainer"] in asked else line["explainer"]
        kind = "" if line["kind"] in (YOURS, "rival", "cluscam") else f" ({line['kind']})"
        cells = [_number(line.get(column), form) for column, form in COLUMNS.values()]
        word = judged[line["explainer"]].word if line["explainer"] in judged else ""
        lines.append(f"| {name}{kind} | {' | '.join(cells)} | {word} |")
    return lines


def _number(value: Any, form: str) -> str:
    if value is None or math.isnan(value):
        return ""
    text = form.format(value)
    return text.lstrip("-") if float(text) == 0 else text


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))
