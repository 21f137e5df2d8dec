"""What the chapter on the fifth network says: the table of predictions, how many came true, and what came first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import fill
from typing import Any

import pandas as pd

from analysis.chapters.confirmation.evidence import TIME
from analysis.judging.rules import NEGLIGIBLE, REVERSED, SUPPORTED, UNDECIDED, UNINFORMATIVE, WORDS
from analysis.judging.text import DASH, estimate_text
from analysis.page.panels import MEASURES
from analysis.paper.claims import all_claims
from analysis.studies.mask_sources import TITLES
from analysis.studies.rows import NOT_RUN
from cluscam_lite.methods import METHODS

CLEAR = {SUPPORTED, REVERSED, NEGLIGIBLE}
ANSWER = {True: "yes", False: "no"}
SHORT = {**MEASURES, "le": "LE"}
SETTINGS = {
    "r table 3, tau table 3": "the whole method",
    "r 0, tau table 3": "without dropout",
    "r table 3, tau 1": "without temperature",
    "uniform": "all groups alike",
}
OF_LOGITS = {"kmeans": "a group's mask", "members": "its members", "random": "random groups of the same sizes"}


def compared(claim: Mapping[str, Any]) -> str:
    """What a claim holds against what, in words."""
    contrast = claim["contrast"]
    if claim["study"] == "logits":
        return f"{OF_LOGITS[contrast['masks']]} against {OF_LOGITS[contrast['against']]}: logit"
    if claim["study"] == "runtime":
        return "time of ClusCAM over that of its passes"
    if claim["study"] == "ablation":
        (first, one), (second, other) = contrast["first"], contrast["second"]
        sides = (TITLES[first], TITLES[second]) if first != second else (SETTINGS[one], SETTINGS[other])
    else:
        sides = METHODS[contrast["method"]].title, METHODS[contrast["against"]].title
    return f"{sides[0]} against {sides[1]}: {SHORT[contrast['measure']]}"


def label(claim_id: str, width: int = 36) -> str:
    """A claim in words for the axis of a figure, in lines of at most `width` characters."""
    claim = next(claim for claim in all_claims() if claim["id"] == claim_id)
    return fill(f"{claim_id}: {compared(claim)}", width)


def predictions_page(table: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """`evidence.prediction_table` for a page, beside the words of the four networks in the ledger."""
    claims = {claim["id"]: claim for claim in all_claims()}
    return pd.DataFrame(
        {
            "claim": row["claim"],
            "what is compared": compared(claims[row["claim"]]),
            "the four networks": words_text(ledger, row["claim"]),
            "expected of the fifth": " or ".join(row["expected"]),
            "images": row["planned"],
            "estimate [95 %]": estimate_text(row),
            "came out": f"{NOT_RUN}: {row['reason']}" if row["verdict"] == NOT_RUN else row["verdict"],
            "expected?": ANSWER.get(row["right"], DASH),
            "on the expected side?": ANSWER.get(row["right side"], DASH),
        }
        for _, row in table.iterrows()
    )


def words_text(ledger: pd.DataFrame, claim: str) -> str:
    """How many networks and layers of a claim have which word, "2 reversed, 1 undecided"; a dash without any."""
    mine = ledger[(ledger["claim"] == claim) & (ledger["model"] != "")]
    counts = mine["verdict"].value_counts(sort=False)
    return ", ".join(f"{n} {word}" for word, n in counts.items()) or DASH


def reasons_page(table: pd.DataFrame) -> pd.DataFrame:
    """Why each was expected, as it was written down, and why the rule gave the word that came out."""
    said = table["because"].where(table["verdict"] != NOT_RUN, table["reason"])
    return pd.DataFrame({"claim": table["claim"], "why it was expected": table["reasoning"], "what came out": said})


def count_text(table: pd.DataFrame) -> str:
    """How many predictions came true, in a sentence's words: words first, then sides of zero."""
    ran, sides = table["right"].notna(), table["right side"].notna()
    if not ran.any():
        return "none of the predictions has been put to the test yet"
    absent = int((~ran).sum())
    rest = f"; {absent} {'was' if absent == 1 else 'were'} not run" if absent else ""
    right, side = int((table["right"] == True).sum()), int((table["right side"] == True).sum())  # noqa: E712
    return (
        f"{right} of {int(ran.sum())} verdicts were as predicted, and {side} of the {int(sides.sum())} predictions "
        f"that named a side of zero were right in that{rest}"
    )


