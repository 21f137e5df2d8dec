"""Are the numbers those that the paper prints? Each network's means and difference, within a tolerance fixed before.

The words are those of the rule "limits" on how far a number is from the printed one: supported, if its whole interval
lies within the tolerance; reversed, if it lies wholly outside; else undecided.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.engine.store import Store
from analysis.judging.compare import estimates
from analysis.judging.reproduction.judged import Judge, reproduced
from analysis.judging.rules import NOT_RUN, judge
from analysis.judging.sources import Claim
from analysis.page.panels import LOCATION, MEASURES
from analysis.paper.reproduction import TIER, networks_of, reproduction
from analysis.paper.tables import TABLE_OF, chosen, paper_table
from analysis.studies.registry import REGISTRY, find_study
from analysis.studies.rows import reference_rows
from cluscam_lite.methods import METHODS
from cluscam_lite.models.runs import RunName

COLUMNS = ("claim", "tier", "model", "panel", "measure", "of", "n", "printed", "mean", "low", "high", "tolerance",
           "unit", "verdict")  # fmt: skip
DIFFERENCE = "difference"


def magnitudes(rows: pd.DataFrame, claim: Claim, judged: Judge) -> pd.DataFrame:
    """A row for each network and number of a claim: columns `COLUMNS`; none if it has none, or none has run."""
    again = reproduced(rows, claim, judged) if claim.get("reproduction", {}).get("magnitude") else None
    found = pd.DataFrame() if again is None else pd.DataFrame(_numbers(rows, *again))
    if len(found):
        limits = reproduction()["measures"][measure_of(claim)]
        distance = [_distance(row) for _, row in found.iterrows()]
        found = found.assign(least=[near for near, _ in distance], most=[far for _, far in distance])
        tolerance = limits["tolerance"]
        rule = {"rule": "limits", "supported": {"at_most": tolerance}, "reversed": {"more_than": tolerance}}
        found = judge(found, rule).assign(claim=claim["id"], tier=TIER, tolerance=tolerance, unit=limits["unit"])
    return found.reindex(columns=COLUMNS)


def measure_of(claim: Claim) -> str:
    """The measure whose tolerance counts for a claim."""
    return claim["contrast"].get("measure", "logit")


def _distance(row: pd.Series) -> tuple[float, float]:
    """How far from the printed value the interval is: the least and the most."""
    low, high = row["low"] - row["printed"], row["high"] - row["printed"]
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


def _numbers(rows: pd.DataFrame, claim: Claim, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Each number that the paper prints of a judged claim beside its own, for the blocks that have run."""
    contrast, measure = claim["contrast"], measure_of(claim)
    for _, row in table[table["verdict"] != NOT_RUN].iterrows():
        known = {"model": row["model"], "panel": row["panel"], "measure": measure}
        mine = {key: row[key] for key in ("n", "mean", "low", "high")}
        if "method" not in contrast:
            yield {**known, **mine, "of": DIFFERENCE, "printed": table_1()}
            continue
        printed = {side: printed_value(row["model"], contrast[side], measure) for side in ("method", "against")}
        if None in printed.values():
            continue
        ahead = printed["method"] - printed["against"]
        yield {**known, **mine, "of": DIFFERENCE, "printed": ahead if contrast["better"] == "higher" else -ahead}
        for side, value in printed.items():
            own = _values(rows, row, contrast[side], measure)
            yield {**known, **{key: estimates(own)[key] for key in mine}, "of": contrast[side], "printed": value}


def _values(rows: pd.DataFrame, row: Mapping[str, Any], method: str, measure: str) -> Any:
    """A method's numbers on the block's images, the maps as they are on the image's mean."""
    plain = (rows["variant"] == "") & (rows["form"] == "raw") & (rows["fill"] == "mean") & (rows["method"] == method)
    mine = rows[plain & (rows["model"] == row["model"]) & (rows["layer"] == row["panel"])]
    return mine[measure].iloc[: int(row["planned"])].dropna().to_numpy(float)


def table_1() -> float:
    """The mean difference of Table 1, in logits; the paper names no network."""
    table = paper_table(1).set_index("metric")["value"]
    return float(table["mean_difference_logit"])


def printed_value(model: str, method: str, measure: str) -> float | None:
    """What Tables 4 to 6 print of a method on a network, in percent; None if nothing."""
    metric, run = (MEASURES | LOCATION).get(measure), RunName.parse(model)
    names = paper_table(3).set_index("name")["model"]
    title = names.get(model if run is None else run.model)
    if metric is None or title is None:
        return None
    mine = chosen(paper_table(6 if run else TABLE_OF[metric]), metric=metric, model=title, method=METHODS[method].title)
    return float(mine["value"].iloc[0]) if len(mine) else None


def all_magnitudes(folder: Path, claims: list[dict[str, Any]], judged: Judge) -> pd.DataFrame:
    """`magnitudes` of all claims on the rows under `folder`/STUDY."""
    claims = [claim for claim in claims if claim.get("reproduction", {}).get("magnitude")]
    networks = {name for claim in claims for name in networks_of(claim)}
    rows = {}
    for study in dict.fromkeys(claim["study"] for claim in claims):
        cells = Store(folder / study).configuration() or ()
        if study in REGISTRY and any(cell.model in networks for cell in cells):  # else its rows need not be read
            rows[study] = reference_rows(find_study(study), folder / study)
    found = [magnitudes(rows[claim["study"]], claim, judged) for claim in claims if claim["study"] in rows]
    found = [table for table in found if len(table)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))
