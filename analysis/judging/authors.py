"""What the authors' own results, image by image, say of the claims that they speak of.

ResNet-18 and fifty photographs, from workbooks in the history of the authors' public repository
(`analysis/paper/authors_per_image.csv`, made by `scripts/authors_results.py`). Not this project's runs: settings are
read off file names and code, as `certainty` says, and they are not quite the claims' (r = 0.5; tau = 0.5 or 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.judging.compare import compare
from analysis.judging.rules import judge
from analysis.page.tables import with_interval
from analysis.paper.claims import all_claims
from analysis.paths import PAPER

TIER = "authors' logs"
MODEL, PANEL = "resnet18", "paper"
PLAIN, HDBSCAN = "results_50img_50drop.xlsx", "results_HDBSCAN50img_50drop.xlsx"
DROPPED, KEPT = "results_T-0.5-softmax-drop50_50img.xlsx", "results_T-0.5-softmax_50img.xlsx"
UNIFORM = "results_T-50-softmax_50img.xlsx"
CODE = "settings from the code that was committed with it"
NAMES = "settings from the file names"
COLUMN_OF = {"increase": "IC", "drop": "AD"}
MAIN, ALL = "30", "10 to 100"  # Table 3's K of ResNet-18; the mean over the K that the workbooks share


@dataclass(frozen=True)
class Pair:
    """Two workbooks whose difference is that of a claim's two sides."""

    first: str
    second: str
    words: str
    certainty: str
    sizes: tuple[str, ...] = (MAIN, ALL)


PAIRS = {
    "C7d": Pair(PLAIN, HDBSCAN, "K-Means++ against HDBSCAN, both with r = 0.5 and tau = 1", CODE),
    "C8a": Pair(DROPPED, KEPT, "r = 0.5 against r = 0, both with tau = 0.5", NAMES),
    "C8b": Pair(DROPPED, PLAIN, "tau = 0.5 against tau = 1, both with r = 0.5", NAMES),
    "C8c": Pair(PLAIN, UNIFORM, "r = 0.5 and tau = 1 against r = 0 and tau = 50, nearly uniform", NAMES, ("150",)),
}


def per_image() -> pd.DataFrame:
    """The results: `workbook`, `method`, `K` (text, "" for HDBSCAN), `r`, `tau`, `image`, `AD` and `IC` in percent."""
    return pd.read_csv(PAPER / "authors_per_image.csv", dtype={"K": str}, keep_default_na=False)


def sides(claim_id: str, size: str, measure: str) -> tuple[pd.Series, pd.Series]:
    """Both sides of a claim's pair by image, in percent; HDBSCAN, which finds K, has the same for any `size`."""
    pair, table = PAIRS[claim_id], per_image()
    both = []
    for workbook in (pair.first, pair.second):
        mine = table[(table["workbook"] == workbook) & table["K"].isin((size, ""))]
        both.append(mine.set_index("image")[COLUMN_OF[measure]].astype(float))
    return both[0], both[1].reindex(both[0].index)


def authors_evidence(claim: Mapping[str, Any], measure: str = "") -> pd.DataFrame:
    """A claim on the authors' logs, a row for each number of groups; none if they do not speak of it.

    By the claim's own measure, or another one. `model`, `panel`, `tier`, `K`, what `compare` gives, `compared` (words),
    `origin`, `certainty`, and, for the claim's own measure, the `verdict` of its rule, where each row stands alone.
    """
    pair, found = PAIRS.get(claim["id"]), []
    for size in pair.sizes if pair else ():
        asked = measure or claim["contrast"]["measure"]
        numbers = compare(*sides(claim["id"], size, asked), asked, claim["thresholds"])
        row = {"model": MODEL, "panel": PANEL, "tier": TIER, "K": size, **numbers, "compared": pair.words}
        row |= {"origin": f"{pair.first} and {pair.second}", "certainty": pair.certainty}
        found.append(pd.DataFrame([row]) if measure else judge(pd.DataFrame([row]), claim["thresholds"]))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["model", "panel", "tier", "K"])


def authors_page() -> pd.DataFrame:
    """What the logs say of each claim, for a page: IC and AD, on how many images IC differs, the rule's word."""
    found = []
    for claim in all_claims():
        drops = authors_evidence(claim, "drop")
        for i, row in authors_evidence(claim).iterrows():
            found.append(
                {
                    "claim": claim["id"],
                    "compared": row["compared"],
                    "K": row["K"],
                    "images": row["n"],
                    "IC ahead by [95 %]": with_interval(row, "mean", "low", "high"),
                    "images on which it differs": row["differing"],
                    "AD ahead by [95 %]": with_interval(drops.loc[i], "mean", "low", "high"),
                    "by the claim's rule": row["verdict"],
                    "certainty": row["certainty"],
                }
            )
    return pd.DataFrame(found)
