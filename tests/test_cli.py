"""The command line: its files agree with the API, and every mistake is one sentence that leaves nothing behind."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from cluscam_lite import ClusCAM, load_dataset
from cluscam_lite.cli import explain as cli_explain
from cluscam_lite.cli import main
from cluscam_lite.datasets import dataset_names
from cluscam_lite.datasets.images import open_image
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.files import sha256
from cluscam_lite.methods import method, method_names, settings_of
from cluscam_lite.models import get_spec, load_model, model_names

FAST = ["--model", "scene_cnn", "--weights", "random", "--clusters", "4"]


@pytest.fixture(autouse=True)
def no_data_root(monkeypatch):
    monkeypatch.delenv("CLUSCAM_DATA", raising=False)


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((150, 120)).save(path)
    return path


@pytest.fixture(scope="module")
def explained(photo, tmp_path_factory):
    """The output folder of one run on a file and a scene, with the model's own settings."""
    out = tmp_path_factory.mktemp("run") / "new" / "out"
    arguments = ["--model", "scene_cnn", "--weights", "random", "--seed", "3", "--out", str(out)]
    assert main(["explain", str(photo), "scene:3", *arguments]) == 0
    return out


def api_explanation(x):
    module = load_model("scene_cnn", weights="random", seed=3).module
    return ClusCAM.from_spec("scene_cnn", module, seed=3)(x[None])


def fails(capsys, arguments, *words, status=2):
    """The command fails with one line on standard error that has the words in it, and no traceback."""
    assert main(arguments) == status
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("cluscam: "), shown.err
    for word in words:
        assert word in lines[0], lines[0]
    return shown.out


# what is written


def test_every_file_exists_and_parses(explained):
    names = {f"{stem}{suffix}" for stem in ("photo", "scene-3") for suffix in cli_explain.SUFFIXES}
    assert {path.name for path in explained.iterdir()} == names
    for path in explained.iterdir():
        if path.suffix == ".png":
            with Image.open(path) as picture:
                picture.load()
                assert min(picture.size) > 300
        else:
            json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_the_numbers_are_those_of_the_api(explained, photo):
    report = json.loads((explained / "photo.json").read_text(encoding="utf-8"))
    spec = get_spec("scene_cnn")
    e = api_explanation(spec.preprocess()(open_image(photo)))
    f32 = np.float32
    assert report["labels"] == e.labels[0].tolist()
    assert [f32(row["score"]) for row in report["clusters"]] == list(e.scores[0].numpy())
    assert [f32(row["weight"]) for row in report["clusters"]] == list(e.weights[0].numpy())
    assert [row["size"] for row in report["clusters"]] == e.labels[0].bincount().tolist()
    assert sum(row["kept"] for row in report["clusters"]) == 30 - 11 == int((e.weights > 0).sum())
    assert report["target"]["index"] == int(e.target[0])
    assert report["target"]["name"] == spec.class_names[int(e.target[0])]
    assert f32(report["target"]["logit"]) == e.output.max().item() and report["target"]["rank"] == 1
    assert report["target"]["probability"] == pytest.approx(e.output.softmax(1).max().item(), rel=1e-5)
    assert [row["index"] for row in report["top5"]] == e.output[0].topk(5).indices.tolist()
    assert report["cost"] == {"forward_passes": 31, "backward_passes": 0}
    summary = report["saliency"]
    assert summary["coverage"] == pytest.approx(e.saliency.mean().item(), abs=1e-5)
    assert summary["area_above_half"] == pytest.approx((e.saliency > 0.5).float().mean().item(), abs=1e-5)
    x, y = summary["peak"]
    assert e.saliency[0, y, x] == e.saliency.max()


def test_where_the_numbers_come_from(explained, photo, tmp_path_factory):
    report = json.loads((explained / "photo.json").read_text(encoding="utf-8"))
    assert report["image"] == {"name": "photo.png", "sha256": sha256(photo), "width": 150, "height": 120}
    assert report["model"]["weights"] == {"source": "random weights (seed 3)", "sha256": None}
    settings = report["method"]
    assert (settings["n_clusters"], settings["drop_ratio"], settings["seed"]) == (30, 0.3712, 3)
    assert settings["temperature"] == pytest.approx(0.4006, abs=1e-4) and settings["layer"] == "stage4"
    assert report["versions"]["torch"] == torch.__version__.split("+")[0]
    assert str(tmp_path_factory.getbasetemp()) not in json.dumps(report)


