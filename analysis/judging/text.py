"""The ledger in words for a page of the book."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.judging.authors import authors_evidence
from analysis.judging.because import because
from analysis.judging.counts import claim_verdicts
from analysis.judging.ledger import WAITS, all_claims, judged
from analysis.judging.power import power_text
from analysis.judging.rules import VERDICTS, WORDS
from analysis.judging.sources import Claim
from analysis.page.panels import panel_title
from analysis.page.tables import limits_text, with_interval
from analysis.paper.amendments import all_amendments
from analysis.statistics import p_text
from analysis.studies.rows import NOT_RUN

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
    interval = "" if pd.isna(row["low"]) else f" {limits_text(row['low'], row['high'])}"
    return f"{row['mean']:+.2f}{interval} {row['unit']}".rstrip()


def holds_text(row: pd.Series) -> str:
    """In how many ways to analyse the block its word holds, "34 of 48"; a dash where no other way was computed."""
    return DASH if pd.isna(row["of"]) or not row["of"] else f"{row['holds']} of {row['of']}"


def corrected_p(row: pd.Series, name: str = "p (Holm)") -> str:
    """Holm's p as text, or another of the ledger's; a dash if there is none."""
    p = row[name]
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


def page(table: pd.DataFrame) -> pd.DataFrame:
    """The ledger for a page, a row for each claim and network: verdict, reference run, what the paper prints. The last
    does not differ between networks and stands in a claim's first row only. Where the authors' own logs speak of a
    claim, they have rows of their own below.
    """
    found = pd.DataFrame(
        row
        for claim, mine in table.groupby("claim", sort=False)
        for row in [*map(_page_row, (one for _, one in mine.iterrows())), *authors_rows(str(claim))]
    )
    found.loc[found["claim"].duplicated(), "paper"] = ""
    return found


def own_page(own: pd.DataFrame) -> pd.DataFrame:
    """The comparisons on rows of one's own (`ledger.own_run`) for a page, a row for each claim and network."""
    every = [row for _, row in own.iterrows()]
    images = [DASH if pd.isna(row["n"]) else str(int(row["n"])) for row in every]
    page = {"claim": own["claim"].tolist(), "network": [network_text(row) for row in every], "images": images}
    return pd.DataFrame(page | {"your run [95 %]": [estimate_text(row) for row in every]})


def _page_row(row: pd.Series) -> dict[str, Any]:
    return {
        "claim": row["claim"],
        "network": network_text(row),
        "tier": row["tier"],
        "images": images_text(row),
        "verdict": verdict_text(row),
        "reference run [95 %]": estimate_text(row),
        "p (Holm)": corrected_p(row),
        "why": row["because"] if isinstance(row["because"], str) else "",
        "holds in": holds_text(row),
        "power": power_text(row),
        "paper": row["paper"],
    }


def authors_rows(claim_id: str) -> list[dict[str, Any]]:
    """What the authors' own logs say of a claim, as rows of the page; they count in no verdict."""
    claim = next(claim for claim in all_claims() if claim["id"] == claim_id)
    return [
        {
            "claim": claim_id,
            "network": f"{panel_title(row['model'], row['panel'])}, K = {row['K']}: {row['compared']}",
            "tier": row["tier"],
            "images": str(row["n"]),
            "verdict": row["verdict"],
            "reference run [95 %]": f"{with_interval(row, 'mean', 'low', 'high')} points, not of this project",
            "p (Holm)": p_text(row["log10 p"]),
            "why": because(row, claim["thresholds"]),
            "holds in": DASH,
            "power": "",
            "paper": "",
        }
        for _, row in authors_evidence(claim).iterrows()
    ]


def readings_page(table: pd.DataFrame) -> pd.DataFrame:
    """The claims that can be read in another way: the word of each network and layer, and what each reading says."""
    read = table[table["readings"].fillna("") != ""]
    return pd.DataFrame(
        {
            "claim": row["claim"],
            "network": network_text(row),
            "verdict": row["verdict"],
            "read otherwise": row["readings"],
        }
        for _, row in read.iterrows()
    )


def follow(table: pd.DataFrame) -> pd.DataFrame:
    """Where to follow the verdicts of each study: claims, chapter, rows, the command that makes them, and commits."""
    places = table.groupby(["notebook", "rows", "parameters", "commits"], sort=False)["claim"].unique()
    found = places.map(", ".join).rename("claims").reset_index()
    found = found.rename(columns={"parameters": "made by", "commits": "at commit"})
    return found[["claims", "notebook", "rows", "made by", "at commit"]]


