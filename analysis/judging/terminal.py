"""The ledger in words for a terminal, and as JSON."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.counts import claim_verdicts, sentence_verdicts, tier_counts
from analysis.judging.power import power_text
from analysis.judging.printed import NOT_PRINTED
from analysis.judging.rules import NEGLIGIBLE
from analysis.judging.text import DASH, authors_rows, corrected_p, counts_text, estimate_text, holds_text, network_text

WIDTH = 104  # in characters
INDENT = " " * 6


def for_terminal(table: pd.DataFrame, full: bool = False, numbers: pd.DataFrame | None = None) -> str:
    """The ledger for a terminal; `full` adds quotes, effect sizes and where to follow each claim, and no totals.

    `numbers`: what the paper prints beside what its own networks gave (`reproduction.magnitudes`), if they ran.
    """
    lines = []
    verdicts = claim_verdicts(table).set_index("claim")
    for claim, mine in table.groupby("claim", sort=False):
        head, first = verdicts.loc[claim], mine.iloc[0]
        printed = "" if head["paper"] == NOT_PRINTED else f"; paper: {head['paper']}"
        own = "" if head["whose"] == "paper" else "this project's own; "
        title = f"{claim:<5} {head['verdict']}   ({own}{head['place']}{printed})"
        lines += textwrap.wrap(title, WIDTH, subsequent_indent=INDENT, break_on_hyphens=False)
        if full:
            lines += _in_full(head["quote"], first)
        width = max(28, *(len(network_text(row)) for _, row in mine.iterrows()))
        for _, row in mine.iterrows():
            lines += _block_lines(f"{network_text(row):<{width}}", row, full)
        if full:
            lines += _of_the_authors(str(claim)) + _to_follow(first)
        lines += _printed_lines(numbers, str(claim))
        lines.append("")
    if full:
        return "\n".join(lines[:-1])
    for whose, title in (("paper", "The paper's claims by tier:"), ("ours", "This project's own by tier:")):
        counts = tier_counts(table[table["whose"] == whose])
        lines += [title, counts.rename_axis(index=None).to_string(), ""]
    lines += ["The paper's sentences:"]
    for _, row in sentence_verdicts(table).iterrows():
        lines += textwrap.wrap(
            f"{row['sentence']:<5} {row['verdict']}   {row['quote']}", WIDTH, subsequent_indent=INDENT
        )
        lines += textwrap.wrap(row["claims"], WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    lines += ["", *textwrap.wrap(f"In all: {counts_text(table)}.", WIDTH)]
    lines.append("More of one: cluscam verdicts --claim ID; everything: cluscam verdicts --json")
    return "\n".join(lines)


def _in_full(quote: str, row: pd.Series) -> list[str]:
    """The paper's words, what is estimated, how it is decided, and what was changed after the evidence was in."""
    words = textwrap.wrap(quote, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    return words + _named({"estimate": row["estimand"], "decision": row["rule"], "amended": row["amended"]})


def _of_the_authors(claim_id: str) -> list[str]:
    """What the authors' own logs say of a claim."""
    said = [
        f"{row['network']}, {row['images']} images: {row['verdict']} by this rule, {row['reference run [95 %]']}"
        for row in authors_rows(claim_id)
    ]
    return _named({"their logs": "; ".join(said)})


def _printed_lines(numbers: pd.DataFrame | None, claim_id: str) -> list[str]:
    """The paper's numbers of a claim beside those of its own networks."""
    mine = () if numbers is None else numbers[numbers["claim"] == claim_id].itertuples()
    return [
        f"{INDENT}{row.model:<16} {row.of:<12} printed {row.printed:.2f}, here {row.mean:.2f} [{row.low:.2f}, "
        f"{row.high:.2f}] {row.unit}: {row.verdict} (within {row.tolerance:g})"
        for row in mine
    ]


def _to_follow(row: pd.Series) -> list[str]:
    """Where a claim's chapter and rows are, and what made them."""
    place = f"{row['notebook']}, {row['rows']}, commit {row['commits']}"
    return _named({"follow it": place, "made by": row["parameters"]})


def _named(said: Mapping[str, str]) -> list[str]:
    """Texts behind their names, wrapped; empty ones are left out."""
    lines, inner = [], INDENT + " " * 12
    for name, text in said.items():
        start = f"{INDENT}{name + ':':<12}" if text else ""
        lines += textwrap.wrap(start + text, WIDTH, subsequent_indent=inner, break_on_hyphens=False)
    return lines


def _block_lines(name: str, row: pd.Series, full: bool) -> list[str]:
    """One network of a claim: its evidence, or why there is none, beside the verdict; and the effect size."""
    text = f"{INDENT}{name} {row['tier']:<12} {row['verdict']:<12} "
    p = corrected_p(row)
    found = [row["reason"] or estimate_text(row) + ("" if p == DASH else f", p = {p}")]
    if full and pd.notna(row["d_z"]):
        found.append(
            f"{row['n']} {row['counted']}, d_z = {row['d_z']:+.2f} [{row['d_z low']:+.2f}, {row['d_z high']:+.2f}]"
        )
    if full:
        ways = f"holds in {holds_text(row)} ways to analyse it" if pd.notna(row["of"]) and row["of"] else ""
        found += [said for said in (ways, power_text(row)) if said]
        found += [row[said] for said in ("because", "readings") if isinstance(row[said], str) and row[said]]
        if row["verdict"] == NEGLIGIBLE and pd.notna(row["p equivalence (Holm)"]):
            found.append(f"p of equivalence = {corrected_p(row, 'p equivalence (Holm)')}")
        found += [f"before the amendments of 2026-11-29: {row['former']}"] if row["former"] and row["model"] else []
    lines = [line for part in found for line in textwrap.wrap(part, WIDTH - len(text), break_on_hyphens=False)]
    return [text + lines[0], *(" " * len(text) + more for more in lines[1:])]


def as_json(table: pd.DataFrame, numbers: pd.DataFrame | None = None) -> str:
    """The ledger as JSON: `claims` with their verdicts, `rows` with their evidence, `sentences` with theirs,
    `tiers` with the counts, and `numbers` beside the printed ones, if the paper's own networks ran.
    """
    content: dict[str, Any] = {
        "claims": _records(claim_verdicts(table)),
        "rows": _records(table),
        "sentences": _records(sentence_verdicts(table)),
        "tiers": {whose: _counts(table[table["whose"] == whose]) for whose in ("paper", "ours")},
    }
    if numbers is not None and len(numbers):
        content["numbers"] = _records(numbers)
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def _counts(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {tier: {k: int(v) for k, v in row.items()} for tier, row in tier_counts(table).iterrows()}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, null where there is none."""
    return json.loads(table.to_json(orient="records", double_precision=12))
