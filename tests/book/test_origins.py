"""What the rows of the reference run were made with."""

import json
import shutil

import pandas as pd
import pytest

from analysis.engine import run
from analysis.engine.store import Damaged, Store
from analysis.paths import REFERENCE
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
    assert complete["commits"].tolist() == [1] and complete["modified cells"][0] in (0, 2)
    cells = Store(folder / "logits").configuration()
    images = sum(len(cell.images) for cell in cells)
    assert complete["images"].tolist() == [images] and images > len(cells)
    assert complete["modified images"].tolist() == [images * (complete["modified cells"][0] == 2)]
    shutil.copytree(folder / "logits", tmp_path / "logits")
    (tmp_path / "logits" / "manifest.json").unlink()
    pd.testing.assert_frame_equal(origins_table(tmp_path), complete)
    Store(tmp_path / "logits").path(cells[0]).unlink()
    fewer = origins_table(tmp_path)
    assert fewer["cells"].tolist() == [1] and fewer["images"].tolist() == [images - len(cells[0].images)]


def test_records_are_those_that_made_the_rows(folder):
    store = Store(folder / "logits")
    for cell in store.configuration():
        assert store.record(cell) == store.load(cell).record
    damaged, other = Store(folder / "damaged"), cell
    (folder / "damaged" / "cells").mkdir(parents=True)
    assert damaged.record(other) is None
    damaged.path(other).write_bytes(b"no Parquet")
    with pytest.raises(Damaged):
        damaged.record(other)


def test_a_folder_without_rows(tmp_path):
    assert list(origins_table(tmp_path)) == list(COLUMNS) and not len(origins_table(tmp_path))


def test_every_cell_of_the_reference_run_is_counted():
    table = origins_table()
    assert set(table["device"]) and (table["cells"] > 0).all()
    assert (table["modified cells"] <= table["cells"]).all() and (table["images"] >= table["cells"]).all()
    assert (table["modified images"] <= table["images"]).all()
    manifests = {path.parent.name: json.loads(path.read_text()) for path in REFERENCE.glob("*/manifest.json")}
    counted = table.groupby("study")["cells"].sum()
    for study, manifest in manifests.items():
        assert counted[study] == len(manifest["cells"]), study
