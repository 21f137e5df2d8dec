"""What the page `grid` puts together from the committed estimate: the record, and its numbers as texts."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.engine.progress import duration
from analysis.judging.ledger import all_claims
from analysis.paper.reproduction import reproduction, reproduction_claims
from analysis.paths import ESTIMATE
from analysis.studies.cost.report import GIGA, HOUR, TOGETHER, costs_table
from cluscam_lite.errors import CluscamError

DAY = 24 * HOUR


def record() -> dict[str, Any]:
    """The committed estimate of the profile `paper`. Raises CluscamError if it is not there."""
    try:
        return json.loads(ESTIMATE.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CluscamError(
            f"there is no estimate {ESTIMATE.name}; make it with `cluscam study all --profile paper --estimate --save "
            "results/estimate/paper.json`"
        ) from error


def texts(found: Mapping[str, Any]) -> dict[str, str]:
    """What the page says of the estimate, for `glue`."""
    whole = costs_table(found).set_index("study").loc[TOGETHER]
    seconds, origin = whole["hours"] * HOUR, found["origin"]
    downloads = sum(one["bytes"] for one in found["to download"])
    dearest = max(found["studies"], key=lambda one: one["seconds"])
    return {
        "device": origin["device"].replace("1 threads", "one thread"),
        "made": found["made"][:10],
        "commit": origin["commit"][:10],
        "measured": duration(found["seconds of measuring"]),
        "days_one": f"{seconds / DAY:,.0f} days",
        "days_two": f"{seconds / DAY / 2:,.0f} days",
        "passes": f"{(whole['forward, M'] + whole['head, M']):,.0f} million",
        "backward": f"{whole['backward, M']:,.0f} million",
        "rows": f"{whole['rows, GB']:.1f} GB",
        "weights": f"{downloads / GIGA:.1f} GB",
        "dearest": str(dearest["study"]),
        "dearest_share": f"{100 * dearest['seconds'] / seconds:.0f} %",
    }


def verdicts_fixed() -> str:
    """How many claims have rules for the paper's own networks, and since when, in words."""
    claims = [claim for claim in all_claims() if reproduction_claims(claim)]
    return f"{len(claims)} of {len(all_claims())} claims, since {reproduction()['date']}"


def tolerances_table() -> pd.DataFrame:
    """Within what a number counts as the printed one: a row for each measure."""
    titles = {"drop": "AD", "increase": "IC", "gain": "AG", "ep": "EP", "le": "LE", "logit": "gain of Table 1"}
    rows = reproduction()["measures"].items()
    return pd.DataFrame(
        {"measure": titles[name], "within": one["tolerance"], "unit": one["unit"]} for name, one in rows
    )
