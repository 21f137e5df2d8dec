"""What the chapter on verdicts says: the counts and the words of its answer, Section 4.3, and the reader's own run."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis.chapters.verdicts.numbers import between, blocks_of, in_words, must
from analysis.chapters.verdicts.otherwise import MEAN, PUBLIC, read_so
from analysis.judging.counts import claim_verdicts
from analysis.judging.rules import CONTRADICTED, NOT_TESTED, SUPPORTED, UNDECIDED, of_sentence
from analysis.paper.amendments import all_amendments
from analysis.paths import ROOT

SECTION = ROOT / "analysis" / "chapters" / "verdicts" / "section43.yaml"
# the paper's claims of which the answer speaks in words
HOLD = {"C6a", "C7c", "C9a", "C11a", "C11c"}
FALL = {"C2", "C4a", "C4b", "C5b", "C5c", "C7b", "C8a", "C10b"}


def answer(table: pd.DataFrame) -> dict[str, str]:
    """The numbers of the chapter's answer: how many of the paper's claims hold, fall, and are open, and of ours.

    Raises CluscamError if other claims hold or fall than those of which the page speaks.
    """
    verdicts = claim_verdicts(table)
    paper, ours = (verdicts[verdicts["whose"] == whose] for whose in ("paper", "ours"))
    for word, meant, said in ((SUPPORTED, HOLD, "hold"), (CONTRADICTED, FALL, "do not hold")):
        found = {*paper.loc[paper["verdict"] == word, "claim"]}
        must(found == meant, f"of the paper's claims {', '.join(sorted(meant))} {said}")
    return {
        "n_paper": str(len(paper)),
        "n_hold": in_words(len(HOLD)),
        "n_fall": in_words(len(FALL)),
        "n_open": in_words(len(paper) - len(HOLD) - len(FALL)),
        "n_ours": str(len(ours)),
        "ours_hold": in_words(int((ours["verdict"] == SUPPORTED).sum())),
        "ours_fall": in_words(int((ours["verdict"] == CONTRADICTED).sum())),
        "seeds_agree": between(blocks_of(table, "C12a")["mean"], 2),
    } | read_otherwise(table)


def read_otherwise(table: pd.DataFrame) -> dict[str, str]:
    """What the answer says of other readings: the claims against OptiCAM with the objective of the paper's public code
    (`norm_c4a` and so on), and C6a against the mask of the mean of all maps, "reversed in 5 of 5".
    """
    against = ("C2", "C4a", "C4b", "C5b", "C5c", "C9a")
    said = {f"norm_{claim.lower()}": read_so(table, claim, PUBLIC)[0] for claim in against}
    return said | {"mean_c6a": read_so(table, "C6a", MEAN)[1]}


def changed_since(table: pd.DataFrame) -> dict[str, str]:
    """How many amendments came after the evidence, and how many `n_earlier` ones of single claims; how many claims
    there were before them, and how many of these have another verdict now. "Inconclusive" was then the word for
    "undecided".
    """
    verdicts = claim_verdicts(table)
    before = verdicts[verdicts["former"] != ""]
    turned = before["former"].replace("inconclusive", UNDECIDED) != before["verdict"]
    numbers = {"n_amendments": len(all_amendments()), "n_before": len(before), "n_turned": int(turned.sum())}
    numbers["n_earlier"] = int(table.loc[table["amended"].fillna("") != "", "amended"].nunique())
    return {name: str(n) for name, n in numbers.items()}


def section_43(table: pd.DataFrame, numbers: dict[str, str]) -> list[dict[str, Any]]:
    """The sentences of Section 4.3 with their verdicts, as `cards.sentence_list` takes them.

    `numbers` are those of the finding on localisation. A sentence that no claim of the ledger tests is not tested.
    """
    verdicts = claim_verdicts(table).set_index("claim")["verdict"]
    numbers, found = numbers | read_otherwise(table), []
    for sentence in yaml.safe_load(SECTION.read_text(encoding="utf-8")):
        mine = verdicts[sentence["claims"]]
        said = {"quote": sentence["quote"], "place": "Section 4.3", "note": sentence["note"].format(**numbers)}
        said["verdict"] = of_sentence(mine) if len(mine) else NOT_TESTED
        found.append(said | {"claims": ", ".join(f"{claim} {word}" for claim, word in mine.items())})
    return found


def own_folder(profile: str) -> Path | None:
    """The folder in which this copy's studies left their rows for a profile; None for the reference profile, whose
    rows are the ledger's own.
    """
    return None if profile == "reference" else ROOT / "out" / "studies" / profile
