"""The rows in results/ are those of their manifests, to the byte, and of studies that are known."""

import csv
import hashlib
import json

import pyarrow.parquet as pq
import pytest

from analysis.engine.cell import COLUMNS
from analysis.engine.store import Store
from analysis.paths import CONFIRMATION, REFERENCE, ROOT
from analysis.studies.registry import REGISTRY, find_study
from analysis.studies.rows import reference_rows

RUNS = (REFERENCE, CONFIRMATION)
FOLDERS = sorted(path.parent for run in RUNS for path in run.glob("*/configuration.json"))
COMPLETE = [folder for folder in FOLDERS if (folder / "manifest.json").is_file()]


def shown(folder):
    return f"{folder.parent.name}/{folder.name}"


def test_there_are_results_and_their_studies_are_known():
    assert FOLDERS and {folder.name for folder in FOLDERS} <= set(REGISTRY)
    inside = [path for run in RUNS if run.is_dir() for path in run.iterdir() if path.is_dir()]
    assert {path for path in inside if any(path.rglob("*.parquet"))} == set(FOLDERS)


@pytest.mark.parametrize("folder", COMPLETE, ids=shown)
def test_files_are_those_of_the_manifest(folder):
    store = Store(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cells = store.configuration()
    assert manifest["study"] == folder.name and manifest["version"] == find_study(folder.name).version
    assert [cell["hash"] for cell in manifest["cells"]] == [cell.hash for cell in cells]
    assert not store.strays(cells)
    for cell, said in zip(cells, manifest["cells"], strict=True):
        assert hashlib.sha256(store.path(cell).read_bytes()).hexdigest() == said["sha256"], said["name"]
        assert pq.ParquetFile(store.path(cell)).metadata.num_rows == said["rows"]
    assert sum(cell["rows"] for cell in manifest["cells"]) == manifest["rows"]
    assert sum(origin["cells"] for origin in manifest["origins"]) == len(cells)


@pytest.mark.parametrize("folder", COMPLETE, ids=shown)
def test_chapters_read_all_of_them(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = reference_rows(find_study(folder.name), folder)
    assert len(rows) == manifest["rows"] and rows["image_id"].nunique() == manifest["images"]


@pytest.mark.parametrize("folder", sorted(set(FOLDERS) - set(COMPLETE)), ids=shown)
def test_an_unfinished_run_holds_whole_cells_of_its_own_only(folder):
    store = Store(folder)
    cells = store.configuration()
    made = [cell for cell in cells if store.path(cell).is_file()]
    assert made and all(store.whole(cell) for cell in made) and not store.strays(cells)


def test_a_changed_byte_would_be_seen(tmp_path):
    store = Store(COMPLETE[0])
    cell = store.configuration()[0]
    content = bytearray(store.path(cell).read_bytes())
    before = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    assert hashlib.sha256(content).hexdigest() != before == store.load(cell).sha256


def test_every_column_of_every_study_is_explained_once():
    with (ROOT / "results" / "columns.csv").open(encoding="utf-8", newline="") as file:
        said = list(csv.DictReader(file))
    studies = {name: (*COLUMNS, *find_study(name).columns) for name in REGISTRY}
    every = dict.fromkeys(column for columns in studies.values() for column in columns)
    wanted = {column: [name for name, columns in studies.items() if column in columns] for column in every}
    assert len(said) == len(wanted) and all(row["meaning"].endswith(".") and row["unit"] for row in said)
    named = {row["column"]: row["studies"] for row in said}
    assert named == {name: "all" if len(own) == len(studies) else " ".join(own) for name, own in wanted.items()}
