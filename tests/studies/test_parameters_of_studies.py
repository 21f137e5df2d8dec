"""`cluscam study -p NAME VALUE`: honoured, or one sentence; and rows that were changed after they were written."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.engine.cell import Cell
from analysis.engine.store import Damaged, Store
from analysis.studies.command import own_parameters, plan_text
from analysis.studies.registry import find_study
from cluscam_lite.cli import main
from cluscam_lite.errors import CluscamError


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("n_images", ".nan", "n_images is nan, but must be of type int"),
        ("n_images", "/", "n_images is '/', but must be of type int"),
        ("n_images", "0", "n_images is 0; expected a whole number between 1"),
        ("n_images", "100000000000", "n_images is 100000000000; expected a whole number between 1 and 1000000"),
        ("n_images", "9" * 5000, "cannot be read|n_images"),
        ("seed", "[1]", r"seed is \[1\], but must be of type int"),
        ("seed", "{a: 1}", "seed is {'a': 1}, but"),
        ("seed", "", "seed is None, but"),
        ("seed", "-1", "seed is -1; expected a whole number between 0"),
        ("seed", str(2**64), "expected a whole number between 0"),
        ("seed", "true", "seed is True, but"),
        ("models", "[1]", "models is a list of names, but has '1' in it"),
        ("models", "true", "models is True, but must be of type list"),
        ("models", "scene_cnn", r"models is 'scene_cnn', but must be of type list; write \[scene_cnn\]"),
        ("models", "[[a]]", "models is a list of names"),
        ("models", "[scene_cn]", "unknown model 'scene_cn'; nearest: scene_cnn"),
        ("dataset", "scene", "unknown data set 'scene'; nearest: scenes"),
        ("part", "nonsense", "unknown part 'nonsense'"),
        ("seeds", "0", "seeds is 0; expected how many, at least 1"),
        ("n_image", "3", "unknown parameter 'n_image'; nearest: n_images"),
        ("profile", "smoke", "unknown parameter 'profile'"),
        ("model", "scene_cnn", "unknown parameter 'model'; nearest: models"),
    ],
)
def test_a_parameter_is_honoured_or_refused(name, text, words):
    with pytest.raises(CluscamError, match=words):
        own_parameters("embedded", [(name, text)])


def test_an_own_profile_is_checked_as_well(tmp_path):
    for bad in ("models: [1, 2]", "n_images: -1", "seed: .nan", "n_images: '3'"):
        (tmp_path / "mine.yaml").write_text(f"dataset: scenes\n{bad}\n")
        with pytest.raises(CluscamError, match="the parameter"):
            own_parameters(str(tmp_path / "mine.yaml"), [])
    (tmp_path / "mine.yaml").write_text("dataset: scenes\nmodels: [scene_cnn]\nn_images: 1\nn_imagess: 3\n")
    with pytest.raises(CluscamError, match="unknown parameter 'n_imagess'; nearest: n_images"):
        own_parameters(str(tmp_path / "mine.yaml"), [])


def test_what_is_asked_for_is_what_is_planned():
    own = own_parameters("embedded", [("models", "[scene_vit]"), ("n_images", "2"), ("seed", "4"), ("layer", "last")])
    assert (own["models"], own["n_images"], own["seed"], own["layer"]) == (["scene_vit"], 2, 4, "last")


# ---- rows


def written(folder):
    cell = Cell("toy", 1, "toys", "", "cnn", "", "cam", ("a", "b", "c"))
    store = Store(folder)
    store.configure([cell])
    rows = {"image_id": list("abc"), "drop": [1.0, None, 3.0], "target": [1, 2, 3], "right": [True, False, True]}
    store.write(cell, pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False), {"seconds": 1.0})
    return store, cell


def rewritten(store, cell, change):
    """The file again with other rows, and with the metadata that it had."""
    table = pq.read_table(store.path(cell))
    pq.write_table(change(table), store.path(cell))


CHANGES = {
    "a row removed": lambda t: t.slice(0, 2),
    "rows in another order": lambda t: t.take([2, 1, 0]),
    "a value changed": lambda t: t.set_column(1, "drop", [[1.0, None, 3.5]]),
    "a gap filled": lambda t: t.set_column(1, "drop", [[1.0, 2.0, 3.0]]),
    "a text changed": lambda t: t.set_column(0, "image_id", [["a", "b", "d"]]),
    "a truth changed": lambda t: t.set_column(3, "right", [[True, True, True]]),
    "a column removed": lambda t: t.drop_columns(["target"]),
    "no rows": lambda t: t.slice(0, 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_rows_that_were_changed_are_found_without_a_manifest(tmp_path, change):
    store, cell = written(tmp_path)
    assert store.whole(cell)
    rewritten(store, cell, lambda t: change(t).replace_schema_metadata(t.schema.metadata))
    with pytest.raises(Damaged, match="its rows are not those that were written"):
        store.load(cell)
    assert store.survey([cell]).damaged == [(cell, "its rows are not those that were written")]
    assert [found for found, _ in store.clear([cell], lambda *_: False)] == [cell] and not store.path(cell).exists()


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"row_group_size": 1}, {"use_dictionary": False}])
def test_the_same_rows_held_otherwise_are_the_same_rows(tmp_path, options):
    store, cell = written(tmp_path)
    table = pq.read_table(store.path(cell))
    pq.write_table(table, store.path(cell), **options)
    assert store.whole(cell)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n_images: 2\nseed: 1\nn_images: 3\n", "has 'n_images' twice, at line 3"),
        ("models: [scene_cnn]\nn_images: {a: 1, a: 2}\n", "has 'a' twice, at line 2"),
    ],
)
def test_a_profile_says_each_thing_once(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(CluscamError, match=words):
        own_parameters(str(path), [])


def test_a_parameter_is_given_once():
    with pytest.raises(CluscamError, match="the parameter seed is given twice"):
        own_parameters("smoke", [("seed", "1"), ("n_images", "2"), ("seed", "2")])


@pytest.mark.parametrize(
    ("study", "name", "value"),
    [
        ("logits", "methods", "[gradcam]"),
        ("logits", "precision", "bfloat16"),
        ("curves", "seeds", "5"),
        ("curves", "grid", "[2, 4, 8]"),
        ("temperature", "methods", "[gradcam]"),
        ("hyperparameters", "methods", "[gradcam]"),
        ("ablation", "precision", "bfloat16"),
    ],
)
def test_a_parameter_that_the_study_would_ignore_is_refused(study, name, value, tmp_path, capsys):
    command = ["study", study, "--profile", "embedded", "-p", name, value, "--out", str(tmp_path / "rows"), "--status"]
    assert main(command) == 2
    assert f"the study {study} has no use for the parameter {name}" in capsys.readouterr().err


def test_a_value_that_the_profile_has_changes_nothing():
    plain = own_parameters("embedded", [])
    assert own_parameters("embedded", [("n_images", str(plain["n_images"]))]) == plain
    assert own_parameters("embedded", [("n_images", "2")])["profile"] == "own"


def test_a_plan_of_its_own_is_said_before_it_runs(tmp_path, capsys):
    own = own_parameters("embedded", [("n_images", "2"), ("models", "[scene_cnn]")])
    text = "-p makes a plan of its own: scenes, part {}; scene_cnn; at most 2 images of each"
    assert plan_text(find_study("logits"), own) == text.format("test")
    assert plan_text(None, own) == text.format("as each study has it")
    command = [
        "study",
        "curves",
        "--profile",
        "embedded",
        "-p",
        "n_images",
        "1",
        "-p",
        "models",
        "[scene_cnn]",
        "-p",
        "methods",
        "[centre]",
    ]
    assert main([*command, "--out", str(tmp_path / "rows")]) == 0
    assert capsys.readouterr().err.startswith("-p makes a plan of its own: scenes, part test; scene_cnn; at most 1 ")
