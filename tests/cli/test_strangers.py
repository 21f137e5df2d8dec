"""What strangers broke: networks and files of theirs that end the program, do not fit, or have odd names."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from command import fails
from PIL import Image

from cluscam_lite.cli import main
from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError

N = ["--mean", ".5", ".5", ".5", "--std", ".5", ".5", ".5"]
NETWORKS = """
import sys, torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 5, 2), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 7))

class Wrapped(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.net, self.how = net(), how

    def forward(self, x):
        if self.how == "exit" and len(x) > 1:
            sys.exit(0)
        logits = self.net(x.mul_(0.5) if self.how == "writes" else x * 0.5)
        return {"dict": {"logits": logits}, "tuple": (logits, x)}.get(self.how, logits)

def writes(): return Wrapped("writes")
def reads(): return Wrapped("reads")
def dic(): return Wrapped("dict")
def tup(): return Wrapped("tuple")
def exits(): return Wrapped("exit")
def ends(): sys.exit(0)
"""


@pytest.fixture
def networks(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NETWORKS)
    return path


@pytest.mark.parametrize("name", ["ends", "exits"])
def test_a_network_that_ends_the_program_is_a_mistake(networks, tmp_path, capsys, name):
    command = ["explain", "scene:3", "--model", f"{networks}:{name}", *N, "--size", "64", "--clusters", "4"]
    fails(capsys, [*command, "--out", str(tmp_path / "out")], "sys.exit(0)", "remove that call")
    assert not (tmp_path / "out").exists()


def test_an_input_that_no_memory_holds(networks, tmp_path, capsys):
    command = ["explain", "scene:3", "--model", f"{networks}:net", *N, "--size", "99999999999"]
    fails(capsys, [*command, "--out", str(tmp_path / "out")], "memory", "--size")


@pytest.mark.parametrize("name", ["writes", "dic", "tup"])
def test_compare_takes_the_networks_that_explain_takes(networks, tmp_path, name):
    numbers = []
    for one in (name, "reads"):
        out = tmp_path / one
        command = ["compare", "scene:3", "--model", f"{networks}:{one}", *N, "--size", "64", "--clusters", "4"]
        assert main([*command, "--methods", "cluscam,scorecam,gradcam,edges", "--out", str(out)]) == 0
        (table,) = out.glob("*.csv")
        rows = [line.split(",") for line in table.read_text().splitlines()]
        kept = [i for i, column in enumerate(rows[0]) if "second" not in column and "cost" not in column]
        numbers.append([[row[i] for i in kept] for row in rows])
    assert numbers[0] == numbers[1]


def test_means_of_0_to_255_are_refused(networks, tmp_path, capsys):
    command = ["explain", "scene:3", "--model", f"{networks}:net", "--size", "64", "--out", str(tmp_path / "out")]
    fails(capsys, [*command, "--mean", "123", "116", "103", "--std", "58", "57", "57"], "in [0, 1]", "divide")


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text_and_links_to_nowhere_are_skipped_and_named(tmp_path, capsys):
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    (sample,) = load_dataset("scenes", n=1)
    sample.image.save(folder / "good.png")
    (folder / "dead.jpg").symlink_to(folder / "nothing.jpg")
    bad = os.fsencode(folder) + b"/bad\xff.png"
    with open(bad, "wb") as file:
        Image.new("RGB", (8, 8)).save(file, "PNG")
    command = ["explain", str(folder), "--model", "scene_cnn", "--clusters", "3", "--no-figures", "--out", str(out)]
    assert main(command) == 3
    error = capsys.readouterr().err
    assert "skipped dead.jpg: there is no image" in error
    assert r"skipped bad\udcff.png: its name is not UTF-8" in error
    skipped = json.loads((out / "skipped.json").read_text())
    assert sorted(one["image"] for one in skipped["skipped"]) == [r"bad\udcff.png", "dead.jpg"]
    with pytest.raises(CluscamError, match=r"bad\\udcff.png is not UTF-8; rename it"):
        load_dataset("folder", path=folder)


@pytest.mark.parametrize("clustering", ["none", "hdbscan"])
def test_a_number_of_clusters_that_would_be_ignored_is_refused(tmp_path, capsys, clustering):
    command = ["explain", "scene:3", "--model", "scene_cnn", "--clustering", clustering, "--out", str(tmp_path / "out")]
    fails(capsys, [*command, "--clusters", "5"], "has its own number of groups", "leave")
    assert main([*command, "--no-figures"]) == 0
    record = json.loads(next((tmp_path / "out").glob("*.json")).read_text())
    assert record["method"]["n_clusters"] is None


def test_a_temperature_is_said_as_it_is(tmp_path, capsys):
    command = ["explain", "scene:3", "--model", "scene_cnn", "--clusters", "5", "--no-figures", "--out"]
    assert main([*command, str(tmp_path / "a"), "--temperature", "inf"]) == 0
    assert "uniform, since the temperature is infinite" in next((tmp_path / "a").glob("*.json")).read_text()
    fails(capsys, [*command, str(tmp_path / "b"), "--temperature", "1e-320"], "expected a number tau > 0")


SCENE = ["explain", "scene:3", "--model", "scene_cnn"]


def test_settings_that_nothing_uses(tmp_path, capsys):
    end = ["--out", str(tmp_path / "out")]
    for name in ("centre", "smooth", "edges"):
        fails(
            capsys,
            [*SCENE, "--method", name, "--layer", "stage2", *end],
            f"the method {name} has no layer that is read",
        )
    fails(capsys, [*SCENE, "--method", "gradcam", "--seed", "3", *end], "--seed is no setting of the method gradcam")
    compare = ["compare", "scene:3", "--model", "scene_cnn", "--methods", "ones,centre", *end]
    fails(capsys, [*compare, "--layer", "stage2"], "the methods ones, centre have no layer that is read")
    fails(capsys, [*compare, "--seed", "1"], "--seed is no setting of the methods ones, centre")
    assert not (tmp_path / "out").exists()


def test_a_seed_of_random_weights_is_one_of_any_method(tmp_path):
    command = [*SCENE, "--method", "gradcam", "--weights", "random", "--no-figures", "--seed"]
    for seed in ("0", "1"):
        assert main([*command, seed, "--out", str(tmp_path / seed)]) == 0
    logits = [json.loads((tmp_path / seed / "scene-3.json").read_text())["target"]["logit"] for seed in ("0", "1")]
    assert logits[0] != logits[1]


def test_no_picture_of_another_map_stays_beside_a_report(tmp_path):
    out = tmp_path / "out"
    assert main([*SCENE, "--out", str(out), "--seeds", "2", "--maps", "npy"]) == 0
    assert len(list(out.iterdir())) == 5
    (out / "scene-31.png").touch()  # of another image
    assert main([*SCENE, "--out", str(out), "--no-figures", "--method", "centre", "--maps", "npz"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["scene-3.json", "scene-3.npz", "scene-31.png"]


def test_files_that_are_not_ours_stay(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "scene-3.png").write_bytes(b"a picture of mine")
    for report in ("", "[]", '{"image": 1}'):
        (out / "scene-3.json").write_text(report)
        assert main([*SCENE, "--out", str(out), "--no-figures"]) == 0
        assert (out / "scene-3.png").read_bytes() == b"a picture of mine"
        (out / "scene-3.json").unlink()


def test_results_of_images_that_are_gone_are_named(tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i, sample in enumerate(load_dataset("scenes", n=3)):
        sample.image.save(photos / f"{i}.png")
    command = ["explain", str(photos), "--model", "scene_cnn", "--out", str(tmp_path / "out"), "--no-figures"]
    assert main(command) == 0
    assert "older" not in capsys.readouterr().out
    (photos / "1.png").unlink()
    assert main(command) == 0
    assert "not in them: 1 older results in" in (shown := capsys.readouterr().out) and "1.png" in shown
    assert "1.png" not in (tmp_path / "out" / "index.html").read_text()


def test_a_file_without_its_function(tmp_path, capsys):
    for command in (["explain", "scene:1"], ["tune", "--dataset", "scenes"]):
        fails(capsys, [*command, "--model", "net.py", "--out", str(tmp_path / "out")], "net.py names no function",
              "FILE.py:FUNCTION")  # fmt: skip


def test_a_backend_of_matplotlib_that_there_is_not(tmp_path):
    command = [sys.executable, "-m", "cluscam_lite", *SCENE, "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MPLBACKEND": "foo"})
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "cluscam: the environment variable MPLBACKEND is 'foo', which matplotlib does not know; unset it"
    ]


@pytest.mark.parametrize("option", ["--claim", "--results"])
def test_an_empty_option_is_no_option_left_out(option, capsys):
    fails(capsys, ["verdicts", option, ""], f"{option} is empty")


@pytest.mark.parametrize("option", ["--out", "--budget", "--measure", "--scheduler"])
def test_an_empty_option_of_a_study(option, capsys):
    estimate = ["--estimate"] if option == "--measure" else []
    fails(capsys, ["study", "logits", "--profile", "smoke", *estimate, option, ""], f"{option} is empty")


def test_a_name_that_is_too_long(tmp_path, capsys):
    command = ["explain", "m" * 300, "--model", "scene_cnn", "--out", str(tmp_path / "out")]
    fails(capsys, command, "name", "use a shorter name")


def test_a_measure_of_nothing(capsys):
    fails(
        capsys, ["study", "logits", "--profile", "smoke", "--measure", "5s"], "--measure is for an estimate or a budget"
    )


WEIGHTS = """
import torch
from pathlib import Path
from torch import nn

def net():
    torch.manual_seed(int(Path(__file__).with_name("seed.txt").read_text()))
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
"""


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, sample in enumerate(load_dataset("scenes", n=2)):
        sample.image.save(folder / f"{i}.png")
    return folder


def test_a_run_over_a_folder_is_of_one_network_whatever_file_its_weights_come_from(photos, tmp_path, capsys):
    (tmp_path / "net.py").write_text(WEIGHTS)
    (tmp_path / "seed.txt").write_text("0")
    command = ["explain", str(photos), "--model", f"{tmp_path / 'net.py'}:net", *N, "--size", "32", "--clusters", "4"]
    command += ["--no-figures", "--out", str(tmp_path / "out")]
    assert main(command) == main(command) == 0
    (tmp_path / "seed.txt").write_text("1")  # the file of the function is the same
    capsys.readouterr()
    fails(capsys, command, "holds a run with another setting: model.weights.sha256")


def test_a_graph_counts_as_much_as_its_weights(photos, tmp_path, capsys):
    onnx = pytest.importorskip("onnx")
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"], strides=[2, 2]),
        onnx.helper.make_node("Relu", ["c"], ["r"]),
        onnx.helper.make_node("ReduceMean", ["r"], ["y"], axes=[2, 3], keepdims=0),
    ]
    values = np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype("float32")
    graph = onnx.helper.make_graph(
        nodes, "net", [onnx.helper.make_tensor_value_info("x", 1, ["n", 3, 32, 32])],
        [onnx.helper.make_tensor_value_info("y", 1, ["n", 8])], [onnx.numpy_helper.from_array(values, "w")],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "net.onnx"
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    command = ["explain", str(photos), "--onnx", str(path), *N, "--clusters", "4", "--no-figures"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    proto = onnx.load(path, load_external_data=False)
    proto.graph.node[1].op_type = "Sin"
    onnx.save(proto, path)
    capsys.readouterr()
    fails(capsys, command, "holds a run with another setting: model.weights.sha256")


def test_an_empty_name_is_not_this_folder(capsys, tmp_path):
    fails(capsys, ["explain", "", "--model", "scene_cnn", "--out", str(tmp_path / "out")], "an image is empty")
    fails(capsys, [*SCENE, "--out", ""], "--out is empty")
