"""``cluscam compare``: the sheet and the table of several methods, in one order; what it refuses."""

import csv

import pytest
import torch
from command import fails
from PIL import Image

from cluscam_lite import ClusCAM, load_image, load_model
from cluscam_lite.cli import main
from cluscam_lite.metrics import evaluate
from cluscam_lite.stability import over_seeds
from cluscam_lite.tuning import read_tuned

pytestmark = pytest.mark.usefixtures("no_data_root")
FAST = ["compare", "scene:3", "--model", "scene_cnn", "--clusters", "4"]


def table(out):
    with (out / "scene-3.compare.csv").open(encoding="utf-8", newline="") as file:
        return {row["method"]: row for row in csv.DictReader(file)}


def test_each_method_has_a_row_with_what_its_map_does_and_costs(tmp_path, capsys):
    assert main([*FAST, "--methods", "ones, gradcam,cluscam", "--seeds", "3", "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scene-3.compare.csv", "scene-3.compare.png"]
    rows = table(tmp_path)
    assert [*rows] == ["cluscam", "gradcam", "ones"]  # the order of `cluscam methods`
    loaded = load_model("scene_cnn")
    x = loaded.spec.preprocess()(load_image("scene:3"))[None]
    cam = ClusCAM.from_spec(loaded.spec, loaded.module, n_clusters=4)
    e, stability = cam(x), over_seeds(cam, x, 3)
    (right,) = evaluate(loaded.module, x, e.saliency, int(e.target), fills=("mean",), forms=("raw",))
    for key in ("drop", "gain", "probability", "coverage"):
        assert float(rows["cluscam"][key]) == pytest.approx(right[key], rel=1e-4, abs=1e-4)
    assert float(rows["cluscam"]["agreement"]) == pytest.approx(float(stability.agreement[0]), abs=1e-4)
    assert rows["cluscam"]["stability"] == stability.sentence()
    assert "n_clusters=4" in rows["cluscam"]["settings"] and rows["ones"]["settings"] == ""
    assert [row["forward_passes"] for row in rows.values()] == ["5", "1", "1"]
    assert [row["backward_passes"] for row in rows.values()] == ["0", "1", "0"]
    assert all(float(row["seconds"]) > 0 and row["reason"] == "" for row in rows.values())
    assert float(rows["ones"]["drop"]) == 0 and "no seed" in rows["ones"]["stability"]
    with Image.open(tmp_path / "scene-3.compare.png") as sheet:
        assert sheet.width > sheet.height  # the image and three maps side by side
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("[1/3] ClusCAM: ") and "5 forward passes" in shown[0] and "3 seeds" in shown[1]
    assert "1 forward pass, 1 backward pass" in shown[2] and shown[-1].startswith("wrote ")


def test_the_order_of_the_options_changes_nothing(tmp_path):
    rows = []
    for folder, methods in (("a", "centre,cluscam"), ("b", "cluscam,centre")):
        assert main([*FAST, "--methods", methods, "--out", str(tmp_path / folder)]) == 0
        rows.append([row | {"seconds": ""} for row in table(tmp_path / folder).values()])
    assert rows[0] == rows[1]


def test_a_method_that_cannot_explain_the_network_is_named_with_the_reason(tmp_path, capsys):
    options = ["compare", "scene:3", "--model", "scene_vit", "--clusters", "4", "--out", str(tmp_path)]
    assert main([*options, "--methods", "cluscam,cam"]) == 0
    assert "[2/2] CAM cannot explain this: CAM needs a network" in capsys.readouterr().out
    row = table(tmp_path)["cam"]
    assert "averages the maps" in row["reason"] and row["drop"] == row["seconds"] == row["target"] == ""


def test_the_class_that_is_asked_for_is_explained_by_all(tmp_path):
    assert main([*FAST, "--methods", "cluscam,edges", "--target", "cup", "--out", str(tmp_path)]) == 0
    assert {row["class"] for row in table(tmp_path).values()} == {"cup"}


def test_k_and_r_of_a_file_go_to_the_methods_that_have_them(tmp_path):
    tuned = tmp_path / "tuned.json"
    images = ["--dataset", "scenes", "--images", "2", "--grid", "3", "4", "5"]
    assert main(["tune", "--model", "scene_cnn", *images, "--out", str(tuned)]) == 0
    options = ["compare", "scene:3", "--model", "scene_cnn", "--tuned", str(tuned), "--out", str(tmp_path / "out")]
    assert main([*options, "--methods", "cluscam,gradcam"]) == 0
    assert f"n_clusters={read_tuned(tuned).n_clusters}; " in table(tmp_path / "out")["cluscam"]["settings"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--methods cluscam,gradcan", ["unknown method 'gradcan'", "gradcam"]),
        ("--methods cluscam,cluscam", ["cluscam is named twice"]),
        ("--methods ,", ["names no method"]),
        ("", ["--methods"]),
        ("--methods edges,cam --clusters 4", ["--clusters is no setting of the methods cam, edges; they take"]),
        ("--methods edges,cam --seeds 3", ["the methods cam, edges have no seed"]),
        ("--methods edges,cam --tuned x.json", ["the methods cam, edges have no K and r"]),
        ("--methods cam --target umbrela", ["unknown class 'umbrela'"]),
        ("--methods cam --maps npz", ["unknown option '--maps'"]),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(arguments, words, tmp_path, capsys):
    start = ["compare", "scene:3", "--model", "scene_cnn", "--out", str(tmp_path / "new" / "out")]
    fails(capsys, [*start, *arguments.split()], *words)
    assert list(tmp_path.iterdir()) == []


def test_where_no_method_can_explain_the_network_nothing_is_written(tmp_path, capsys):
    out = tmp_path / "out"
    options = ["compare", "scene:3", "--model", "scene_vit", "--out", str(out)]
    fails(capsys, [*options, "--methods", "cam,polycam"], "none of the methods", "averages the maps", "resolutions")
    assert not out.exists()


def test_interrupted_on_the_way_nothing_is_left(tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.Tensor, "softmax", stop)
    out = tmp_path / "out"
    fails(capsys, [*FAST, "--methods", "cluscam", "--out", str(out)], "interrupted", status=130)
    assert not out.exists()
