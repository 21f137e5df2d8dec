"""The command line with every kind of method: what is written, what is said, what is refused."""

import json

import pytest
from command import fails

from cluscam_lite.cli import main
from cluscam_lite.methods import METHODS

FAST = ["explain", "scene:3", "--model", "scene_cnn", "--weights", "random"]


pytestmark = pytest.mark.usefixtures("no_data_root")


@pytest.mark.parametrize(
    ("name", "cost", "more"),
    [
        ("gradcam", "1 forward pass, 1 backward pass", []),
        ("reciprocam", "1 forward pass", []),
        ("scorecam", "130 forward passes", []),
        ("donor", "6 forward passes", ["--clusters", "4", "--fill", "blur"]),
        ("inverted", "5 forward passes", ["--clusters", "4", "--fill", "black"]),
        ("fakecam", "1 forward pass", []),
        ("edges", "1 forward pass", []),
    ],
)
def test_a_method_without_clusters_gives_an_overlay_and_its_numbers(name, cost, more, tmp_path, capsys):
    assert main([*FAST, "--method", name, "--out", str(tmp_path), *more]) == 0
    shown = capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scene-3.json", "scene-3.png"]
    assert f"; {cost}, " in shown and "clusters.png" not in shown
    report = json.loads((tmp_path / "scene-3.json").read_text(encoding="utf-8"))
    assert report["method"]["name"] == name and "clusters" not in report and "labels" not in report
    assert f"{report['cost']['forward_passes']} forward" in cost
    assert report["cost"]["backward_passes"] == ("backward" in cost)
    if more:
        assert report["method"]["n_clusters"] == 4 and report["method"]["fill"] == more[-1]


def test_a_map_without_contrast_is_said(tmp_path, capsys):
    """After the last block of this transformer only the class token is read: gradients of the rest are zero."""
    arguments = ["--model", "scene_vit", "--layer", "last", "--method", "gradcam", "--out", str(tmp_path)]
    assert main(["explain", "scene:3", *arguments]) == 0
    assert "no contrast" in capsys.readouterr().out
    report = json.loads((tmp_path / "scene-3.json").read_text(encoding="utf-8"))
    assert report["saliency"]["uniform"] is True and "all zero" in " ".join(report["notes"])


@pytest.mark.parametrize(("name", "word"), [("cam", "averages the maps"), ("polycam", "several resolutions")])
def test_a_method_that_does_not_apply_says_why_in_one_sentence(name, word, tmp_path, capsys):
    out = tmp_path / "out"
    fails(capsys, ["explain", "scene:3", "--model", "scene_vit", "--method", name, "--out", str(out)], word)
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "option", "takes"),
    [
        ("gradcam", ["--clusters", "4"], "it takes none"),
        ("gradcam", ["--batch-size", "4"], "it takes none"),
        ("smooth", ["--space", "raw"], "--drop, --temperature, --seed"),
        ("scorecam", ["--fill", "black"], "it takes --batch-size"),
    ],
)
def test_a_setting_that_a_method_does_not_have_is_refused(name, option, takes, tmp_path, capsys):
    refusal = f"{option[0]} is no setting of the method {name}"
    fails(capsys, [*FAST, "--method", name, "--out", str(tmp_path / "out"), *option], refusal, takes)
    assert not (tmp_path / "out").exists()


def test_the_seed_is_that_of_random_weights_too(tmp_path):
    for folder, seed in (("a", "0"), ("b", "1"), ("c", "1")):
        assert main([*FAST, "--method", "ones", "--seed", seed, "--out", str(tmp_path / folder)]) == 0
    top = [json.loads((tmp_path / folder / "scene-3.json").read_text())["top5"][0] for folder in "abc"]
    assert top[0] != top[1] == top[2]


def test_the_list_says_kind_and_place(capsys):
    assert main(["methods", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert all(rows[name]["kind"] == info.kind and rows[name]["paper"] == info.paper for name, info in METHODS.items())
    assert rows["gradcam"]["gradients"] and rows["gradcam"]["place"] == "method to compare with, in the paper's tables"
    assert rows["smooth"]["needs"].endswith("no gradients") and rows["smooth"]["place"].startswith("null method")
    assert main(["methods"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "in the paper's figures" in words and "trivial map" in words and "not in the paper" in words
