"""The claims on faithfulness under other choices than the registered ones, by the same rules: controls, no verdicts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.judging.ledger import judged
from analysis.judging.sources import Claim
from analysis.judging.text import decision_text
from analysis.page.panels import MEASURES, panel_title
from analysis.page.tables import with_interval
from analysis.studies.rows import NOT_RUN

REGISTERED = "as registered"
OBJECTIVE = "OptiCAM, its public code's objective"
CONTROLS: Mapping[str, Mapping[str, str]] = {  # what each changes in the contrast of a claim
    OBJECTIVE: {"against": "opticam_norm"},
    "coverage 0.5": {"form": "matched"},
    "fill black": {"fill": "black"},
    "fill blur": {"fill": "blur"},
}


def applies(change: Mapping[str, str], contrast: Mapping[str, Any]) -> bool:
    """Whether a control changes a contrast: the objective that of OptiCAM, fill and coverage where a mask acts."""
    return contrast["against"] == "opticam" if "against" in change else contrast["measure"] in MEASURES


def control_table(rows: pd.DataFrame, claims: list[Claim]) -> pd.DataFrame:
    """A row for each claim, control that applies and block: what the claim's rule says (`judged`), and `control`."""
    found = [
        judged(rows, {**claim, "contrast": {**claim["contrast"], **change}}).assign(claim=claim["id"], control=control)
        for claim in claims
        for control, change in CONTROLS.items()
        if applies(change, claim["contrast"])
    ]
    return pd.concat(found, ignore_index=True)


def control_page(shown: pd.DataFrame, rows: pd.DataFrame, claims: list[Claim]) -> pd.DataFrame:
    """ClusCAM's lead and what the claim's rule says of it: first as registered, then under each control.

    `shown` is the page of the claims. A row for each claim and network; a dash where a control changes nothing.
    """
    table = control_table(rows, claims)
    table["network"] = [panel_title(model, panel) for model, panel in zip(table["model"], table["panel"], strict=True)]
    table["text"] = [_text(row) for _, row in table.iterrows()]
    wide = table.pivot(index=["claim", "network"], columns="control", values="text")
    page = shown.loc[shown["claim"].isin(wide.index.get_level_values("claim")), ["claim", "network"]]
    page[REGISTERED] = [
        NOT_RUN if decision == NOT_RUN else f"{ahead}, {decision}"
        for ahead, decision in shown.loc[page.index, ["ahead by [95 %]", "decision"]].itertuples(index=False)
    ]
    columns = [control for control in CONTROLS if control in wide]
    return page.merge(wide[columns].reset_index(), on=["claim", "network"], how="left").fillna("–")


def _text(row: pd.Series) -> str:
    decision = decision_text(row)
    return NOT_RUN if decision == NOT_RUN else f"{with_interval(row, 'mean', 'low', 'high')}, {decision}"
