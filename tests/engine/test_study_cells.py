"""Cells, and the rows that a study gives for them: what is checked, and what a run leaves."""

import dataclasses
import json
import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from same_rows import same_rows
from toy_study import CELLS, PROFILE, TOY, Toy, make_cell, parquets

from analysis.engine import Cell, chunks, progress, read, run
from analysis.engine.progress import duration
from cluscam_lite.errors import CluscamError


def test_the_hash_covers_all_that_shapes_the_rows_and_is_the_same_in_every_process():
    changes = [{field.name: "other"} for field in dataclasses.fields(Cell) if field.type is str or field.type == "str"]
    changes += [{"version": 2}, {"seed": 1}, {"images": ("b", "a")}, {"settings": {"K": 3}}, {"settings": {"K": 4}}]
    assert len({make_cell(**change).hash for change in [*changes, {}]}) == len(changes) + 1
    assert make_cell(settings={"r": 0.37, "K": 3}).hash == make_cell().hash
    assert make_cell().hash == "6b570c7dfa523e19a5f3e3e5e96a4e396e83f1453daa0bfee363f31cc0808d5f"
    assert Cell.from_dict(json.loads(json.dumps(make_cell().to_dict()))) == make_cell()


def test_a_cells_settings_are_its_own_and_its_name_is_a_file_name():
    settings = {"sizes": [1, 2]}
    cell = make_cell(settings=settings, images=("some/image 1.jpg",), variant="r=0.37")
    before = cell.hash
    settings["sizes"].append(3)
    assert cell.hash == before and cell.settings == {"sizes": [1, 2]}
    assert cell.name == f"toys-pilot-cnn-last-toycam-r-0.37-some-image-1.jpg-{cell.hash[:12]}"
    assert len(make_cell(variant="v" * 300).name) < 120
    assert "some/image" in cell.title


@pytest.mark.parametrize("settings", [{"K": {1, 2}}, {"r": float("nan")}, {"f": print}])
def test_settings_that_are_no_json_are_refused(settings):
    with pytest.raises(CluscamError, match="setting that JSON cannot hold"):
        make_cell(settings=settings)


def test_images_are_given_once():
    with pytest.raises(CluscamError, match="no image or one twice"):
        make_cell(images=("a", "a"))
    assert chunks(["a", "b", "c"], 2) == [("a", "b"), ("c",)]


# what a run leaves


def test_rows_are_tidy_and_in_canonical_order(undisturbed):
    rows = read(TOY, undisturbed)
    names = ["study", "dataset", "part", "model", "layer", "method", "variant", "seed", "image_id"]
    assert list(rows.columns) == [*names, "repeat", "drop", "forward_passes", "seconds"]
    expected = [(m, f"image-{i:02d}", k) for m in PROFILE["models"] for i in range(10) for k in range(2)]
    assert list(rows[["model", "image_id", "repeat"]].itertuples(index=False, name=None)) == expected


def test_the_manifest_says_where_the_rows_come_from(undisturbed):
    manifest = json.loads((undisturbed / "manifest.json").read_text())
    assert (manifest["study"], manifest["version"], manifest["seeds"]) == ("toy", 1, [0])
    assert (manifest["rows"], manifest["images"], len(manifest["cells"])) == (40, 10, CELLS)
    assert manifest["profile"] == {"profile": PROFILE["profile"], "seed": 0}
    one = {"dataset": "toys", "part": "", "model": "cnn", "layer": "last", "methods": ["toycam"], "images": 10}
    assert manifest["measured"] == [one, one | {"model": "vit"}]
    assert manifest["weights"] == {"cnn": "ab" * 32, "vit": "ab" * 32}
    (origin,) = manifest["origins"]
    assert origin["cells"] == CELLS and origin["device"] == "CPU" and "numpy" in origin["versions"]
    assert sum(cell["rows"] for cell in manifest["cells"]) == 40
    about = json.loads(pq.read_schema(parquets(undisturbed)[0]).metadata[b"cluscam"])
    assert Cell.from_dict(about["cell"]).hash == about["hash"] and about["origin"]["commit"] == origin["commit"]
    assert "/" not in json.dumps(manifest["cells"]) and str(undisturbed) not in json.dumps([manifest, about])


def test_files_are_read_in_one_thread(undisturbed, monkeypatch):
    """A thread of Arrow's that still holds a file's bytes when Python ends aborts the process."""
    original, given = pq.ParquetFile.read, []
    monkeypatch.setattr(pq.ParquetFile, "read", lambda self, **how: given.append(how) or original(self, **how))
    read(TOY, undisturbed)
    assert given == [{"use_threads": False}] * CELLS


