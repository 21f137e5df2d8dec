"""A card for each claim as HTML: the paper's sentence, what was tested, the estimate on a number line, and the verdict.

A card is folded to a line. `book/_static/claims.js` chooses among the cards, and opens the one that a link leads to;
without it all of them are listed, and a click opens one. Everything that is not markup is escaped.
"""

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from IPython.display import HTML

from analysis.chapters.verdicts.lines import number_line, small_line
from analysis.chapters.verdicts.otherwise import reading_verdicts
from analysis.judging.counts import claim_verdicts
from analysis.judging.ledger import all_claims
from analysis.judging.printed import NOT_PRINTED
from analysis.judging.rules import CONTRADICTED, NOT_TESTED, SUPPORTED, UNDECIDED, UNINFORMATIVE, VERDICTS
from analysis.judging.text import estimate_text, images_text, network_text
from analysis.paths import ROOT
from analysis.studies.rows import NOT_RUN
from cluscam_lite import get_spec

TITLES = ROOT / "analysis" / "chapters" / "verdicts" / "titles.yaml"
WHOSE = {"paper": "the paper's claim", "ours": "our own question"}
SAID = {
    SUPPORTED: "It holds",
    CONTRADICTED: "It does not hold",
    UNDECIDED: "Undecided: no majority without opposition",
    UNINFORMATIVE: "The images could not have told",
    NOT_RUN: "Not run",
    NOT_TESTED: "Not tested",
}


def claim_cards(table: pd.DataFrame) -> HTML:
    """All claims of a ledger as cards, with a form that chooses among them."""
    verdicts = claim_verdicts(table).set_index("claim")
    claims = [claim for claim in all_claims() if claim["id"] in verdicts.index]
    address = repository()
    cards = [
        claim_card(claim, verdicts.loc[claim["id"]], table[table["claim"] == claim["id"]], address) for claim in claims
    ]
    return HTML(f'<div class="cluscam-claims">{claim_filter(table, verdicts)}{"".join(cards)}</div>')


