"""The command line: its files agree with the API, its lists are complete, and it starts quickly."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from command import fails
from PIL import Image

from analysis.paths import ROOT
from cluscam_lite import ClusCAM, load_dataset
from cluscam_lite.cli import explain as cli_explain
from cluscam_lite.cli import main
from cluscam_lite.datasets import dataset_names
from cluscam_lite.datasets.images import open_image
from cluscam_lite.files import sha256
from cluscam_lite.methods import method, method_names, settings_of
from cluscam_lite.models import get_spec, load_model, model_names

OF_ONE_SEED = [".png", ".clusters.png", ".json"]  # what `explain` writes

FAST = ["--model", "scene_cnn", "--weights", "random", "--clusters", "4"]


pytestmark = pytest.mark.usefixtures("no_data_root")


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


# what is written


def test_every_file_exists_and_parses(explained):
    names = {f"{stem}{suffix}" for stem in ("photo", "scene-3") for suffix in OF_ONE_SEED}
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


def test_a_free_photograph_by_its_name(tmp_path):
    pytest.importorskip("skimage")
    arguments = ["--model", "squeezenet1_1", "--weights", "random", "--clusters", "3", "--out", str(tmp_path)]
    assert main(["explain", "photograph:coffee+coffee", *arguments]) == 0
    report = json.loads((tmp_path / "coffee+coffee.json").read_text())
    assert report["image"]["name"] == "photograph:coffee+coffee" and report["image"]["width"] == 600


def test_a_scene_is_that_of_the_data_set(explained):
    report = json.loads((explained / "scene-3.json").read_text(encoding="utf-8"))
    sample = load_dataset("scenes", n=4)[3]
    e = api_explanation(get_spec("scene_cnn").preprocess()(sample.image))
    assert report["labels"] == e.labels[0].tolist()
    assert report["image"]["scene"]["seed"] == sample.scene.seed


def test_the_same_seed_gives_the_same_bytes(explained, photo, tmp_path):
    arguments = ["--model", "scene_cnn", "--weights", "random", "--seed", "3", "--out", str(tmp_path)]
    assert main(["explain", str(photo), *arguments]) == 0
    for suffix in OF_ONE_SEED:
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


def test_help_and_lists_that_need_no_network_do_not_load_torch():
    code = """if True:
        import sys
        from analysis.__main__ import COMMANDS
        from cluscam_lite.cli import main
        names = ("explain", "compare", "tune", "train", "study", "verdicts", "bench")
        helps = [["--help"], *([name, "--help"] for name in names)]
        for arguments in (*helps, ["--version"], ["methods"], ["methods", "--json"], ["datasets"]):
            assert main(arguments, COMMANDS) == 0, arguments
            assert "torch" not in sys.modules, arguments
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