def counts_text(table: pd.DataFrame) -> str:
    """The verdicts over all claims in a line, the paper's and this project's own apart: "the paper's 3 claims:
    1 supported, 2 contradicted; 1 of our own: undecided; on the paper's own networks 0 of its 3 claims were run".
    """
    found = claim_verdicts(table)
    said = []
    for whose, words in (("paper", "the paper's {} claims"), ("ours", "{} of our own")):
        mine = found.loc[found["whose"] == whose, "verdict"]
        counts = [f"{n} {name}" for name in VERDICTS if (n := int((mine == name).sum()))]
        said += [f"{words.format(len(mine))}: {', '.join(counts)}"] if counts else []
    own = table[(table["whose"] == "paper") & (table["tier"] == "reproduction")]
    claims = own["claim"].nunique()
    ran = own.loc[own["verdict"] != NOT_RUN, "claim"].nunique()
    return "; ".join([*said, f"on the paper's own networks {ran} of its {claims} claims were run"])


def before_and_now(table: pd.DataFrame) -> pd.DataFrame:
    """Every claim and block with its verdict before the amendments, its word now, and why; the claims' own rows first
    of theirs. A claim that was written later has no former verdict.
    """
    verdicts = claim_verdicts(table).set_index("claim")
    touched: dict[str, list[str]] = {}
    for amendment in all_amendments():
        for claim in amendment["claims"]:
            touched.setdefault(claim, []).append(amendment["id"])
    found = []
    for claim, mine in table[table["model"] != ""].groupby("claim", sort=False):
        head = verdicts.loc[claim]
        by = ", ".join(touched.get(str(claim), []))
        row = {"claim": claim, "network": "all", "before": head["former"] or DASH, "now": head["verdict"]}
        found.append(row | {"why": head["counts"], "amendments": by})
        for _, block in mine.iterrows():
            row = {"claim": "", "network": network_text(block), "before": block["former"] or DASH}
            found.append(row | {"now": block["verdict"], "why": block["because"] or block["reason"], "amendments": ""})
    return pd.DataFrame(found)


def amendments(table: pd.DataFrame) -> pd.DataFrame:
    """What was changed of the rules after the evidence was in, why, and what became of the verdicts of its claims: a
    row for each change, the earlier ones (which say themselves what they did) first.
    """
    changed = table[table["amended"] != ""]
    earlier = changed.groupby("amended", sort=False)["claim"].unique().map(", ".join)
    what = "what was changed, and why"
    before = pd.DataFrame({"": "", "claims": earlier.to_numpy(), what: earlier.index, "verdicts": "in the text"})
    blocks = table[(table["model"] != "") & (table["former"] != "")]
    found = []
    for one in all_amendments():
        mine = blocks[blocks["claim"].isin(one["claims"])]
        turned = mine.groupby(["former", "verdict"], sort=False).size()
        effect = ", ".join(f"{old} → {new} in {n}" for (old, new), n in turned.items())
        text = f"{one['date']}: {one['what']} {one['why']}"
        found.append({"": one["id"], "claims": ", ".join(one["claims"]), what: text, "verdicts": effect})
    return pd.concat([before, pd.DataFrame(found)], ignore_index=True)


def claim_text(table: pd.DataFrame, claim: str) -> str:
    """Where a claim of a `claims_page` stands, in words: how many blocks support it, and so on."""
    decisions = table.loc[table["claim"] == claim, "decision"]
    if not decisions.isin(WORDS).all() or (decisions == NOT_RUN).any():
        return f"open, since {int((decisions == NOT_RUN).sum())} of {len(decisions)} blocks have not run"
    counts = [(name, int((decisions == name).sum())) for name in WORDS]
    first, *others = [(name, n) for name, n in counts if n]
    if len(decisions) == 1:
        return f"{first[0]} on the one network and layer tested"
    where = f"all {len(decisions)}" if not others else f"{first[1]} of {len(decisions)}"
    words = [f"{first[0]} in {where} networks and layers"]
    return ", ".join(words + [f"{name} in {n}" for name, n in others])


def claims_text(table: pd.DataFrame, *claims: str) -> str:
    """Where several claims stand, in words; what is the same of all of them is said once."""
    texts = {claim: claim_text(table, claim) for claim in claims}
    first, *others = texts.values()
    if any(text != first for text in others):
        return "; ".join(f"{claim} {text}" for claim, text in texts.items())
    every = "" if not others else "both " if len(texts) == 2 else f"all {len(texts)} "
    return every + first
