"""Results folders that are damaged, of another configuration, or none at all."""

import shutil

import pyarrow.parquet as pq
import pytest
from same_rows import same_rows
from toy_study import PROFILE, TOY, Toy, files, parquets

from analysis.engine import read, run, status
from analysis.engine.cell import Cell
from analysis.engine.configuration import _differences
from cluscam_lite.cli import main
from cluscam_lite.errors import CluscamError


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def emptied(path):
    path.write_bytes(b"")


def flipped(path):
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(bytes(content))


def swapped(path):
    other = next(p for p in parquets(path.parent.parent) if p != path)
    shutil.copy(other, path)


def edited(path):
    """A whole file with the right hash, and another number in it."""
    table = pq.read_table(path)
    column = table.schema.get_field_index("drop")
    pq.write_table(table.set_column(column, "drop", [[0.0] * len(table)]), path)


def removed(path):
    path.unlink()


@pytest.mark.parametrize("damage", [truncated, emptied, flipped, swapped, edited])
def test_a_damaged_file_is_made_again_and_that_is_said(undisturbed, tmp_path, damage, capsys):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    damage(parquets(out)[2])
    assert (found := status(TOY, PROFILE, out)).damaged == 1 and not found.complete
    with pytest.raises(CluscamError, match=r"the file .*\.parquet is not the study's: .*; run the study again"):
        read(TOY, out)
    capsys.readouterr()
    assert run(TOY, PROFILE, out, quiet=True).complete
    assert "is damaged (" in (shown := capsys.readouterr().out) and "made again" in shown
    assert same_rows(read(TOY, out), read(TOY, undisturbed))


def test_the_manifest_goes_when_a_cell_is_missing_and_comes_last(undisturbed, tmp_path, monkeypatch):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    removed(parquets(out)[0])
    with pytest.raises(CluscamError, match="it is missing"):
        read(TOY, out)

    def stopped(*_):
        assert not (out / "manifest.json").exists()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Toy, "run", stopped)
        with pytest.raises(KeyboardInterrupt, match="5 of 6 cells"):
            run(TOY, PROFILE, out)
    assert not (out / "manifest.json").exists()
    run(TOY, PROFILE, out)
    written = (out / "manifest.json").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns <= written for path in parquets(out))


# another configuration


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"K": 5}, "K is 3 there and 5 here; choose another --out, or --discard"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"models": ["cnn"]}, r"model is cnn, vit there and cnn here.*\(3 of 3 cells are done and fit\)"),
        ({"models": ["vit", "cnn"]}, "model is cnn, vit there and vit, cnn here"),
        ({"n_images": 12}, r"it is for 10 images and here for 12.*\(4 of 6 cells are done and fit\)"),
    ],
)
def test_a_folder_of_another_configuration_is_refused_with_what_differs(undisturbed, change, words):
    before = files(undisturbed)
    for use in (run, status):
        with pytest.raises(CluscamError, match=f"holds results of another configuration: {words}"):
            use(TOY, PROFILE | change, undisturbed)
    assert files(undisturbed) == before


def test_what_differs_behind_the_shown_beginning_is_named_without_it():
    there, here = (
        Cell("toy", 1, "set", "part", "cnn", "a", "m", ("i",), settings={"donors": [f"scene-train-0-single-{n}"]})
        for n in (1, 2)
    )
    assert _differences([there], [here]) == "donors differs"


def test_another_version_or_study_is_refused(undisturbed):
    newer, other = Toy(), Toy()
    newer.version, other.name = 2, "doll"
    with pytest.raises(CluscamError, match="version is 1 there and 2 here"):
        run(newer, PROFILE, undisturbed)
    with pytest.raises(CluscamError, match="holds the study toy, version 1, but version 2 of toy was asked for"):
        read(newer, undisturbed)
    with pytest.raises(CluscamError, match="study is toy there and doll here"):
        run(other, PROFILE, undisturbed)


def test_discard_keeps_what_fits(undisturbed, tmp_path, monkeypatch):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    kept = {path.name: path.read_bytes() for path in parquets(out)}
    assert run(TOY, PROFILE | {"n_images": 14}, out, discard=True).complete
    same = {path.name for path in parquets(out) if kept.get(path.name) == path.read_bytes()}
    assert len(same) == 4 and len(parquets(out)) == 8
    assert read(TOY, out)["image_id"].nunique() == 14


@pytest.mark.parametrize("lost", ["configuration.json", "cells"])
def test_files_of_another_configuration_are_seen_without_its_configuration(undisturbed, tmp_path, lost):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    if lost == "cells":
        shutil.rmtree(out / "cells")
    (out / "configuration.json").unlink()
    with pytest.raises(CluscamError, match="another configuration: (K is 3 there|its manifest.json lists other)"):
        run(TOY, PROFILE | {"K": 5}, out)
    assert run(TOY, PROFILE, out).complete
    assert same_rows(read(TOY, out), read(TOY, undisturbed))


def test_a_broken_configuration_is_one_sentence(undisturbed, tmp_path):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    (out / "configuration.json").write_text("{")
    for use in (lambda: run(TOY, PROFILE, out), lambda: read(TOY, out)):
        with pytest.raises(CluscamError, match="its configuration.json cannot be read"):
            use()
    assert run(TOY, PROFILE, out, discard=True).complete


def test_a_broken_manifest_is_one_sentence(undisturbed, tmp_path):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    (out / "manifest.json").write_text("{")
    with pytest.raises(
        CluscamError, match="manifest.json is no manifest of a study; choose another folder, or delete it"
    ):
        run(TOY, PROFILE, out)


def test_a_folder_without_results_is_one_sentence(tmp_path):
    with pytest.raises(CluscamError, match="holds no results; run `cluscam study toy` into it first"):
        read(TOY, tmp_path)


def test_a_full_disk_leaves_whole_files_only(tmp_path, monkeypatch, profile_file, capsys):
    write, calls = pq.write_table, []

    def full(table, path, **options):
        calls.append(path)
        if len(calls) == 3:
            path.write_bytes(b"PAR1 half of a file")
            raise OSError(28, "No space left on device")
        write(table, path, **options)

    monkeypatch.setattr(pq, "write_table", full)
    assert main(["study", "toy", "--profile", str(profile_file), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("cluscam: cannot write ") and "no space is left there" in error and error.count("\n") == 1
    assert len(parquets(tmp_path / "out")) == 2 and len(files(tmp_path / "out")) == 3
