"""The paper's sentences that are tested, and the claims that each of them is made of (`sentences.yaml`)."""

from typing import Any

import yaml

from analysis.paper.claims import LOADER, all_claims
from analysis.paper.schema import check
from analysis.paths import PAPER
from cluscam_lite.errors import CluscamError, unknown

SENTENCE = {"id": str, "quote": str, "place": str, "claims": [str]}


def all_sentences() -> list[dict[str, Any]]:
    """Every sentence, in the order of the file, quotes on one line.

    Raises CluscamError for one that is not as `SENTENCE` says, or that names a claim which is none of the paper's.
    """
    found = yaml.load((PAPER / "sentences.yaml").read_text(encoding="utf-8"), Loader=LOADER)
    whose = {claim["id"]: claim["whose"] for claim in all_claims()}
    for sentence in found:
        where = f"analysis/paper/sentences.yaml, sentence {sentence.get('id', 'without an id')}"
        check(sentence, SENTENCE, where)
        for claim in sentence["claims"]:
            if claim not in whose:
                raise CluscamError(f"{where}: {unknown('claim', claim, whose)}")
            if whose[claim] != "paper":
                raise CluscamError(f"{where}: claim {claim} is this project's own, not the paper's")
        sentence["quote"] = " ".join(sentence["quote"].split())
    return found