def clear_text(table: pd.DataFrame, ledger: pd.DataFrame) -> str:
    """How many claims got a clear verdict, and whether the four networks of the ledger say the same.

    Clear are "supported", "reversed" and "negligible". The four agree where one of them has the same word, and none of
    them the opposite of it.
    """
    ran = table[table["right"].notna()]
    clear = ran[ran["verdict"].isin(CLEAR)]
    if not len(clear):
        return f"none of {len(ran)} claims got a clear verdict"
    four = ledger[ledger["model"] != ""].groupby("claim")["verdict"].agg(set)
    said = [(row["verdict"], four.get(row["claim"], set())) for _, row in clear.iterrows()]
    against = sum(bool(words & (CLEAR - {word})) for word, words in said)
    agree = sum(word in words and not words & (CLEAR - {word}) for word, words in said)
    other = "nothing clear came out the other way" if not against else f"{against} came out the other way on some"
    return (
        f"{len(clear)} of {len(ran)} claims got a clear verdict, {agree} of these {len(clear)} agree with the four "
        f"networks, and {other}"
    )


def sharp_text(table: pd.DataFrame) -> str:
    """The same for predictions that name a single word, "6 of 7"."""
    return _share(table[table["expected"].map(len) == 1])


def bold_text(table: pd.DataFrame) -> str:
    """The same for predictions that name nothing but effects or their absence: few images alone make none come true."""
    return _share(table[[not set(words) & {UNDECIDED, UNINFORMATIVE} for words in table["expected"]]])


def wrong_text(table: pd.DataFrame) -> str:
    """The predictions that did not come true: "C7a (expected undecided, came out supported)"; "none" without any."""
    wrong = table[table["right"] == False]  # noqa: E712
    said = [
        f"{row['claim']} (expected {' or '.join(row['expected'])}, came out {row['verdict']})"
        for _, row in wrong.iterrows()
    ]
    return ", ".join(said) or "none"


def more_page(table: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """`evidence.more_table` for a page, beside what the predicted images said."""
    claims = {claim["id"]: claim for claim in all_claims()}
    before = table.set_index("claim")
    return pd.DataFrame(
        {
            "claim": row["claim"],
            "what is compared": compared(claims[row["claim"]]),
            "predicted images": before.loc[row["claim"], "planned"],
            "their word": before.loc[row["claim"], "verdict"],
            "all images": row["planned"],
            "estimate on all [95 %]": estimate_text(row),
            "word on all": row["verdict"],
        }
        for _, row in more.iterrows()
    )


def _share(table: pd.DataFrame) -> str:
    return f"{int((table['right'] == True).sum())} of {int(table['right'].notna().sum())}"  # noqa: E712


def constant_text(table: pd.DataFrame) -> str:
    """The most that somebody could have got right who says the same word of every claim: which word, and how often."""
    ran = table.loc[table["right"].notna(), "verdict"]
    if not len(ran):
        return "no word, as none has come out yet"
    counts = ran.value_counts()
    best = next(word for word in WORDS if counts.get(word, 0) == counts.max())
    return f"'{best}', right {counts.max()} times of {len(ran)}"


def order_text(history: Sequence[tuple[str, str]], first: str | None, made: Sequence[tuple[str, bool]]) -> str:
    """Which came first, the predictions or the rows.

    Args:
        history: `provenance.file_history` of the predictions: (commit, time), the oldest first.
        first: `evidence.first_row`.
        made: `evidence.commits`.
    """
    if first is None:
        return "no row has been made yet"
    rows = f"the first row was begun on {first}; the rows were made by code of {_named(made)}"
    if not history:
        return f"{rows}; this copy has no whole git history, which would say when the predictions were written"
    (commit, when), changed = history[0], history[-1]
    gap = (datetime.strptime(first, TIME) - datetime.strptime(when, TIME)).total_seconds()
    before = "before" if gap >= 0 else "AFTER"
    later = "and have not been changed since" if len(history) == 1 else f"and were changed last on {changed[1]}"
    return (
        f"the predictions were committed on {when} ({commit[:10]}), {abs(gap):,.0f} seconds {before} the first row "
        f"was begun, {later}; {rows}"
    )


def _named(made: Sequence[tuple[str, bool]]) -> str:
    return ", ".join(f"{commit[:10]}{' (modified)' * changed}" for commit, changed in made)
