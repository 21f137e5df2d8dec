"""``cluscam tune`` and ``explain --tuned``: what is written is what is chosen, and every mistake is one sentence."""

import argparse
import json
import os
import signal
import subprocess
import sys

import pytest
from command import fails

from analysis.chapters.alzheimer.networks.training.recipe import Recipe
from analysis.chapters.alzheimer.networks.training.trainer import train
from cluscam_lite import load_dataset, load_model, temperature
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.cli import main
from cluscam_lite.cli import tune as tune_module
from cluscam_lite.errors import UnknownName
from cluscam_lite.models.runs import RunName
from cluscam_lite.tuning import read_tuned, tune, weights_key

GRID = (2, 4, 6)
RUN = "tune --model scene_cnn --dataset scenes --images 2 --grid 2 4 6"


pytestmark = pytest.mark.usefixtures("no_data_root")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """The file of one run, two seeds, by the argmin."""
    out = tmp_path_factory.mktemp("tuned") / "new" / "tuned.json"
    assert main([*RUN.split(), "--seeds", "2", "--rule", "argmin", "--out", str(out)]) == 0
    return out


def test_the_file_says_what_was_chosen_and_for_what(tuned):
    record = json.loads(tuned.read_text(encoding="utf-8"))
    loaded = load_model("scene_cnn")
    samples = load_dataset("scenes", part="train", n=2)
    inputs = [loaded.spec.preprocess()(sample.image)[None] for sample in samples]
    expected = tune(HookedModel(loaded.module, "stage4"), inputs, GRID, (0, 1))
    assert record["proxy"] == pytest.approx(expected.proxies) and record["grid"] == list(GRID)
    assert record["model"]["name"] == "scene_cnn" and record["model"]["weights"] == loaded.sha256
    assert (record["layer"], record["dataset"], record["part"]) == ("stage4", "scenes", "train")
    assert record["images"]["n"] == 2 and record["seeds"] == [0, 1] and record["rule"] == "argmin"
    choice = expected.choices["argmin"]
    assert record["n_clusters"] == choice.n_clusters == record["choices"]["argmin"]["n_clusters"]
    assert record["drop_ratio"] == pytest.approx(choice.drop_ratio)
    assert record["temperature"] == temperature(record["n_clusters"], record["drop_ratio"])
    assert str(tuned.parent) not in tuned.read_text(encoding="utf-8")


def test_both_rules_and_progress_are_printed(capsys):
    assert main(RUN.split()) == 0
    shown = capsys.readouterr().out
    assert "[1/2] scene-train-0-single-00000" in shown and "[2/2]" in shown and "s left" in shown
    assert "argmax" in shown and "argmin" in shown and "tau" in shown and "wrote" not in shown
    assert "of three sizes only the largest has a curvature" in shown
    assert main([*RUN.split(), "8"]) == 0
    assert "of three sizes" not in capsys.readouterr().out


