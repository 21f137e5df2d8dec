"""Predictions of a fifth network beside what came out: the claims' own rules on the rows of `results/confirmation`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.engine.store import Store
from analysis.judging.ledger import judged
from analysis.judging.rules import NOT_RUN, NOT_TESTED, WORDS
from analysis.judging.sources import SOURCES
from analysis.page.empty import table_of
from analysis.paper.claims import all_claims
from analysis.paper.predictions import all_predictions, claim_about
from analysis.paths import CONFIRMATION
from analysis.studies.registry import find_study
from analysis.studies.rows import reference_rows

FOUND = tuple(word for word in WORDS if word not in (NOT_RUN, NOT_TESTED))  # what a prediction may say
TIME = "%Y-%m-%d %H:%M:%S UTC"
NUMBERS = ("n", "mean", "low", "high", "d_z", "d_z low", "d_z high", "text", "because", "reason")
RowsOf = Callable[[str], pd.DataFrame]


def committed_rows(folder: Path = CONFIRMATION) -> RowsOf:
    """``rows_of(study)``: the rows of a study under `folder`, as far as it has run; each is read once."""
    read: dict[str, pd.DataFrame] = {}

    def rows_of(study: str) -> pd.DataFrame:
        if study not in read:
            read[study] = reference_rows(find_study(study), folder / study)
        return read[study]

    return rows_of


def prediction_table(rows_of: RowsOf, predictions: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """A row for each prediction: what was expected, the word that came out, and whether that was right.

    `right` and `right side` (of zero) are True, False, or None where nothing has come out, or nothing was said. `n` of
    `planned` images had values to compare. The numbers are those of the ledger, above 0 in favour of the claim.
    """
    predictions = predictions or all_predictions(FOUND)
    claims = {claim["id"]: claim for claim in all_claims()}
    found = []
    for prediction in predictions["predictions"]:
        claim = claims[prediction["claim"]]
        row = judged(rows_of(claim["study"]), claim_about(predictions, prediction, claim)).iloc[0]
        ran = row["verdict"] != NOT_RUN
        about = {
            "claim": claim["id"],
            "whose": claim["whose"],
            "unit": SOURCES[claim["study"]].unit,
            "planned": prediction["n"],
        }
        about |= {"expected": tuple(prediction["words"]), "direction": prediction["direction"]}
        about |= {"reasoning": " ".join(prediction["because"].split()), "verdict": row["verdict"]}
        about |= {"right": row["verdict"] in prediction["words"] if ran else None}
        about |= {"right side": _right_side(row, prediction["direction"]) if ran else None}
        found.append(about | {name: row.get(name) for name in NUMBERS})
    return pd.DataFrame(found).astype({"right": object, "right side": object, "n": "Int64"})


def more_table(rows_of: RowsOf, predictions: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The predicted claims on all images that both sides have by now, where these are more than the predicted ones.

    A row for each such claim: `claim`, `unit`, images `planned`, `verdict` and the numbers of the ledger. It judges no
    prediction: those are about their own images.
    """
    predictions = predictions or all_predictions(FOUND)
    claims = {claim["id"]: claim for claim in all_claims()}
    found = []
    for prediction in predictions["predictions"]:
        claim = claims[prediction["claim"]]
        rows = rows_of(claim["study"])
        for n in _larger(rows, predictions, prediction["n"]):
            about = claim_about(predictions, {**prediction, "n": n}, claim)
            (block,) = about["population"]["blocks"]
            del block["ids"]
            row = judged(rows, about).iloc[0]
            if row["verdict"] != NOT_RUN:
                about = {"claim": claim["id"], "unit": SOURCES[claim["study"]].unit, "planned": n}
                found.append(about | {"verdict": row["verdict"]} | {name: row.get(name) for name in NUMBERS})
                break
    return table_of(found, "claim", "unit", "planned", "verdict", *NUMBERS)


def _larger(rows: pd.DataFrame, network: Mapping[str, Any], n: int) -> list[int]:
    """Numbers of images above `n` that some method has on the network and layer, the largest first."""
    if not len(rows):
        return []
    mine = rows[(rows["model"] == network["network"]) & (rows["layer"] == network["layer"])]
    counts = mine.groupby("method")["image_id"].nunique() if "method" in mine else [mine["image_id"].nunique()]
    return sorted({int(count) for count in counts if count > n}, reverse=True)


def _right_side(row: pd.Series, direction: str) -> bool | None:
    """Whether the estimate is on the side of zero that was expected; None if none was, or there is no estimate."""
    if direction == "none" or pd.isna(row.get("mean")):
        return None
    return bool(row["mean"] > 0) if direction == "ahead" else bool(row["mean"] < 0)


def first_row(folder: Path = CONFIRMATION) -> str | None:
    """When the first cell under `folder` was begun, "YYYY-MM-DD HH:MM:SS UTC"; None if there is none.

    To the second, by the clock of the machine that made it: a cell's file says when it was finished and how long it
    took.
    """
    begun = [
        datetime.strptime(record["finished"], TIME).replace(tzinfo=UTC) - timedelta(seconds=record["seconds"])
        for record in _records(folder)
    ]
    return min(begun).strftime(TIME) if begun else None


def commits(folder: Path = CONFIRMATION) -> list[tuple[str, bool]]:
    """The commits by which the rows under `folder` were made, each with whether files differed from it."""
    made = ((record["origin"]["commit"], record["origin"]["modified"] is not False) for record in _records(folder))
    return sorted(set(made))


def _records(folder: Path) -> list[Mapping[str, Any]]:
    """What the file of each finished cell says of its making."""
    places = sorted(path.parent for path in folder.glob("*/configuration.json"))
    return [
        store.load(cell).record
        for store in map(Store, places)
        for cell in store.configuration() or ()
        if store.path(cell).exists()
    ]