def test_a_second_run_makes_nothing_and_says_so(undisturbed, capsys, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.name != ".lock"}
    monkeypatch.setattr(Toy, "run", lambda *_: pytest.fail("nothing is to be made"))
    assert run(TOY, PROFILE, undisturbed).complete
    assert "complete, all 6 cells" in (shown := capsys.readouterr().out) and "nothing was left" in shown
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.name != ".lock"} == before


def test_progress_has_a_line_per_cell_with_the_time_left(tmp_path, capsys):
    run(TOY, PROFILE, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"toy: 6 of 6 cells to make, in {tmp_path}"
    assert lines[1].startswith("[1/6] cnn last toycam, 4 images from image-00: 8 rows in ") and "left" in lines[1]
    assert lines[6].startswith("[6/6] vit") and lines[6].endswith("none left")
    assert "\x1b" not in "".join(lines)
    run(TOY, PROFILE | {"seed": 1}, tmp_path / "quiet", quiet=True)
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert [duration(s) for s in (0.44, 12.2, 200, 7500)] == ["0.4 s", "12 s", "3 min 20 s", "2 h 05 min"]


def test_the_profiles_data_root_is_named_for_the_study_only(tmp_path, monkeypatch):
    monkeypatch.delenv("CLUSCAM_DATA", raising=False)
    original, seen = Toy.run, []
    monkeypatch.setattr(Toy, "run", lambda *given: seen.append(os.environ["CLUSCAM_DATA"]) or original(*given))
    run(TOY, PROFILE | {"data_root": str(tmp_path / "root")}, tmp_path / "out")
    assert set(seen) == {str(tmp_path / "root")} and "CLUSCAM_DATA" not in os.environ
    assert run(TOY, PROFILE, tmp_path / "out").complete  # where the data are does not change the rows
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["profile"]["data_root"] == "root"


# a study that does not keep its word


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="image_id"), "without the column image_id"),
        (lambda rows: rows.drop(columns="repeat"), "without the column repeat"),
        (lambda rows: rows.assign(model="mine"), "the column model, which the engine writes"),
        (lambda rows: rows[rows["image_id"] != "image-01"], "of the image image-01"),
        (lambda rows: rows.replace("image-01", "image-77"), "of the image image-01"),
        (lambda rows: pd.concat([rows, rows[:1]]), "two rows for .*image_id image-00, repeat 0"),
    ],
)
def test_rows_are_checked(tmp_path, monkeypatch, change, words):
    original = Toy.run
    monkeypatch.setattr(Toy, "run", lambda self, cell, progress: change(original(self, cell, progress)))
    with pytest.raises(CluscamError, match=words):
        run(TOY, PROFILE, tmp_path)
    assert parquets(tmp_path) == []


def test_rows_doubled_across_cells_never_get_a_manifest(tmp_path, monkeypatch):
    """Two cells that differ in a setting which is no column."""
    cells = TOY.cells(PROFILE)[:1]
    twin = dataclasses.replace(cells[0], settings={"K": 4})
    monkeypatch.setattr(Toy, "cells", lambda self, profile: [*cells, twin])
    with pytest.raises(CluscamError, match="two rows for study toy.*what tells them apart must be a column"):
        run(TOY, PROFILE, tmp_path)
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([], "has no cell with this profile"),
        ([make_cell(), make_cell()], "has the same cell twice"),
        ([make_cell(version=3)], "says that it is of toy, version 3"),
    ],
)
def test_cells_are_checked(tmp_path, monkeypatch, cells, words):
    monkeypatch.setattr(Toy, "cells", lambda self, profile: cells)
    with pytest.raises(CluscamError, match=words):
        run(TOY, PROFILE, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_same_rows_sees_every_difference_but_that_of_times(undisturbed):
    rows = read(TOY, undisturbed)
    assert same_rows(rows, rows.assign(seconds=0.0, seconds_scoring=1.0))
    assert not same_rows(rows, rows[::-1])
    assert not same_rows(rows, rows[1:])
    last_bit = rows["drop"].where(rows.index != 3, np.nextafter(rows["drop"], 9))
    assert not same_rows(rows, rows.assign(drop=last_bit))


def test_without_a_bar_a_long_cell_says_how_far_it_is(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    cell = Cell("toy", 1, "set", "part", "cnn", "a", "m", tuple("abcd"))
    for quiet in (False, True):
        shown = progress.Progress(1, [cell], quiet)
        shown.begin(cell)
        for done, at in ((1, 30.0), (2, 61.0), (3, 62.0)):
            now[0] = at + 100 * quiet
            shown(cell, done)
        shown.close()
    assert capsys.readouterr().out == f"[1/1] {cell.title}: 2 of 4 images so far\n"
