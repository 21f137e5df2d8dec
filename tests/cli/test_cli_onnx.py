"""``cluscam explain --onnx``: a network in a file gives the files of any other, and mistakes are one sentence."""

import json

import pytest
import torch
from command import fails

from analysis.oracles.runtimes import export_onnx
from cluscam_lite import ClusCAM, load_image, load_model
from cluscam_lite.cli import main
from cluscam_lite.files import sha256
from cluscam_lite.methods import METHODS

pytestmark = pytest.mark.usefixtures("no_data_root")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The embedded CNN as a file, and the options that say how it is fed."""
    loaded = load_model("scene_cnn")
    path = export_onnx(
        loaded.module, torch.zeros(2, 3, 96, 96), tmp_path_factory.mktemp("file") / "net.onnx", dynamo=False
    )
    numbers = [[str(value) for value in values] for values in (loaded.spec.mean, loaded.spec.std)]
    return path, ["--onnx", str(path), "--mean", *numbers[0], "--std", *numbers[1]]


def test_it_writes_what_the_module_gives(scene, tmp_path, capsys):
    path, options = scene
    more = ["--layer", "stage3", "--clusters", "4", "--fill", "black", "--out", str(tmp_path)]
    assert main(["explain", "scene:3", *options, *more]) == 0
    report = json.loads((tmp_path / "scene-3.json").read_text(encoding="utf-8"))
    loaded = load_model("scene_cnn")
    x = loaded.spec.preprocess()(load_image("scene:3"))[None]
    normalization = (loaded.spec.mean, loaded.spec.std)
    e = ClusCAM(loaded.module, "stage3", 4, fill="black", normalization=normalization)(x)
    assert report["labels"] == e.labels[0].tolist() and report["method"]["layer"] == "stage3"
    scores = [row["score"] for row in report["clusters"]]
    assert scores == pytest.approx(e.scores[0].tolist(), abs=1e-4)
    assert report["model"]["weights"]["sha256"] == sha256(path)
    assert report["model"]["weights"]["source"].startswith("net.onnx, run by ONNX Runtime ")
    assert report["target"]["name"] == f"class {int(e.target[0])}"
    assert (tmp_path / "scene-3.png").exists() and (tmp_path / "scene-3.clusters.png").exists()
    assert f"scene:3: class {int(e.target[0])}, p = " in capsys.readouterr().out


def test_classes_by_name(scene, tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("".join(f"thing {i}\n" for i in range(10)), encoding="utf-8")
    more = ["--classes", str(names), "--clusters", "3", "--target", "thing 7", "--out", str(tmp_path / "out")]
    assert main(["explain", "scene:3", *scene[1], *more]) == 0
    report = json.loads((tmp_path / "out" / "scene-3.json").read_text(encoding="utf-8"))
    assert report["target"]["index"] == 7 and report["target"]["name"] == "thing 7"
    assert report["method"]["layer"] == "stage4"
    capsys.readouterr()
    more = ["--classes", str(names), "--target", "thingy", "--out", str(tmp_path / "two")]
    fails(capsys, ["explain", "scene:3", *scene[1], *more], "unknown class 'thingy'")
    names.write_text("one\ntwo\n", encoding="utf-8")
    more = ["--classes", str(names), "--out", str(tmp_path / "two")]
    fails(capsys, ["explain", "scene:3", *scene[1], *more], "has 2 lines for 10 classes")
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_explains_it_or_says_why_not(name, scene, tmp_path, capsys):
    """Those that need no more than maps and logits run; the others need what happens inside a torch module."""
    status = main(["explain", "scene:3", *scene[1], "--method", name, "--out", str(tmp_path / "out")])
    shown = capsys.readouterr()
    if METHODS[name].kind in ("cluscam", "null", "trivial"):
        assert status == 0, shown.err
    elif status:
        assert status == 2 and shown.err.count("\n") == 1 and "OnnxModel" in shown.err, shown.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda o: o[:2], ["a network in a file needs the mean", "--mean 0.485 0.456 0.406"]),
        (lambda o: [], ["no network", "--model NAME", "--onnx FILE"]),
        (lambda o: [*o, "--model", "scene_cnn"], ["two networks"]),
        (lambda o: [*o, "--weights", "random"], ["--weights goes with --model"]),
        (lambda o: [*o, "--tuned", "k.json"], ["--tuned goes with --model"]),
        (lambda o: ["--model", "scene_cnn", "--size", "96"], ["--size goes with a network from elsewhere"]),
        (lambda o: ["--model", "scene_cnn", *o[2:]], ["--mean goes with a network from elsewhere"]),
        (lambda o: [*o, "--layer", "stage9"], ["unknown tensor or module 'stage9'; nearest: stage"]),
        (lambda o: [*o, "--size", "64"], ["size is 64 x 64, but net.onnx takes 96 x 96"]),
        (lambda o: [*o, "--size", "0"], ["'0' is not a side in pixels"]),
        (lambda o: [*o[:6], "--std", "1", "1", "0"], ["--mean and --std are", "for each channel, --std above 0"]),
        (lambda o: [*o, "--target", "10"], ["target 10 is outside the classes of net"]),
        (lambda o: [*o, "--clusters", "500"], ["500"]),
        (lambda o: [*o, "--device", "cuda"], ["a network in a file runs on the CPU"]),
        (lambda o: [*o, "--classes", "nowhere.txt"], ["cannot read the classes in nowhere.txt"]),
        (lambda o: ["--onnx", "nowhere.onnx", *o[2:]], ["there is no file nowhere.onnx"]),
        (lambda o: ["--model", "nowhere.onnx", *o[2:]], ["there is no file nowhere.onnx"]),
        (lambda o: ["--model", o[1]], ["a network in a file needs the mean"]),
        (lambda o: [*o, "--model", "net.onnx"], ["two networks"]),
        (lambda o: ["--model", "net.pth"], ["net.pth is a file of weights", "--weights FILE", "FILE.py:FUNCTION"]),
    ],
)
def test_mistakes(change, words, scene, tmp_path, capsys):
    fails(capsys, ["explain", "scene:3", *change(scene[1]), "--out", str(tmp_path / "out")], *words)
    assert not (tmp_path / "out").exists()


def test_openvinos_own_file(scene, tmp_path, capsys):
    openvino = pytest.importorskip("openvino")
    path, options = scene
    own = tmp_path / "net.xml"
    openvino.save_model(openvino.convert_model(path), own, compress_to_fp16=False)
    more = ["--clusters", "4", "--size", "96"]
    for name, file in (("onnx", path), ("openvino", own)):
        command = ["explain", "scene:3", "--onnx", str(file), *options[2:], *more, "--out", str(tmp_path / name)]
        assert main(command) == 0
    reports = [json.loads((tmp_path / name / "scene-3.json").read_text()) for name in ("onnx", "openvino")]
    scores = [[row["score"] for row in report["clusters"]] for report in reports]
    assert scores[1] == pytest.approx(scores[0], abs=1e-3)
    assert reports[1]["model"]["weights"]["source"].startswith("net.xml, run by OpenVINO ")
    assert reports[0]["model"]["weights"]["sha256"] != reports[1]["model"]["weights"]["sha256"]


@pytest.mark.parametrize("flag", ["--onnx", "--model"])
def test_a_file_is_named_either_way(flag, scene, tmp_path):
    command = ["explain", "scene:3", flag, *scene[1][1:], "--clusters", "4", "--out", str(tmp_path)]
    assert main(command) == 0
    report = json.loads((tmp_path / "scene-3.json").read_text())
    assert report["model"]["weights"]["source"].startswith("net.onnx, run by ONNX Runtime ")


@pytest.mark.parametrize("command", [["tune", "--dataset", "scenes"], ["bench", "--explainer", "mine:explain"]])
@pytest.mark.parametrize(
    ("model", "words"), [("net.onnx", "explain and compare alone"), ("net.pth", "is a file of weights"),
                         ("net.py", "names no function")]
)  # fmt: skip
def test_a_file_where_a_name_is_expected(command, model, words, tmp_path, capsys):
    fails(capsys, [*command, "--model", model, "--out", str(tmp_path / "out.json")], words)


def test_a_file_of_pytorchs(scene, tmp_path, capsys):
    (tmp_path / "net.pt").write_bytes(b"a network of PyTorch's")
    command = ["explain", "scene:3", "--onnx", str(tmp_path / "net.pt"), *scene[1][2:], "--out", str(tmp_path / "out")]
    fails(capsys, command, "net.pt is no ONNX file", "--model FILE.py:FUNCTION")
