"""The rows in results/reference are those of their manifests, to the byte, and of studies that are known."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest

from analysis.engine.store import Store
from analysis.paths import REFERENCE
from analysis.studies.registry import REGISTRY, find_study
from analysis.studies.rows import reference_rows

FOLDERS = sorted(path.parent.name for path in REFERENCE.glob("*/configuration.json"))
COMPLETE = [name for name in FOLDERS if (REFERENCE / name / "manifest.json").is_file()]


def test_there_are_results_and_their_studies_are_known():
    assert FOLDERS and set(FOLDERS) <= set(REGISTRY)
    assert {path.name for path in REFERENCE.iterdir() if path.is_dir() and any(path.rglob("*.parquet"))} == set(FOLDERS)


@pytest.mark.parametrize("name", COMPLETE)
def test_files_are_those_of_the_manifest(name):
    store = Store(REFERENCE / name)
    manifest = json.loads((REFERENCE / name / "manifest.json").read_text(encoding="utf-8"))
    cells = store.configuration()
    assert manifest["study"] == name and manifest["version"] == find_study(name).version
    assert [cell["hash"] for cell in manifest["cells"]] == [cell.hash for cell in cells]
    assert not store.strays(cells)
    for cell, said in zip(cells, manifest["cells"], strict=True):
        assert hashlib.sha256(store.path(cell).read_bytes()).hexdigest() == said["sha256"], said["name"]
        assert pq.ParquetFile(store.path(cell)).metadata.num_rows == said["rows"]
    assert sum(cell["rows"] for cell in manifest["cells"]) == manifest["rows"]
    assert sum(origin["cells"] for origin in manifest["origins"]) == len(cells)


@pytest.mark.parametrize("name", COMPLETE)
def test_chapters_read_all_of_them(name):
    manifest = json.loads((REFERENCE / name / "manifest.json").read_text(encoding="utf-8"))
    rows = reference_rows(find_study(name))
    assert len(rows) == manifest["rows"] and rows["image_id"].nunique() == manifest["images"]


@pytest.mark.parametrize("name", sorted(set(FOLDERS) - set(COMPLETE)))
def test_an_unfinished_run_holds_whole_cells_of_its_own_only(name):
    store = Store(REFERENCE / name)
    cells = store.configuration()
    made = [cell for cell in cells if store.path(cell).is_file()]
    assert made and all(store.whole(cell) for cell in made) and not store.strays(cells)


def test_a_changed_byte_would_be_seen(tmp_path):
    store = Store(REFERENCE / COMPLETE[0])
    cell = store.configuration()[0]
    content = bytearray(store.path(cell).read_bytes())
    before = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    assert hashlib.sha256(content).hexdigest() != before == store.load(cell).sha256
