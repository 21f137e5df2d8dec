"""The ledger in words: for a page of the book, for a terminal, and as JSON."""

import json
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.judging.ledger import WAITS, claim_verdicts, judged, tier_counts
from analysis.judging.printed import NOT_PRINTED
from analysis.judging.rules import CONTRADICTED, INCONCLUSIVE, SUPPORTED, VERDICTS
from analysis.judging.sources import Claim
from analysis.page.panels import panel_title
from analysis.statistics import p_text
from analysis.studies.rows import NOT_RUN

WIDTH = 104  # of a terminal, in characters
INDENT = " " * 6
OWN_NETWORKS = "the paper's own networks"
DASH = "–"
OPEN = "open: not all blocks are complete"
Cells = Callable[[Claim, pd.Series], Mapping[str, Any]]


def network_text(row: pd.Series) -> str:
    """A block's network and layer by their titles."""
    return panel_title(row["model"], row["panel"]) if row["model"] else OWN_NETWORKS


def estimate_text(row: pd.Series) -> str:
    """The estimate with its interval and unit, "+0.21 [+0.11, +0.31] logits"; a dash if there is none."""
    if isinstance(row["text"], str):
        return row["text"]
    if pd.isna(row["mean"]):
        return DASH
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:+.2f}, {row['high']:+.2f}]"
    return f"{row['mean']:+.2f}{interval} {row['unit']}".rstrip()


def corrected_p(row: pd.Series) -> str:
    """Holm's p as text; a dash if there is none."""
    p = row["p (Holm)"]
    return DASH if pd.isna(p) else p_text(math.log10(p)) if p > 0 else "0"


def images_text(row: pd.Series) -> str:
    """The planned images; "71 of 100" where fewer had values to compare, "900 in 31 components" where those count."""
    if pd.isna(row["planned"]):
        return DASH
    planned, n = int(row["planned"]), row["n"]
    if pd.isna(n) or n == planned:
        return str(planned)
    return f"{n} of {planned}" if row["counted"] == "images" else f"{planned} in {n} {row['counted']}"


def verdict_text(row: pd.Series) -> str:
    """The verdict, with the reason where it has not run."""
    return f"{row['verdict']}: {row['reason']}" if row["reason"] else row["verdict"]


def decision_text(row: pd.Series) -> str:
    """The verdict for a chapter's page, which says where a block is complete and waits for the others."""
    return OPEN if row["reason"] == WAITS else row["verdict"]


def claims_page(rows: pd.DataFrame, claims: Iterable[Claim], cells: Cells) -> pd.DataFrame:
    """Claims on a study's rows for its chapter: a row for each claim and block, with `claim` and `decision`.

    The verdict is the ledger's (`analysis.judging.ledger.judged`); `cells(claim, row)` gives the columns
    between `claim` and `decision`.
    """
    return pd.DataFrame(
        {"claim": claim["id"], **cells(claim, row), "decision": decision_text(row)}
        for claim in claims
        for _, row in judged(rows, claim).iterrows()
    )


