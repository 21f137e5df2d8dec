"""The rows of the reference run, as far as it has run (`results/reference/`)."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.engine import Study, read, run
from analysis.engine.contract import empty_rows
from analysis.paths import REFERENCE, ROOT
from analysis.studies.plans.profile import OWN, profile_name
from cluscam_lite.errors import CluscamError


def reference_rows(study: Study, folder: Path | None = None) -> pd.DataFrame:
    """The reference run's rows of a study, as far as it has run; none, with the study's columns, if it has not."""
    folder = folder or REFERENCE / study.name
    try:
        return read(study, folder, allow_partial=True)
    except CluscamError:
        if (folder / "configuration.json").exists() and any((folder / "cells").glob("*.parquet")):
            raise  # rows that cannot be read are not the same as no rows
        return empty_rows(study)


def progress_table(planned: list[Mapping[str, Any]], rows: pd.DataFrame) -> pd.DataFrame:
    """How far each planned block is: `planned` has model, layer and n; state "complete", "n of N images" or not run."""
    table = []
    for block in planned:
        mine = (rows["model"] == block["model"]) & (rows["layer"] == block["layer"])
        done = rows.loc[mine, "image_id"].nunique()
        state = "complete" if done == block["n"] else f"{done} of {block['n']} images" if done else NOT_RUN
        table.append({"model": block["model"], "layer": block["layer"], "images": block["n"], "state": state})
    return pd.DataFrame(table)


def complete_blocks(progress: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the blocks that are complete."""
    done = progress[progress["state"] == "complete"][["model", "layer"]]
    return rows.merge(done, on=["model", "layer"])


NOT_RUN = "not run"


def results_folder(name: str, profile: str) -> Path:
    """Where the results of a study go unless another folder is named; a profile is a name or a .yaml file."""
    return ROOT / "out" / "studies" / Path(profile).stem / name


def _digest(parameters: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that stand for the parameters, but for the place of the data."""
    said = {key: value for key, value in parameters.items() if key != "data_root"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]


def study_rows(study: Study, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a profile: run now, or as far as missing. The reference profile's are read, for they take hours.

    Raises CluscamError if the reference run has not begun.
    """
    name = profile_name(parameters)
    if name == "reference":
        rows = reference_rows(study)
        if not len(rows):
            raise CluscamError(
                f"the reference run of {study.name} has no rows yet; make them with "
                f"`cluscam study {study.name} --profile reference --out results/reference/{study.name}`"
            )
        return rows
    folder = results_folder(study.name, name)
    if name == OWN:  # each setting has a folder: notebooks with two of them may run at once, and going back is quick
        folder = folder.parent / _digest(parameters) / study.name
    while not run(study, {**parameters, "profile": name}, folder, discard=True, quiet=True).complete:
        time.sleep(1)  # another notebook makes the last of them
    return read(study, folder)
