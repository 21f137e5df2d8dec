"""What the chapter on agreement says: answers in words, and tables for its page."""

import pandas as pd

from analysis.chapters.agreement.evidence import (
    ALL,
    FEW,
    MOST,
    SHARES,
    choices_table,
    judged_blocks,
    verdicts_by_way,
    ways_of,
    words_of,
)
from analysis.judging.power import could_not_confirm
from analysis.judging.rules import CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED, VERDICTS
from analysis.judging.text import DASH, estimate_text, network_text
from analysis.page.empty import or_not_run
from analysis.page.tables import with_interval

HOLDS = {ALL: "in all", MOST: "in more than half", FEW: "in half or fewer"}
DIRECTED = (SUPPORTED, CONTRADICTED)
CORE = {  # claims on ClusCAM's parts: what is found where they are contradicted
    "C6b": "K-Means' groups raise the logit no more than random groups do",
    "C8a": "dropping groups is worth nothing that counts",
}


def answer(table: pd.DataFrame) -> str:
    """How many words hold in all ways, in more than half, and in half or fewer, in a sentence."""
    blocks = judged_blocks(table)
    if not len(blocks):
        return f"{NOT_RUN.capitalize()}."
    counts = blocks["share"].value_counts().reindex(SHARES, fill_value=0)
    ways = f"{blocks['of'].min()} to {blocks['of'].max()}"
    opening = "Mostly" if 2 * counts[FEW] < len(blocks) else "Often not"
    return (
        f"{opening}. Of {len(blocks)} words for a network and layer, each asked again in {ways} ways, {counts[ALL]} "
        f"hold in all of them, {counts[MOST]} in more than half, and {counts[FEW]} in half or fewer"
    )


def turned(claims: pd.DataFrame) -> str:
    """The decided claims whose verdict holds in half of the ways or fewer, in words; `claims` is `claims_table`'s."""
    weak = claims[claims["verdict"].isin(DIRECTED) & (2 * claims["holds"] <= claims["of"])]
    said = [f"{row.claim} ({row.verdict}, in {row.holds} of {row.of})" for row in weak.itertuples()]
    return ", ".join(said) or "none"


def steady(claims: pd.DataFrame) -> str:
    """The decided claims whose verdict holds in every way, in words."""
    firm = claims[claims["verdict"].isin(DIRECTED) & (claims["holds"] == claims["of"])]
    return ", ".join(f"{row.claim} ({row.verdict})" for row in firm.itertuples()) or "none"


def core(claims: pd.DataFrame) -> str:
    """Which findings on ClusCAM's own parts hold in every way, in words."""
    firm = claims[(claims["verdict"] == CONTRADICTED) & (claims["holds"] == claims["of"])]
    said = [f"that {words} ({claim})" for claim, words in CORE.items() if claim in set(firm["claim"])]
    return " and ".join(said) or "any finding"


def opposed(claims: pd.DataFrame) -> str:
    """The claims that some ways support and others contradict, with how many do either, in words."""
    both = [
        (claim, counts)
        for claim, counts in zip(claims["claim"], claims["ways"], strict=True)
        if {*DIRECTED} <= {*counts}
    ]
    said = [
        f"{claim} ({counts[SUPPORTED]} ways support it, {counts[CONTRADICTED]} contradict it)" for claim, counts in both
    ]
    return ", ".join(said) or "none"


def claims_page(claims: pd.DataFrame) -> pd.DataFrame:
    """`claims_table` as text: in how many ways the verdict holds, and how many of the claim's blocks how often."""
    page = claims[["claim", "whose", "verdict"]].copy()
    page["verdict holds in"] = [f"{holds} of {of}" for holds, of in zip(claims["holds"], claims["of"], strict=True)]
    for share in SHARES:
        page[f"networks and layers: {HOLDS[share]}"] = claims[share]
    return or_not_run(page)


def ways_text(claim_id: str) -> str:
    """What the ways of a claim come to, over its networks: "supported in 12 of 36, undecided in 24"."""
    ways = ways_of(claim_id)
    if not len(ways):
        return "no other way was computed"
    found = verdicts_by_way(ways)
    counts = [(verdict, int((found == verdict).sum())) for verdict in VERDICTS if (found == verdict).any()]
    (first, n), *others = sorted(counts, key=lambda one: -one[1])
    return ", ".join([f"{first} in {n} of {len(found)}", *(f"{verdict} in {n}" for verdict, n in others)])


def weakest_choice(table: pd.DataFrame, claim_id: str) -> str:
    """The dimension of a claim whose choices move the share of words that hold the most, in words."""
    found = choices_table(ways_of(claim_id), words_of(table, claim_id))
    if not len(found):
        return DASH
    shares = found.assign(share=found["holds"] / found["of"]).groupby("dimension", sort=False)
    most = str((shares["share"].max() - shares["share"].min()).idxmax())
    mine = shares.get_group(most)
    said = ", ".join(f"{row.share:.0%} with {row.choice}" for row in mine.itertuples())
    return f"{most}: the word holds in {said}"


def holds_page(table: pd.DataFrame) -> pd.DataFrame:
    """The networks and layers whose word does not hold in all ways, the least firm first."""
    blocks = judged_blocks(table)
    blocks = blocks[blocks["share"] != ALL]
    order = (blocks["holds"].astype(float) / blocks["of"].astype(float)).sort_values(kind="stable").index
    page = pd.DataFrame(
        {
            "claim": row["claim"],
            "network": network_text(row),
            "word": row["verdict"],
            "it holds in": f"{row['holds']} of {row['of']} ways",
        }
        for _, row in blocks.loc[order].iterrows()
    )
    return or_not_run(page)


def power_page(table: pd.DataFrame) -> pd.DataFrame:
    """Every undecided block with a test: its images and estimate, its power, and the images that would decide it."""
    mine = table[(table["verdict"] == UNDECIDED) & table["power"].notna()]
    page = pd.DataFrame(
        {
            "claim": row["claim"],
            "network": network_text(row),
            "images": f"{row['n']} {row['counted']}",
            "estimate [95 %]": estimate_text(row),
            "d_z": DASH if pd.isna(row["d_z"]) else f"{row['d_z']:+.2f}",
            "power": f"{row['power']:.0%}",
            "at": row["power at"],
            "would be decided by": row["images needed"],
        }
        for _, row in mine.iterrows()
    )
    return or_not_run(page, "undecided")


def weak_page(table: pd.DataFrame) -> pd.DataFrame:
    """The blocks that would have missed the paper's own figure more often than not, whatever their word."""
    mine = table[[row["model"] != "" and bool(could_not_confirm(row)) for _, row in table.iterrows()]]
    page = pd.DataFrame(
        {
            "claim": row["claim"],
            "network": network_text(row),
            "images": f"{row['n']} {row['counted']}",
            "power": f"{row['power']:.0%}",
            "at": row["power at"],
            "verdict": row["verdict"],
        }
        for _, row in mine.iterrows()
    )
    return or_not_run(page, "power below one half")


def pooled_page(pooled: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """`pooled_table` as text, beside the words of the networks that it pools."""
    page = pooled[["claim", "networks"]].copy()
    page["d_z over networks [95 %]"] = [with_interval(row, "d_z", "low", "high") for _, row in pooled.iterrows()]
    page["between networks, τ"] = [f"{tau:.2f}" for tau in pooled["tau"]]
    page["the next network's d_z"] = [
        f"{row['next low']:+.2f} to {row['next high']:+.2f}" for _, row in pooled.iterrows()
    ]
    page["words of networks and layers"] = [", ".join(words_of(table, claim).values()) for claim in pooled["claim"]]
    return or_not_run(page)