def page(table: pd.DataFrame, own: pd.DataFrame | None = None) -> pd.DataFrame:
    """The ledger for a page, a row for each claim and network: verdict, reference run, what the paper prints, this run
    (from `ledger.own_run`). The last two do not differ between networks and stand in a claim's first row only.
    """
    found = pd.DataFrame(
        {
            "claim": row["claim"],
            "network": network_text(row),
            "tier": row["tier"],
            "images": images_text(row),
            "verdict": verdict_text(row),
            "reference run [95 %]": estimate_text(row),
            "p (Holm)": corrected_p(row),
            "paper": row["paper"],
        }
        for _, row in table.iterrows()
    )
    again = found["claim"].duplicated()
    found.loc[again, "paper"] = ""
    if own is None:
        return found
    this = {
        claim: "; ".join(f"{network_text(row)}: {estimate_text(row)}" for _, row in mine.iterrows())
        for claim, mine in own.groupby("claim", sort=False)
    }
    found["this run"] = ["" if seen else this.get(c, NOT_RUN) for c, seen in zip(found["claim"], again, strict=True)]
    return found


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each claim: what the paper says and prints, how many networks say what, and the verdict."""
    found = claim_verdicts(table)
    page = found[["claim", "place", "paper", "counts", "verdict", "reason"]]
    return page.rename(columns={"counts": "networks", "reason": "why not run"})


def follow(table: pd.DataFrame) -> pd.DataFrame:
    """Where to follow the verdicts of each study: claims, chapter, rows, the command that makes them, and commits."""
    places = table.groupby(["notebook", "rows", "parameters", "commits"], sort=False)["claim"].unique()
    found = places.map(", ".join).rename("claims").reset_index()
    found = found.rename(columns={"parameters": "made by", "commits": "at commit"})
    return found[["claims", "notebook", "rows", "made by", "at commit"]]


def counts_text(table: pd.DataFrame) -> str:
    """The verdicts over all claims in a line: "1 supported, 1 contradicted, 0 inconclusive, 9 not run"."""
    verdicts = claim_verdicts(table)["verdict"]
    return ", ".join(f"{int((verdicts == name).sum())} {name}" for name in VERDICTS)


def for_terminal(table: pd.DataFrame, full: bool = False) -> str:
    """The ledger for a terminal; `full` adds quotes, effect sizes and where to follow each claim, and no totals."""
    lines = []
    verdicts = claim_verdicts(table).set_index("claim")
    for claim, mine in table.groupby("claim", sort=False):
        head, first = verdicts.loc[claim], mine.iloc[0]
        printed = "" if head["paper"] == NOT_PRINTED else f"; paper: {head['paper']}"
        title = f"{claim:<5} {head['verdict']}   ({head['place']}{printed})"
        lines += textwrap.wrap(title, WIDTH, subsequent_indent=INDENT, break_on_hyphens=False)
        if full:
            lines += _in_full(head["quote"], first)
        width = max(28, *(len(network_text(row)) for _, row in mine.iterrows()))
        for _, row in mine.iterrows():
            lines += _block_lines(f"{network_text(row):<{width}}", row, full)
        if full:
            lines += _to_follow(first)
        lines.append("")
    if full:
        return "\n".join(lines[:-1])
    lines += ["Claims by tier:", tier_counts(table).rename_axis(index=None).to_string(), ""]
    lines.append(f"All claims: {counts_text(table)}.")
    lines.append("More of one: cluscam verdicts --claim ID; everything: cluscam verdicts --json")
    return "\n".join(lines)


def _in_full(quote: str, row: pd.Series) -> list[str]:
    """The paper's words, what is estimated, how it is decided, and what was changed after the evidence was in."""
    words = textwrap.wrap(quote, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    return words + _named({"estimate": row["estimand"], "decision": row["rule"], "amended": row["amended"]})


def _to_follow(row: pd.Series) -> list[str]:
    """Where a claim's chapter and rows are, and what made them."""
    place = f"{row['notebook']}, {row['rows']}, commit {row['commits']}"
    return _named({"follow it": place, "made by": row["parameters"]})


def _named(said: Mapping[str, str]) -> list[str]:
    """Texts behind their names, wrapped; empty ones are left out."""
    lines, inner = [], INDENT + " " * 11
    for name, text in said.items():
        start = f"{INDENT}{name + ':':<11}" if text else ""
        lines += textwrap.wrap(start + text, WIDTH, subsequent_indent=inner, break_on_hyphens=False)
    return lines


def amendments(table: pd.DataFrame) -> pd.DataFrame:
    """What was changed of the rules after the evidence was in, and what that did: a row for each change."""
    changed = table[table["amended"] != ""]
    found = changed.groupby("amended", sort=False)["claim"].unique().map(", ".join)
    return pd.DataFrame({"claims": found.to_numpy(), "what was changed, and what it did": found.index})


def _block_lines(name: str, row: pd.Series, full: bool) -> list[str]:
    """One network of a claim: its evidence, or why there is none, beside the verdict; and the effect size."""
    text = f"{INDENT}{name} {row['tier']:<12} {row['verdict']:<12} "
    p = corrected_p(row)
    found = [row["reason"] or estimate_text(row) + ("" if p == DASH else f", p = {p}")]
    if full and pd.notna(row["d_z"]):
        found.append(
            f"{row['n']} {row['counted']}, d_z = {row['d_z']:+.2f} [{row['d_z low']:+.2f}, {row['d_z high']:+.2f}]"
        )
    lines = [line for part in found for line in textwrap.wrap(part, WIDTH - len(text), break_on_hyphens=False)]
    return [text + lines[0], *(" " * len(text) + more for more in lines[1:])]


def as_json(table: pd.DataFrame) -> str:
    """The ledger as JSON: `claims` with their verdicts, `rows` with their evidence, `tiers` with the counts."""
    content: dict[str, Any] = {
        "claims": _records(claim_verdicts(table)),
        "rows": _records(table),
        "tiers": {tier: {k: int(v) for k, v in row.items()} for tier, row in tier_counts(table).iterrows()},
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, null where there is none."""
    return json.loads(table.to_json(orient="records", double_precision=12))


def claim_text(table: pd.DataFrame, claim: str) -> str:
    """Where a claim of a `claims_page` stands, in words: how many blocks support it, and so on."""
    decisions = table.loc[table["claim"] == claim, "decision"]
    if not decisions.isin([SUPPORTED, CONTRADICTED, INCONCLUSIVE]).all():
        return f"open, since {int((decisions == NOT_RUN).sum())} of {len(decisions)} blocks have not run"
    counts = [(name, int((decisions == name).sum())) for name in (SUPPORTED, CONTRADICTED, INCONCLUSIVE)]
    first, *others = [(name, n) for name, n in counts if n]
    words = [f"{first[0]} in {first[1]} of {len(decisions)} networks and layers"]
    return ", ".join(words + [f"{name} in {n}" for name, n in others])
