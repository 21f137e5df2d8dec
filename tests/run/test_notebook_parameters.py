"""The parameters of a notebook: typed, strict, and from profiles; a mistake is one sentence before anything runs."""

import math
from pathlib import Path

import papermill
import pytest
from toy_notebook import write_notebook, write_profile

from analysis.paths import ROOT
from analysis.run.notebooks import main, run_notebook, strict
from analysis.run.parameters import (
    COMMON,
    check,
    declared_parameters,
    notebook_names,
    notebook_path,
    profile_parameters,
    taken_of,
    typed,
)
from cluscam_lite.errors import CluscamError, UnknownName


def test_declared_parameters_have_types(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb")
    assert declared_parameters(path) == {"n_images": "int", "models": "list", "part": "str", "scale": "float"}


def test_an_unknown_parameter_is_an_error_before_anything_runs(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UnknownName, match=r"unknown parameter 'n_image'; nearest: n_images"):
        run_notebook(path, tmp_path / "out.ipynb", {"n_image": 2})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ipynb"]


@pytest.mark.parametrize("value", [{"n_images": "2"}, {"n_images": True}, {"models": "a"}, {"part": 3}])
def test_a_parameter_of_the_wrong_type_is_an_error(tmp_path, value):
    path = write_notebook(tmp_path / "a.ipynb")
    (name,) = value
    with pytest.raises(CluscamError, match=f"the parameter {name} of the notebook a is .* must be of type"):
        run_notebook(path, tmp_path / "out.ipynb", value)


BAD = {
    "model": [("scene_cn", "unknown model 'scene_cn'; nearest: scene_cnn")],
    "image": [
        ("photograph:chelse", "unknown photograph 'chelse'; nearest: chelsea"),
        ("photograph:coffee+tempel", "unknown photograph 'tempel'; nearest: temple"),
        ("scene:three", "'scene:three' is not a scene; expected scene:N"),
    ],
    "dataset": [("scene", "unknown data set 'scene'; nearest: scenes")],
    "part": [("nonsense", "unknown part 'nonsense'; known: train, test")],
    "models": [
        ([1, 2], "the parameter models is a list of names of networks, but has 1 in it"),
        (["scene_cnn", "scene_vot"], "unknown model 'scene_vot'; nearest: scene_vit"),
    ],
    "n_images": [(-1, "n_images is -1; expected a whole number between 1"), (0, "n_images is 0; expected")],
    "seed": [(-1, "seed is -1; expected a whole number between 0 and"), (2**64, "expected a whole number between 0")],
    "data_root": [("/nowhere/at/all", "the data root /nowhere/at/all is not a folder")],
}


@pytest.mark.parametrize("name", notebook_names())
def test_a_bad_value_is_one_sentence_before_anything_runs(name, tmp_path):
    path = notebook_path(name)
    declared = declared_parameters(path)
    smoke = taken_of(profile_parameters("smoke"), declared)
    for parameter in declared.keys() & BAD.keys():
        for value, sentence in BAD[parameter]:
            with pytest.raises(CluscamError, match=sentence) as caught:
                run_notebook(path, tmp_path / "out.ipynb", smoke | {parameter: value})
            assert "\n" not in str(caught.value)
            with pytest.raises(CluscamError, match=sentence):  # plain papermill, or by hand
                strict(smoke | {parameter: value}, name)
    assert not list(tmp_path.iterdir())


def test_values_of_a_readers_own_are_taken():
    given = {"model": "efficientnet_lite0", "image": "photograph:chelsea+coffee", "dataset": "phantoms"}
    check(COMMON, given | {"part": "validation", "models": ["scene_cnn", "resnet18"], "n_images": 1}, "logits")
    check(COMMON, {"dataset": "ilsvrc", "part": "pilot", "image": "my own cat.jpg"}, "logits")


def test_unknown_names_are_answered_with_the_nearest(capsys):
    with pytest.raises(CluscamError, match="there is no profile nowhere/mine.yaml; give the path of a .yaml file, or"):
        profile_parameters("nowhere/mine.yaml")
    with pytest.raises(UnknownName, match="unknown profile 'embeded'; nearest: embedded"):
        profile_parameters("embeded")
    with pytest.raises(UnknownName, match="unknown notebook 'enviroment'; nearest: environment"):
        notebook_path("enviroment")
    assert main(["--profile", "embeded"]) == 1
    assert capsys.readouterr().err.startswith("Error: unknown profile 'embeded'")


@pytest.mark.parametrize("text", ["n_images: [1, 2\n", "a: b: c\n", "\t- x"])
def test_a_broken_profile_is_one_sentence(tmp_path, text):
    profile = write_profile(tmp_path / "p.yaml", text)
    with pytest.raises(CluscamError, match=r"is not valid YAML at line \d+; write one `name: value`") as caught:
        profile_parameters(profile)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "1: 2\n"])
def test_a_profile_that_is_no_mapping_is_one_sentence(tmp_path, text):
    with pytest.raises(CluscamError, match="does not name its parameters"):
        profile_parameters(write_profile(tmp_path / "p.yaml", text))


def test_values_typed_on_the_command_line():
    assert typed("3", "int") == 3
    assert typed("3", "str") == "3"
    assert typed("[a, b]", "list") == ["a", "b"]
    with pytest.raises(CluscamError, match="cannot be read"):
        typed("[a, b", "list")


def test_strict_takes_the_parameters_among_everything_else():
    namespace = {"In": ["x"], "Out": {}, "_i1": "x", "math": math, "Path": Path, "strict": strict, "__name__": "m"}
    namespace |= {"profile": "smoke", "dataset": "scenes", "part": "", "models": [], "n_images": 1, "seed": 0}
    strict(namespace, "environment")
    namespace["my_own_number"] = 7  # the cell run again by hand, later
    strict(namespace, "environment")


def test_strict_refuses_what_is_not_declared():
    with pytest.raises(UnknownName, match="unknown parameter 'model'; nearest: models"):
        strict({"model": "scene_cnn"}, "environment")
    with pytest.raises(UnknownName, match="unknown parameter 'sed'"):
        strict({"sed": None}, "environment")
    with pytest.raises(CluscamError, match="models of the notebook environment is 'scene_cnn', but must be .* list"):
        strict({"models": "scene_cnn"}, "environment")


def test_strict_without_the_notebooks_knows_the_common_parameters(monkeypatch, tmp_path):
    monkeypatch.setattr("analysis.run.parameters.NOTEBOOKS", tmp_path)
    strict({"n_images": 1}, "environment")
    with pytest.raises(UnknownName, match="nearest: n_images"):
        strict({"n_imags": 1}, "environment")


def test_plain_papermill_with_an_unknown_parameter_fails_at_once(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="unknown parameter 'n_image'; nearest: n_images"):
        papermill.execute_notebook(
            ROOT / "notebooks" / "environment.ipynb",
            None,
            parameters={"n_image": 2},
            kernel_name="python3",
            cwd=ROOT,
            progress_bar=False,
        )