def test_explain_takes_k_and_r_from_the_file(tuned, tmp_path):
    record = json.loads(tuned.read_text(encoding="utf-8"))
    arguments = ["explain", "scene:3", "--model", "scene_cnn", "--tuned", str(tuned), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    method = json.loads((tmp_path / "out" / "scene-3.json").read_text(encoding="utf-8"))["method"]
    assert (method["n_clusters"], method["drop_ratio"]) == (record["n_clusters"], record["drop_ratio"])
    assert method["temperature"] == pytest.approx(record["temperature"], rel=1e-6)
    assert main([*arguments, "--layer", "stage4", "--temperature", "0.5"]) == 0  # the layer's own name; tau is free


def test_a_trained_network_is_tuned_on_its_own_validation_slices(tmp_path, capsys):
    folder, out = tmp_path / "run", tmp_path / "tuned.json"
    train(Recipe("phantom_cnn", "phantoms", epochs=1, images=8, batch_size=8), folder, say=lambda line: None)
    arguments = ["tune", "--model", str(folder), "--dataset", "phantoms", "--images", "1", "--grid", "2", "3", "4"]
    assert main([*arguments, "--out", str(out)]) == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["part"] == "validation" and record["model"]["weights"] == load_model(str(folder)).sha256
    assert read_tuned(out, "argmin").n_clusters == record["choices"]["argmin"]["n_clusters"]
    with pytest.raises(UnknownName, match="argmin"):
        read_tuned(out, "argmn")


def test_slices_are_those_of_the_networks_own_split(monkeypatch):
    asked = {}
    monkeypatch.setattr(tune_module, "load_dataset", lambda name, **options: asked.update(options))
    arguments = argparse.Namespace(dataset="alzheimer_mri", data_root=None, path=None, images=3)
    name = "resnet18-alzheimer_mri-128-components-s0"
    tune_module._samples(arguments, "validation", RunName.parse(name))
    assert asked["split"] == "components" and asked["part"] == "validation"


def test_any_folder_and_the_usual_grid(tmp_path, capsys):
    for i, sample in enumerate(load_dataset("scenes", n=2)):
        sample.image.save(tmp_path / f"{i}.png")
    arguments = f"tune --model scene_cnn --dataset folder --path {tmp_path} --images 1".split()
    assert main(arguments) == 0
    assert "[1/1] 0.png: 411 forward passes" in capsys.readouterr().out  # 1 + the sum of the usual ten


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("--grid 2 4", ["2 4; expected at least 3 sizes"]),
        ("--grid 4 2 6", ["4 2 6; expected strictly ascending"]),
        ("--grid 2 4 400", ["n_clusters is 400", "1 to 128"]),
        ("--model scene_cn", ["unknown model 'scene_cn'", "scene_cnn"]),
        ("--dataset scene", ["unknown data set 'scene'", "scenes"]),
        ("--dataset folder", ["needs a folder of images"]),
        ("--path photos", ["takes no path"]),
        ("--part tests", ["unknown part 'tests'"]),
        ("--images 0", ["at least 1"]),
        ("--seeds 0", ["number of seeds is 0"]),
        ("--rule argmid", ["unknown rule 'argmid'", "argmin"]),
        ("--layer stage9", ["unknown layer 'stage9'", "stage4"]),
        ("--device gpu", ["unknown device 'gpu'"]),
        ("--weights nowhere.safetensors", ["nowhere.safetensors"]),
        ("--sedes 2", ["unknown option '--sedes'", "--seeds"]),
        ("--out .", ["is a folder"]),
        ("--out file/deeper/t.json", ["output folder", "choose another"]),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(change, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    out = [] if "--out" in change else ["--out", "new/t.json"]
    fails(capsys, [*RUN.split(), *change.split(), *out], *words)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_scores_that_are_all_equal(tmp_path, monkeypatch, capsys):
    module = load_model("scene_cnn").module
    for parameter in module.fc.parameters():
        parameter.data.zero_()
    changed = load_model("scene_cnn").__class__(load_model("scene_cnn").spec, module, "file (zeros)", "0" * 64)
    monkeypatch.setattr("cluscam_lite.cli.tune.load_model", lambda *_: changed)
    fails(capsys, [*RUN.split(), "--out", str(tmp_path / "t.json")], "all equal (0)", "no mixture")
    assert not list(tmp_path.iterdir())


# files that are not for this


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("--model scene_vit", ["of the model scene_cnn, not of scene_vit", "run `cluscam tune`"]),
        ("--layer stage3", ["of the layer stage4 of scene_cnn, not of stage3"]),
        ("--weights random", ["with other weights"]),
        ("--clusters 5", ["leave --clusters out"]),
        ("--drop 0.5", ["leave --drop out"]),
        ("--method gradcam", ["gradcam has no K and r"]),
    ],
)
def test_a_file_for_something_else_is_refused(change, words, tuned, tmp_path, capsys):
    arguments = ["explain", "scene:1", "--model", "scene_cnn", "--tuned", str(tuned), "--out", str(tmp_path / "out")]
    fails(capsys, [*arguments, *change.split()], *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["cannot read", "No such file"]),
        ("K = 30", ["is not JSON"]),
        ("[1, 2]", ["is not the file of a tuning run"]),
        ('{"kind": "another"}', ["is not the file of a tuning run"]),
        ("r too large", ["is not the file of a tuning run"]),
        ("no layer", ["is not the file of a tuning run"]),
    ],
)
def test_a_file_that_is_none(content, words, tuned, tmp_path, capsys):
    path = tmp_path / "mine.json"
    record = json.loads(tuned.read_text(encoding="utf-8"))
    changed = {"r too large": {**record, "drop_ratio": 1.5}, "no layer": {**record, "layer": None}}
    if content in changed:
        path.write_text(json.dumps(changed[content]), encoding="utf-8")
    elif content is not None:
        path.write_text(content, encoding="utf-8")
    arguments = ["explain", "scene:1", "--model", "scene_cnn", "--tuned", str(path), "--out", str(tmp_path / "out")]
    fails(capsys, arguments, *words)
    assert not (tmp_path / "out").exists()


def test_random_weights_are_told_apart_by_their_seed(tmp_path):
    out = tmp_path / "random.json"
    assert main([*RUN.split(), "--weights", "random", "--out", str(out)]) == 0
    read = read_tuned(out)
    read.check_weights(weights_key(load_model("scene_cnn", "random", seed=0)))
    with pytest.raises(ValueError, match="other weights"):
        read.check_weights(weights_key(load_model("scene_cnn", "random", seed=1)))


def test_interrupted_it_leaves_nothing(tmp_path):
    code = "import sys; from cluscam_lite.cli import main; sys.exit(main())"
    arguments = ["tune", "--model", "scene_cnn", "--dataset", "scenes", "--images", "100", "--out", "new/t.json"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert process.stdout.readline().startswith("[1/100]")  # it is at work
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err.startswith("cluscam: interrupted") and len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
