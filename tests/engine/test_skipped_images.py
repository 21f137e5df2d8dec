"""Images that cannot be used: they are skipped, named and counted, and a rerun tells it again or makes their rows."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from same_rows import same_rows
from toy_study import CELLS, PROFILE, TOY, Toy, make_cell, parquets

from analysis.__main__ import COMMANDS
from analysis.engine import read, run, status
from analysis.engine.work import make
from analysis.studies import registry
from cluscam_lite import load_dataset
from cluscam_lite.cli import main
from cluscam_lite.errors import BrokenImage, CluscamError, naming

BAD = {"image-02": "cut short", "image-09": "a box beyond it"}


class Sieve(Toy):
    """The toy study on a data set of which some images are broken; `named`: whether the error knows which."""

    columns = {"image_id": "str", "repeat": "int64", "drop": "float64"}

    def __init__(self, bad, named=True):
        self.bad, self.named = dict(bad), named

    def run(self, cell, progress):
        for image in cell.images:
            if image in self.bad:
                with naming(image if self.named else ""):
                    raise BrokenImage(self.bad[image])
        return super().run(cell, progress)

    def usable(self, cell, image_id):
        return image_id not in self.bad


@pytest.mark.parametrize("named", [True, False])
def test_they_are_named_counted_and_told_again(undisturbed, tmp_path, capsys, named):
    study = Sieve(BAD, named)
    done = run(study, PROFILE, tmp_path)
    shown = capsys.readouterr().out
    assert done.complete and done.done == CELLS and done.skipped == BAD
    for image, reason in BAD.items():
        assert shown.count(f"skipped {image}: {reason}\n") == 1
    assert "all 6 cells are done, 2 images skipped" in shown
    whole = read(TOY, undisturbed)
    assert same_rows(read(study, tmp_path), whole[~whole["image_id"].isin(BAD)].reset_index(drop=True))
    assert json.loads((tmp_path / "manifest.json").read_text())["skipped"] == BAD
    before = {path: path.read_bytes() for path in parquets(tmp_path)}
    again = run(study, PROFILE, tmp_path)
    assert again.skipped == status(study, PROFILE, tmp_path).skipped == BAD
    assert "skipped image-02: cut short" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in parquets(tmp_path)} == before


def test_a_mended_image_gets_its_rows(undisturbed, tmp_path, capsys):
    study = Sieve(BAD)
    run(study, PROFILE, tmp_path, quiet=True)
    del study.bad["image-02"]
    half = run(study, PROFILE, tmp_path)
    assert half.complete and [*half.skipped] == ["image-09"]
    assert "image-02 can be used by now" in capsys.readouterr().out
    study.bad.clear()
    assert run(study, PROFILE, tmp_path, quiet=True).skipped == {}
    assert same_rows(read(study, tmp_path), read(TOY, undisturbed))
    assert "skipped" not in json.loads((tmp_path / "manifest.json").read_text())


def test_a_cell_without_a_usable_image_has_no_rows(tmp_path):
    bad = {f"image-{i:02d}": "empty" for i in range(4)}
    done = run(Sieve(bad), PROFILE, tmp_path, quiet=True)
    assert done.complete and done.skipped == bad and len(read(Sieve(bad), tmp_path)) == 2 * 2 * 6


def test_a_donor_that_is_broken_takes_its_image_along():
    cell = make_cell(images=("a", "b", "c"), settings={"K": 3, "donors": ["x", "y", "x"]})
    asked = []

    class Lending(Sieve):
        def run(self, cell, progress):
            asked.append((cell.images, cell.settings["donors"]))
            if "x" in cell.settings["donors"]:
                with naming("x"):
                    raise BrokenImage("empty")
            return Toy.run(self, cell, progress)

    made = make(Lending({}), cell, {}, lambda _: None)
    assert asked == [(("a", "b", "c"), ["x", "y", "x"]), (("b",), ["y"])]
    assert dict(made.skipped) == dict.fromkeys(("a", "c"), "its donor: the image x: empty") and len(made.table) == 2


def test_an_error_about_no_image_of_the_cell_is_raised():
    class Elsewhere(Toy):
        def run(self, cell, progress):
            if len(cell.images) > 1:
                raise BrokenImage("of another data set")
            return super().run(cell, progress)

    with pytest.raises(BrokenImage, match="of another data set"):
        make(Elsewhere(), make_cell(images=("a", "b")), {}, lambda _: None)


def test_the_command_ends_with_a_status_of_its_own(tmp_path, monkeypatch, capsys, profile_file):
    monkeypatch.setattr("toy_study.TOY", Sieve(BAD))
    monkeypatch.setitem(registry.REGISTRY, "toy", "toy_study:TOY")
    command = ["study", "toy", "--profile", str(profile_file), "--out", str(tmp_path / "out")]
    for _ in range(2):
        assert main(command, COMMANDS) == 3
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "2 images could not be used and were skipped" in error and "image-02" in error
    assert main([*command, "--status"], COMMANDS) == 0 and "skipped image-09: a box" in capsys.readouterr().out


def test_a_corrupt_image_and_a_box_beyond_its_image_in_a_data_root(tmp_path, monkeypatch, capsys):
    folder, rows = tmp_path / "root" / "ilsvrc2012_val", []
    folder.mkdir(parents=True)
    for i, sample in enumerate(load_dataset("scenes", n=4)):
        buffer = io.BytesIO()
        sample.image.save(buffer, "PNG")
        picture = buffer.getvalue()[: 900 if i == 1 else None]
        box = [[0.0, 0.0, 50.0, 97.0 if i == 2 else 50.0]]
        facts = {"image_id": f"i{i}", "label": i, "width": 96, "height": 96, "boxes": box}
        rows.append(facts | {"image": {"bytes": picture, "path": f"i{i}"}})
    pq.write_table(pa.Table.from_pylist(rows), folder / "validation-00000-of-00001.parquet")
    (folder / "split.csv").write_text("image_id,part,order\n" + "".join(f"i{i},pilot,{i}\n" for i in range(4)))
    monkeypatch.setenv("CLUSCAM_DATA", str(tmp_path / "root"))
    command = ["study", "faithfulness", "--profile", "reference", "--out", str(tmp_path / "out")]
    own = {"models": "[scene_cnn]", "part": "pilot", "n_images": "4", "methods": "[centre]", "layer": "last"}
    command += [word for name, value in own.items() for word in ("-p", name, value)]
    assert main(command, COMMANDS) == 3
    shown = capsys.readouterr()
    assert "skipped i1: the image i1 is cut short or damaged" in shown.out
    assert "skipped i2: the box (0.0, 0.0, 50.0, 97.0) does not fit its image of 96 x 96 pixels" in shown.out
    kept = pq.read_table(parquets(tmp_path / "out"), use_threads=False)["image_id"].to_pylist()
    assert sorted({*kept}) == ["i0", "i3"]


def test_its_name_is_in_its_sentence_once():
    with pytest.raises(CluscamError, match="^the image a.png: the box is malformed$"), naming("a.png"):
        raise BrokenImage("the box is malformed")
    with pytest.raises(CluscamError, match="^the image a.png is empty$"), naming("a.png"):
        raise BrokenImage("the image a.png is empty")
