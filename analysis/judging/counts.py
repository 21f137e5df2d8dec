"""From a ledger's blocks to verdicts of claims and of the paper's sentences, and to counts of them."""

from functools import lru_cache

import pandas as pd

from analysis.judging.rules import NOT_RUN, NOT_TESTED, VERDICTS, WORDS, combine, of_sentence
from analysis.paper import claims
from analysis.paper.sentences import all_sentences
from analysis.paths import PAPER

ABOUT = ["whose", "quote", "place", "study", "paper"]


def _combined(blocks: pd.DataFrame) -> str:
    return combine(zip(blocks["model"], blocks["verdict"], strict=True))


def claim_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each claim of a ledger: whose it is, quote, paper, verdict (`rules.combine`) over the networks that
    it names, and its `former` verdict.

    `networks` are counted once, `counts` are the words of its networks and layers, `reason` is why it has no verdict.
    """
    found = []
    for claim, every in table.groupby("claim", sort=False):
        own = every[every["model"] != ""]
        verdict = _combined(own)
        without = own["verdict"].isin([NOT_RUN, NOT_TESTED])
        reasons = list(dict.fromkeys(own.loc[without, "reason"]))
        counts = [f"{name} in {n}" for name in WORDS if (n := int((own["verdict"] == name).sum()))]
        row = every.iloc[0].reindex(ABOUT).to_dict()
        row |= {"verdict": verdict, "networks": own["model"].nunique(), "counts": ", ".join(counts)}
        row |= {"former": former_verdicts().get((claim, "", ""), "")}
        found.append({"claim": claim, **row, "reason": "; ".join(reasons) if without.any() else ""})
    return pd.DataFrame(found)


def tier_counts(table: pd.DataFrame) -> pd.DataFrame:
    """How many claims have which verdict, a row for each tier: within a tier the same rule over its networks."""
    verdicts = [(tier, _combined(mine)) for (tier, _), mine in table.groupby(["tier", "claim"], sort=False)]
    counts = pd.DataFrame(verdicts, columns=["tier", "verdict"]).value_counts().unstack(fill_value=0)
    return counts.reindex(index=list(claims.TIERS), columns=list(VERDICTS), fill_value=0).rename_axis(columns=None)


def sentence_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each sentence of the paper: `sentence`, `quote`, `place`, its `claims` with their verdicts in words,
    and its own (`rules.of_sentence`).
    """
    verdicts = claim_verdicts(table).set_index("claim")["verdict"]
    found = []
    for sentence in all_sentences():
        mine = verdicts.reindex(sentence["claims"]).fillna(NOT_RUN)
        said = ", ".join(f"{claim} {verdict}" for claim, verdict in mine.items())
        found.append({**sentence, "claims": said, "verdict": of_sentence(mine)})
    return pd.DataFrame(found).rename(columns={"id": "sentence"})


@lru_cache(maxsize=1)
def former_verdicts() -> dict[tuple[str, str, str], str]:
    """(claim, network, layer) -> the verdict before the amendments of 2026-11-29; ("", "") is the claim's own."""
    kept = pd.read_csv(PAPER / "former_verdicts.csv", keep_default_na=False)
    return {(row.claim, row.model, row.panel): row.verdict for row in kept.itertuples(index=False)}
