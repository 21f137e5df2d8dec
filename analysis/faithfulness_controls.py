"""The claims on faithfulness under other choices than the registered ones, by the same rules: controls, no verdicts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.faithfulness_evidence import MEASURES, claim_evidence, panel_title
from analysis.verdicts import NOT_RUN

REGISTERED = "as registered"
OBJECTIVE = "OptiCAM, its public code's objective"
# what each changes in the contrast of a claim
CONTROLS: Mapping[str, Mapping[str, str]] = {
    REGISTERED: {},
    OBJECTIVE: {"against": "opticam_norm"},
    "coverage 0.5": {"form": "matched"},
    "fill black": {"fill": "black"},
    "fill blur": {"fill": "blur"},
}


def applies(change: Mapping[str, str], contrast: Mapping[str, Any]) -> bool:
    """Whether a control changes a contrast: the objective that of OptiCAM, fill and coverage where a mask acts."""
    if "against" in change:
        return contrast["against"] == "opticam"
    return not change or contrast["measure"] in MEASURES


def control_table(rows: pd.DataFrame, claims: list[dict[str, Any]]) -> pd.DataFrame:
    """A row for each claim, block and control that applies: the evidence of `claim_evidence`, and `control`."""
    found = [
        claim_evidence(rows, {**claim, "contrast": {**claim["contrast"], **change}}).assign(control=control)
        for claim in claims
        for control, change in CONTROLS.items()
        if applies(change, claim["contrast"])
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def control_page(rows: pd.DataFrame, claims: list[dict[str, Any]]) -> pd.DataFrame:
    """`control_table` in words, a row for each claim and network, a column for each control: by how much ClusCAM is
    ahead, and what the claim's rule would say of that. A dash where the control changes nothing.
    """
    table = control_table(rows, claims)
    page = pd.DataFrame(
        {
            "claim": table["claim"],
            "network": [panel_title(model, panel) for model, panel in zip(table["model"], table["panel"], strict=True)],
            "control": table["control"],
            "text": [_text(row) for _, row in table.iterrows()],
        }
    )
    wide = page.pivot(index=["claim", "network"], columns="control", values="text").fillna("–")
    order = page[["claim", "network"]].drop_duplicates()
    columns = [control for control in CONTROLS if control in wide]
    return wide[columns].reindex(pd.MultiIndex.from_frame(order)).reset_index().rename_axis(columns=None)


def _text(row: pd.Series) -> str:
    return NOT_RUN if row["decision"] == NOT_RUN else f"{row['mean']:+.1f}, {row['decision']}"
