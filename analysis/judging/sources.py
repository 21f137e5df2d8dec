"""Where each study's claims get their evidence: one line of `SOURCES` for a study plugs it into the ledger.

An evidence function takes a study's rows (a DataFrame, maybe empty or incomplete) and one claim of `claims.yaml`, and
gives a row for each block of the claim's population, in its order:

- `model`, `panel` (or `layer`) and `planned` (images); `tier`, unless it is the claim's own;
- `decision`, one of `analysis.judging.rules`, and for "not run" a `reason` ("12 of 100 images"; the ledger counts images
  where there is none);
- what there is of `n`, `mean` (or `estimate`), `low`, `high`, `d_z`, `d_z low`, `d_z high`, `p (Holm)`; or `text` (or
  `finding`), which then stands for the estimate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pandas as pd

from analysis.paper.tables import FAMILY, paper_means, paper_table
from cluscam_lite import get_spec

Claim = Mapping[str, Any]
WAITS = "complete, but the claim's other networks are not (Holm)"
BEGUN = "not all methods or settings have run on all images"
NO_ROWS = "no rows yet"
NOT_PRINTED = "not in the paper"
DATASET = {"ilsvrc": "ILSVRC", "alzheimer_mri": "Alzheimer"}  # as Table 2 names them


@dataclass(frozen=True)
class Source:
    """A study's evidence function, its chapter (`elsewhere`: a claim's prefix -> another), and what the paper prints.

    Functions are "module:name" and are imported when they are used. `paper` takes a claim and gives a short text.
    `counted` is what the evidence's n counts.
    """

    evidence: str
    notebook: str
    unit: str = ""
    paper: str = ""
    elsewhere: tuple[tuple[str, str], ...] = ()
    counted: str = "images"

    def chapter(self, claim_id: str) -> str:
        """The notebook that shows the claim."""
        return next((name for prefix, name in self.elsewhere if claim_id.startswith(prefix)), self.notebook)


HERE, CHAPTERS = "analysis.judging.sources", "analysis.chapters"
SOURCES: dict[str, Source] = {
    "logits": Source(
        f"{CHAPTERS}.logits.evidence:of_logits", "logits", "logits", f"{CHAPTERS}.logits.evidence:printed_logits"
    ),
    "faithfulness": Source(
        f"{HERE}:of_faithfulness", "faithfulness", "points", f"{HERE}:printed_means", (("C9", "localisation"),)
    ),
    "alzheimer": Source(
        "analysis.chapters.alzheimer.evidence:claim_table",
        "alzheimer",
        "points",
        f"{HERE}:printed_means",
        (),
        "components",
    ),
    "ablation": Source("analysis.chapters.ablation.evidence:claim_evidence", "ablation", "points"),
    "hyperparameters": Source("analysis.chapters.hyperparameters.rules:claim_evidence", "hyperparameters"),
    "runtime": Source(f"{HERE}:of_runtime", "runtime"),
}


def resolve(name: str) -> Any:
    """The object of "module:name"."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def of_faithfulness(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Evidence for the claims of Sections 4.2 and 4.3 from the rows of the study `faithfulness`."""
    from analysis.judging.compare import claim_evidence
    from analysis.page.panels import prepared

    ready = prepared(rows) if len(rows) else rows
    table = claim_evidence(ready, claim)
    missing = [shortage(ready, block, claim["contrast"]) for block in claim["population"]["blocks"]]
    return table.assign(reason=[text or WAITS for text in missing])


def of_runtime(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Evidence for the claims on running time: ratios, their median and range over images, in words."""
    table = resolve("analysis.chapters.runtime.evidence:claim_evidence")(rows, claim)
    if "ratio" in table:
        words = [f"{row.ratio:.2f} times [{row.low:.2f}, {row.high:.2f}]" for row in table.itertuples()]
        table["text"] = pd.Series(words, index=table.index).where(table["ratio"].notna())
    return table


def shortage(rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]) -> str:
    """What a block of a paired comparison lacks, as text: which method, images done of those planned; "" if nothing."""
    from analysis.page.panels import wide
    from cluscam_lite.methods import METHODS

    if not len(rows):
        return NO_ROWS
    mine = rows[(rows["model"] == block["model"]) & (rows["panel"] == block["layer"])]
    table = wide(mine, "drop").iloc[: block["n"]] if len(mine) else pd.DataFrame()
    done = {name: int(table[name].notna().sum()) if name in table else 0 for name in _both(contrast)}
    short = [f"{METHODS[name].title} {n} of {block['n']} images" for name, n in done.items() if n < block["n"]]
    return ", ".join(short)


def _both(contrast: Mapping[str, Any]) -> tuple[str, str]:
    return contrast["method"], contrast["against"]


def _table2(metric: str, family: str, dataset: str) -> pd.Series:
    """A row of Table 2 by method, for a data set of the registry."""
    table = paper_table(2)
    mine = (table["dataset"] == DATASET[dataset]) & (table["family"] == FAMILY[family]) & (table["metric"] == metric)
    return table[mine].set_index("method")["value"]


def printed_means(claim: Claim) -> str:
    """What the paper prints of a paired comparison: the difference of both methods' means over six networks, which are
    Table 2's, or for localisation those of Table 4's cells.
    """
    from analysis.page.panels import LOCATION, MEASURES
    from cluscam_lite.methods import METHODS

    contrast, blocks = claim["contrast"], claim["population"]["blocks"]
    families = {get_spec(block["model"]).family for block in blocks}
    metric = (MEASURES | LOCATION).get(contrast["measure"])
    titles = [METHODS[name].title for name in _both(contrast)]
    # the paper reads transformers at the patch embedding, and prints no mean over both families
    if metric is None or len(families) > 1 or (families == {"transformer"} and blocks[0]["layer"] != "paper"):
        return NOT_PRINTED
    dataset = claim["population"]["dataset"]
    means = paper_means(metric, *families) if metric in LOCATION.values() else _table2(metric, *families, dataset)
    if not set(titles) <= set(means.index):
        return NOT_PRINTED
    ours, theirs = means[titles]
    ahead = ours - theirs if contrast["better"] == "higher" else theirs - ours
    return f"{ahead:+.2f} points ({metric} {ours:.2f}, {titles[1]} {theirs:.2f})"