def test_a_scene_is_that_of_the_data_set(explained):
    report = json.loads((explained / "scene-3.json").read_text(encoding="utf-8"))
    sample = load_dataset("scenes", n=4)[3]
    e = api_explanation(get_spec("scene_cnn").preprocess()(sample.image))
    assert report["labels"] == e.labels[0].tolist()
    assert report["image"]["scene"]["seed"] == sample.scene.seed


def test_the_same_seed_gives_the_same_bytes(explained, photo, tmp_path):
    arguments = ["--model", "scene_cnn", "--weights", "random", "--seed", "3", "--out", str(tmp_path)]
    assert main(["explain", str(photo), *arguments]) == 0
    for suffix in cli_explain.SUFFIXES:
        assert (tmp_path / f"photo{suffix}").read_bytes() == (explained / f"photo{suffix}").read_bytes()


def test_options_reach_the_method(photo, tmp_path, capsys):
    options = "--target cup --drop 0.5 --temperature 2 --space raw --clustering random --fill black --batch-size 3"
    arguments = [str(photo), *FAST, *options.split(), "--layer", "stage3", "--preprocess", "paper"]
    assert main(["explain", *arguments, "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "photo.json").read_text(encoding="utf-8"))
    wanted = {"n_clusters": 4, "drop_ratio": 0.5, "temperature": 2.0, "space": "raw", "clustering": "random"}
    wanted |= {"fill": "black", "batch_size": 3, "layer": "stage3"}
    assert {key: report["method"][key] for key in wanted} == wanted
    assert report["target"]["name"] == "cup" and report["model"]["preprocessing"]["resize"] is None
    shown = capsys.readouterr().out
    assert "[1/1] photo.png: cup (5)" in shown and "5 forward passes" in shown and "photo.clusters.png" in shown


def test_nothing_dropped_is_written_as_uniform_weights(photo, tmp_path):
    assert main(["explain", str(photo), *FAST, "--drop", "0", "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "photo.json").read_text(encoding="utf-8"))
    assert report["method"]["temperature"] is None and any("uniform" in note for note in report["notes"])


def test_equal_names_get_distinct_files():
    assert cli_explain.distinct_stems(["cat", "cat", "Cat", "cat-2"]) == ["cat", "cat-2", "Cat-3", "cat-2-2"]
    assert cli_explain.distinct_stems(["a", "a.clusters"]) == ["a", "a.clusters-2"]


@pytest.mark.parametrize("text", ["359", "black-footed ferret", "Black_footed  FERRET"])
def test_a_class_is_a_number_or_a_name(text):
    assert cli_explain.class_index(text, get_spec("squeezenet1_1")) == 359


# lists


@pytest.mark.parametrize("what", ["models", "methods", "datasets"])
def test_lists_are_complete_in_words_and_as_json(what, capsys):
    assert main([what]) == 0
    words = capsys.readouterr().out
    assert main([what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    names = {"models": model_names, "methods": method_names, "datasets": dataset_names}[what]()
    assert [row["name"] for row in rows] == names and all(name in words for name in names)


def test_lists_look_into_the_data_root(tmp_path, capsys):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "resnet50_v1.safetensors").touch()
    assert main(["models", "--json", "--data-root", str(tmp_path)]) == 0
    origin = {row["name"]: row["weights"] for row in json.loads(capsys.readouterr().out)}
    assert origin["resnet50_v1"] == "data root" and origin["resnet50"] == "torchvision hub"
    assert main(["datasets", "--json", "--data-root", str(tmp_path)]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["scenes"]["available"] and not rows["ilsvrc"]["available"]


def test_version_and_help(capsys):
    assert main(["--version"]) == 0 and main(["--help"]) == 0 and main(["explain", "--help"]) == 0
    shown = capsys.readouterr().out
    assert re.match(r"cluscam \d+\.\d+\.\d+\n", shown) and "cluscam explain scene:3 --model scene_cnn" in shown


# mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("explian scene:1", ["unknown command 'explian'", "explain"]),
        ("", ["COMMAND"]),
        ("--verison", ["unknown option '--verison'", "--version"]),
        ("models --jsno", ["unknown option '--jsno'", "--json"]),
        ("models extra", ["extra"]),
        ("models --data-root nowhere", ["nowhere", "not a folder"]),
        ("explain scene:1 --model scene_cnn", ["--out"]),
        ("explain --model scene_cnn --out OUT", ["IMAGE"]),
        ("explain scene:1 --modle scene_cnn --out OUT", ["unknown option '--modle'", "--model"]),
        ("explain scene:1 --model scene_cn --out OUT", ["unknown model 'scene_cn'", "scene_cnn"]),
        ("FAST --method clusscam", ["unknown method 'clusscam'", "cluscam"]),
        ("FAST --layer stage44", ["unknown layer 'stage44'", "stage4"]),
        ("FAST --layer fc", ["layer 'fc'", "not maps", "stage4"]),
        ("FAST --preprocess standart", ["unknown preprocessing 'standart'", "standard"]),
        ("FAST --space uppsampled", ["unknown space 'uppsampled'", "upsampled"]),
        ("FAST --clustering kmean", ["unknown clustering 'kmean'", "kmeans"]),
        ("FAST --fill maen", ["unknown fill 'maen'", "mean"]),
        ("FAST --device tpu", ["unknown device 'tpu'"]),
        ("FAST --target 10", ["target 10", "0 to 9"]),
        ("FAST --target -1", ["target -1", "0 to 9"]),
        ("FAST --target umbrela", ["unknown class 'umbrela'", "umbrella"]),
        ("FAST --clusters 0", ["is 0", "at least 1"]),
        ("FAST --clusters 129", ["129", "1 to 128"]),
        ("FAST --clusters many", ["many"]),
        ("FAST --drop 1", ["0 <= r < 1"]),
        ("FAST --drop 37", ["0.3712"]),
        ("FAST --temperature 0", ["tau > 0"]),
        ("FAST --seed -1", ["'-1'", "whole number"]),
        ("FAST --batch-size 0", ["at least 1"]),
        ("FAST --weights nowhere.safetensors", ["nowhere.safetensors"]),
        ("explain scene:one --model scene_cnn --out OUT", ["scene:one", "scene:3"]),
        ("explain missing.jpg --model scene_cnn --out OUT", ["missing.jpg", "check the path"]),
        ("explain . --model scene_cnn --out OUT", ["folder"]),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = arguments.replace("FAST", "explain scene:1 --model scene_cnn --weights random --out OUT")
    fails(capsys, arguments.replace("OUT", "new/out").split(), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "word"), [("tabbi", "tabby"), ("cat", "tiger cat"), ("1e2", "0 to 999")])
def test_a_class_that_does_not_exist(text, word):
    with pytest.raises(UnknownName, match=word):
        cli_explain.class_index(text, get_spec("squeezenet1_1"))


def test_a_name_of_two_classes():
    spec = replace(get_spec("scene_cnn"), num_classes=3)
    with mock.patch.object(type(spec), "class_names", ("crane", "tabby", "Crane")):
        assert cli_explain.class_index("tabby", spec) == 1
        with pytest.raises(CluscamError, match="2 classes are called 'crane'.* 0, 2"):
            cli_explain.class_index("crane", spec)


def damaged(kind, good, path):
    content = {"truncated": good.read_bytes()[: good.stat().st_size // 2], "text": b"no image\n", "empty": b""}
    path.write_bytes(content[kind])


@pytest.mark.parametrize("kind", ["truncated", "text", "empty"])
def test_one_bad_image_among_good_ones_stops_all(kind, photo, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    damaged(kind, photo, bad)
    fails(capsys, ["explain", str(photo), str(bad), *FAST, "--out", str(tmp_path / "out")], "bad.png")
    assert list(tmp_path.iterdir()) == [bad]


def nan_weights(state):
    return state | {"fc.weight": torch.full_like(state["fc.weight"], torch.nan)}


def other_classes(state):
    return state | {"fc.weight": torch.zeros(7, 128), "fc.bias": torch.zeros(7)}


@pytest.mark.parametrize(("change", "word"), [(nan_weights, "NaN"), (other_classes, "fc.")])
def test_weights_that_do_not_do(change, word, photo, tmp_path, capsys):
    state = load_model("scene_cnn", weights="random").module.state_dict()
    save_file(change({key: value.contiguous() for key, value in state.items()}), tmp_path / "w.safetensors")
    arguments = ["--model", "scene_cnn", "--weights", str(tmp_path / "w.safetensors"), "--out", str(tmp_path / "out")]
    fails(capsys, ["explain", str(photo), *arguments], word)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_corrupted_weights(name, tmp_path, capsys):
    (tmp_path / name).write_bytes(b"\x00\x01 this is no tensor" * 9)
    arguments = ["--model", "scene_cnn", "--weights", str(tmp_path / name), "--out", str(tmp_path / "out")]
    fails(capsys, ["explain", "scene:1", *arguments], name)
    assert not (tmp_path / "out").exists()


def test_no_network_and_no_data_root(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cluscam_lite.models.hubs.reachable", lambda url: False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    out = tmp_path / "out"
    arguments = ["explain", "scene:1", "--model", "squeezenet1_1", "--out", str(out)]
    fails(capsys, arguments, "CLUSCAM_DATA", "squeezenet1_1")
    assert not out.exists()


@pytest.mark.parametrize("below", ["", "deeper/out"])
def test_an_output_folder_that_cannot_be_made(below, photo, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    fails(capsys, ["explain", str(photo), *FAST, "--out", str(file / below)], "output folder", "choose another")
    assert file.read_text() == "mine" and list(tmp_path.iterdir()) == [file]


def test_the_photographs_own_folder_is_refused(photo, capsys):
    before = photo.read_bytes()
    fails(capsys, ["explain", str(photo), *FAST, "--out", str(photo.parent)], "choose another folder")
    assert photo.read_bytes() == before and list(photo.parent.iterdir()) == [photo]


def test_a_full_disk_is_one_sentence(photo, tmp_path, monkeypatch, capsys):
    def full(self, path, **_):
        path.write_bytes(b"half of a picture")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    fails(capsys, ["explain", str(photo), *FAST, "--out", str(tmp_path / "out")], "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_writing_leaves_whole_files_only(photo, tmp_path, monkeypatch, capsys):
    from matplotlib.figure import Figure

    save, calls = Figure.savefig, []

    def interrupted(self, path, **options):
        calls.append(path)
        if len(calls) == 4:  # the second picture of the second image
            path.write_bytes(b"half of a picture")
            raise KeyboardInterrupt
        save(self, path, **options)

    monkeypatch.setattr(Figure, "savefig", interrupted)
    shown = fails(capsys, ["explain", str(photo), "scene:1", *FAST, "--out", str(tmp_path)], "interrupted", status=130)
    assert {path.name for path in tmp_path.iterdir()} == {f"photo{suffix}" for suffix in cli_explain.SUFFIXES}
    assert "photo.json" in shown and "scene-1" not in shown


# the registry of methods


def test_method_takes_settings_and_names_the_nearest_parameter():
    model = load_model("scene_cnn", weights="random")
    explainer = method("cluscam", model.module, model.spec, layer="stage3", n_clusters=5)
    assert settings_of("cluscam", explainer)["n_clusters"] == 5
    assert explainer(torch.zeros(1, 3, 96, 96).normal_()).layer == "stage3"
    with pytest.raises(ValueError, match=r"unknown parameter 'n_cluster'; nearest: n_clusters"):
        method("cluscam", model.module, model.spec, n_cluster=5)
    with pytest.raises(ValueError, match="unknown method 'gradcamm'"):
        method("gradcamm", model.module, model.spec)


def test_a_rival_writes_overlay_and_numbers_but_no_clusters(photo, tmp_path, capsys):
    for name, passes in (("gradcam", [1, 1]), ("centre", [1, 0]), ("donor", [32, 0])):
        out = tmp_path / name
        assert main(["explain", str(photo), "--model", "scene_cnn", "--method", name, "--out", str(out)]) == 0
        assert sorted(file.suffix for file in out.iterdir()) == [".json", ".png"]
        report = json.loads(next(out.glob("*.json")).read_text())
        assert list(report["cost"].values())[:2] == passes and report["method"]["name"] == name


def test_a_method_that_cannot_explain_the_network_is_one_sentence(photo, tmp_path, capsys):
    arguments = ["explain", str(photo), "--model", "scene_vit", "--method", "polycam", "--out", str(tmp_path / "out")]
    fails(capsys, arguments, "several resolutions")
    assert not (tmp_path / "out").exists()


def test_as_a_program_it_is_quick_and_shows_no_traceback():
    """A list that needs no network does not load torch; a mistake is one line and status 2."""
    code = "import sys; from cluscam_lite.cli import main; s = main({}); sys.exit(s or 99 * ('torch' in sys.modules))"
    runs = [
        subprocess.run([sys.executable, "-c", code.format(arguments)], capture_output=True, text=True, check=False)
        for arguments in (["methods"], ["explain", "missing.jpg", "--model", "scene_cnn", "--out", "out"])
    ]
    assert runs[0].returncode == 0 and "cluscam" in runs[0].stdout and runs[0].stderr == ""
    assert runs[1].returncode == 2 and runs[1].stderr.count("\n") == 1 and "missing.jpg" in runs[1].stderr
