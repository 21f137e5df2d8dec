"""Which studies the ledger knows: a line of `SOURCES` for each.

A study's evidence is the function `evidence(rows, claim)` of `analysis/chapters/STUDY/claims.py`. It takes the study's
rows (a DataFrame, maybe empty or incomplete) and a claim of `claims.yaml`, and gives numbers without a verdict, a row
for each block of the claim's population:

- `model` and `panel`;
- what the claim's rule reads (`analysis.judging.rules.judge`), empty for a block that has not run on all its images;
- for the ledger what there is of `n`, `mean`, `low`, `high`, `d_z`, `d_z low`, `d_z high`, or a `text` that stands for
  the estimate; and a `reason` for what has not run, if it says more than how many images are there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pandas as pd

Claim = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """A study: its estimates' unit, what their n counts, and which claims (by prefix) another notebook shows."""

    study: str
    unit: str = ""
    counted: str = "images"
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def evidence(self) -> Callable[[pd.DataFrame, Claim], pd.DataFrame]:
        """The study's evidence function, imported when it is asked for: nothing here depends on a chapter."""
        return import_module(f"analysis.chapters.{self.study}.claims").evidence

    def notebook(self, claim_id: str) -> str:
        """The notebook that shows a claim."""
        return next((name for prefix, name in self.elsewhere.items() if claim_id.startswith(prefix)), self.study)


SOURCES = {
    source.study: source
    for source in (
        Source("logits", "logits"),
        Source("faithfulness", "points", elsewhere={"C9": "localisation"}),
        Source("boxes", "points", elsewhere={"C9": "localisation"}),  # other readings of C9a and C9b
        Source("alzheimer", "points", counted="components"),
        Source("ablation", "points"),
        Source("hyperparameters"),
        Source("runtime"),
        Source("stability"),
    )
}
# studies whose rows answer a claim's other readings alone, never a claim by itself
READ = {"boxes": Source("boxes", "points")}


def source_of(study: str) -> Source | None:
    """The source of a study, None for one that the ledger does not know."""
    return (SOURCES | READ).get(study)
