"""What the rows of the reference run were made with."""

import shutil

import pandas as pd
import pytest

from analysis.engine import run
from analysis.run.parameters import profile_parameters
from analysis.studies.origins import COLUMNS, origins_table
from analysis.studies.registry import find_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("reference")
    run(find_study("logits"), profile_parameters("smoke"), place / "logits", quiet=True)
    return place


def test_cells_are_counted_alike_with_and_without_a_manifest(folder, tmp_path):
    complete = origins_table(folder)
    assert complete["study"].tolist() == ["logits"] and complete["cells"].tolist() == [2]
    assert complete["commits"].tolist() == [1] and complete["of them modified"][0] in (0, 2)
    shutil.copytree(folder / "logits", tmp_path / "logits")
    (tmp_path / "logits" / "manifest.json").unlink()
    pd.testing.assert_frame_equal(origins_table(tmp_path), complete)
    next((tmp_path / "logits" / "cells").glob("*.parquet")).unlink()
    assert origins_table(tmp_path)["cells"].tolist() == [1]


def test_a_folder_without_rows(tmp_path):
    assert list(origins_table(tmp_path)) == list(COLUMNS) and not len(origins_table(tmp_path))


def test_every_cell_of_the_reference_run_is_counted():
    table = origins_table()
    assert set(table["device"]) and (table["cells"] > 0).all()
    assert (table["of them modified"] <= table["cells"]).all()