def claim_filter(table: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    """The form above the cards, hidden until the script that it needs has come."""
    pages = dict.fromkeys(_page(notebook) for notebook in table["notebook"])
    networks = {model: get_spec(model).title for model in table.loc[table["model"] != "", "model"].unique()}
    words = [word for word in VERDICTS if (verdicts["verdict"] == word).any()]
    choices = [
        _select("Chapter", "chapter", {page: chapter_title(page) for page in pages}),
        _select("Verdict", "verdict", {_token(word): word for word in words}),
        _select("Network", "network", networks),
        _select("Whose claim", "whose", WHOSE),
    ]
    return (
        f'<form class="claim-filter" hidden>{"".join(choices)}<button type="reset">Show all</button>'
        '<button type="button" data-open="">Open all</button>'
        f'<p aria-live="polite">{len(verdicts)} of {len(verdicts)} claims</p></form>'
    )


def _select(label: str, name: str, options: Mapping[str, str]) -> str:
    shown = "".join(f'<option value="{_safe(value)}">{_safe(text)}</option>' for value, text in options.items())
    return f'<label>{label} <select name="{name}"><option value="">all</option>{shown}</select></label>'


def claim_card(claim: Mapping[str, Any], verdict: pd.Series, rows: pd.DataFrame, address: str = "") -> str:
    """One claim: `verdict` is its row of `claim_verdicts`, `rows` are its rows of the ledger.

    `address` is the repository's, for links to its rows and commits; without one they are named.
    """
    blocks = rows[rows["model"] != ""]
    name, first = claim["id"], rows.iloc[0]
    facts = {
        "Verdict": f"<strong>{_safe(SAID[verdict['verdict']])}</strong>: {_safe(verdict_sentence(verdict, blocks))}"
    }
    if others := other_ways(blocks):
        facts["Other ways"] = _safe(others)
    if read := read_otherwise(claim, verdict["verdict"], blocks):
        facts["Read otherwise"] = _safe(read)
    more = {
        "Tested": _safe(first["estimand"]),
        "The paper prints": _safe("nothing to compare" if verdict["paper"] == NOT_PRINTED else verdict["paper"]),
    }
    data = {
        "chapter": _page(first["notebook"]),
        "verdict": _token(verdict["verdict"]),
        "network": " ".join(blocks["model"].unique()),
        "whose": verdict["whose"],
    }
    attributes = " ".join(f'data-{key}="{_safe(value)}"' for key, value in data.items())
    return (
        f'<article class="claim-card" id="claim-{_safe(name)}" {attributes}>'
        f'<details class="claim-fold"><summary>{_line(claim, verdict["verdict"], blocks)}</summary>'
        f'<p class="claim-place">{_safe(WHOSE[verdict["whose"]])}, {_safe(verdict["place"])}</p>'
        f"<blockquote>{_safe(verdict['quote'])}</blockquote>"
        f'<div class="claim-body">{number_line(claim, blocks)}{_listed(facts)}</div>'
        f"<details><summary>What was tested, network by network</summary>{_listed(more)}"
        f"{_networks(blocks)}{_links(first, address)}</details></details></article>"
    )


def _line(claim: Mapping[str, Any], verdict: str, blocks: pd.DataFrame) -> str:
    """What is seen of a folded card: its sentence, the dots of its number line, its verdict, and how firm that is."""
    name = claim["id"]
    firm = f'<span class="claim-firm">holds in {ways[0]} of {ways[1]}</span>' if (ways := ways_of(blocks)) else ""
    return (
        f"<h3>{_safe(name)}: {_safe(titles()[name])}</h3> {small_line(claim, blocks)} "
        f'<span class="claim-stands">{_badge(verdict)} {firm}</span>'
    )


def _listed(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{label}</dt><dd>{text}</dd>' for label, text in facts.items())}</dl>"


def titles() -> dict[str, str]:
    """What each claim says, in words, by its id."""
    return yaml.safe_load(TITLES.read_text(encoding="utf-8"))


def chapter_title(page: str) -> str:
    """The title of a notebook, its first heading."""
    cells = json.loads((ROOT / "notebooks" / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    lines = (line for cell in cells if cell["cell_type"] == "markdown" for line in cell["source"])
    return next((line[2:].strip() for line in lines if line.startswith("# ")), page)


def read_otherwise(claim: Mapping[str, Any], verdict: str, blocks: pd.DataFrame) -> str:
    """The claim's other readings that have another verdict than the claim's own `verdict`, the same one said once;
    "" where there is none.
    """
    found = reading_verdicts(claim, blocks)
    names: dict[str, list[str]] = {}
    for name, (word, counts) in found.items():
        if word != verdict:
            names.setdefault(f"{word} ({counts})", []).append(name)
    return "; ".join(f"{' / '.join(mine)}: {said}" for said, mine in names.items())


def verdict_sentence(verdict: pd.Series, blocks: pd.DataFrame) -> str:
    """What the networks and layers say, "reversed in 2, undecided in 1 of 3 networks and layers"; why, if nothing."""
    if len(blocks) == 1:
        said = f"{blocks['verdict'].iloc[0]} on the one network and layer tested"
    else:
        said = f"{verdict['counts']} of {len(blocks)} networks and layers"
    return f"{said}; {verdict['reason']}" if verdict["reason"] else said


def ways_of(blocks: pd.DataFrame) -> tuple[int, int] | None:
    """In how many other ways of analysing the rows the words of the networks hold, and of how many; None where there
    is no other.
    """
    counted = blocks[blocks["of"].notna() & (blocks["of"] > 0)]
    return (int(counted["holds"].sum()), int(counted["of"].sum())) if len(counted) else None


def other_ways(blocks: pd.DataFrame) -> str:
    """`ways_of` in words; "" where there is no other."""
    ways = ways_of(blocks)
    return f"its words hold in {ways[0]} of {ways[1]} ways to analyse the same rows" if ways else ""


def _networks(blocks: pd.DataFrame) -> str:
    """Each network and layer with its numbers and the reason of its word."""
    lines = []
    for _, row in blocks.iterrows():
        why = row["because"] if isinstance(row["because"], str) and row["because"] else row["reason"]
        images = images_text(row)
        if not images.endswith(row["counted"]):
            images = f"{images} {row['counted']}"
        text = f"{estimate_text(row)}; {images}; {why}" if why else estimate_text(row)
        lines.append(f"<li>{_safe(network_text(row))}: <em>{_safe(row['verdict'])}</em>. {_safe(text)}</li>")
    return f"<ul>{''.join(lines)}</ul>"


def _links(row: pd.Series, address: str) -> str:
    """Where the claim can be followed: its chapter, its rows, the command that makes them, and the commits."""
    page = _page(row["notebook"])
    rows, command = _safe(row["rows"]), _safe(row["parameters"])
    commits = [text.strip() for text in str(row["commits"]).split(",")]
    if address:
        there = f"{_safe(address)}/tree/main/{rows}"
        rows = f'<a href="{there}"><code>{rows}</code></a>'
    made = ", ".join(_commit(text, address) for text in commits)
    return (
        f'<p class="claim-links">Chapter: <a href="{_safe(page)}.html">{_safe(chapter_title(page))}</a> Rows: '
        f"{rows if address else f'<code>{rows}</code>'}, made by <code>{command}</code> at commit {made}.</p>"
    )


def _commit(text: str, address: str) -> str:
    number = text.split(" ")[0]
    if not address or not number.isalnum():
        return f"<code>{_safe(text)}</code>"
    return f'<a href="{_safe(address)}/commit/{number}"><code>{_safe(text)}</code></a>'


def repository(path: Path = ROOT / "_config.yml") -> str:
    """The public address of the project, as `_config.yml` has it; "" while it has none."""
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["sphinx"]["config"].get("project_address") or "")


def sentence_list(sentences: Iterable[Mapping[str, Any]]) -> HTML:
    """Sentences of the paper with what became of each: `quote`, `place`, `verdict` and, in words, `claims`; some have a
    `note`. Each is folded to its first lines and its verdict.
    """
    items = [
        '<li class="claim-card"><details class="sentence-fold">'
        f'<summary><span class="sentence-quote">{_safe(one["quote"])}</span> {_badge(one["verdict"])}</summary>'
        f"<p>{_safe(one['place'])}: {_safe(one['verdict'])} {linked(one['claims'])}</p>{_note(one)}</details></li>"
        for one in sentences
    ]
    return HTML(f'<ul class="cluscam-sentences">{"".join(items)}</ul>')


def _badge(word: str) -> str:
    return f'<span class="claim-verdict" data-word="{_token(word)}">{_safe(word)}</span>'


def _note(sentence: Mapping[str, Any]) -> str:
    return f"<p>{_safe(sentence['note'])}</p>" if sentence.get("note") else ""


def linked(claims: str) -> str:
    """The claims in a text as "C1 undecided, C2 contradicted", in brackets, each linked to its card; "" for none."""
    if not claims:
        return ""
    found = [text.partition(" ") for text in claims.split(", ")]
    said = (f'<a href="#claim-{_safe(name)}">{_safe(name)}</a> {_safe(word)}' for name, _, word in found)
    return f"({', '.join(said)})"


def _page(notebook: str) -> str:
    return Path(notebook).stem


def _token(word: str) -> str:
    return word.replace(" ", "-")


def _safe(text: Any) -> str:
    return html.escape(str(text), quote=True)
