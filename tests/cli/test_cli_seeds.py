"""``cluscam explain --seeds``: the mean map, the spread, and one sentence on how far the seeds agree."""

import json

import pytest
from command import fails

from cluscam_lite.cli import main

pytestmark = pytest.mark.usefixtures("no_data_root")
FAST = ["explain", "scene:1", "--model", "scene_cnn", "--clusters", "6"]


def test_seeds_add_a_figure_a_sentence_and_a_part_of_the_report(tmp_path, capsys):
    assert main([*FAST, "--seeds", "3", "--seed", "2", "--out", str(tmp_path / "several")]) == 0
    shown = capsys.readouterr().out
    names = sorted(path.name for path in (tmp_path / "several").iterdir())
    assert names == ["scene-1.clusters.png", "scene-1.json", "scene-1.png", "scene-1.seeds.png"]
    report = json.loads((tmp_path / "several" / "scene-1.json").read_text())
    stability = report.pop("stability")
    assert stability["seeds"] == [2, 3, 4] and 0 < stability["agreement"] <= 1 and stability["forward_passes"] == 19
    assert stability["sentence"] in shown and "19 forward passes" in shown
    # the rest is what the first seed gives by itself
    assert main([*FAST, "--seed", "2", "--out", str(tmp_path / "one")]) == 0
    assert report == json.loads((tmp_path / "one" / "scene-1.json").read_text())
    for name in ("scene-1.png", "scene-1.clusters.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "several" / name).read_bytes()
    assert not (tmp_path / "one" / "scene-1.seeds.png").exists()


def test_a_null_method_has_seeds_and_no_clusters(tmp_path, capsys):
    assert main([*FAST, "--method", "smooth", "--seeds", "2", "--out", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scene-1.json", "scene-1.png", "scene-1.seeds.png"]
    assert "2 seeds: this map" in capsys.readouterr().out


@pytest.mark.parametrize("seeds", ["0", "1", "-1", "five", "2.5", "1000000"])
def test_a_bad_number_of_seeds_is_one_sentence(seeds, tmp_path, capsys):
    fails(capsys, [*FAST, "--seeds", seeds, "--out", str(tmp_path / "out")], "--seeds", repr(seeds), "2 to 100")
    assert list(tmp_path.iterdir()) == []


def test_a_method_without_a_seed_is_refused(tmp_path, capsys):
    arguments = ["explain", "scene:1", "--model", "scene_cnn", "--method", "gradcam", "--seeds", "5"]
    fails(capsys, [*arguments, "--out", str(tmp_path / "out")], "gradcam has no seed", "--seeds")
    fails(capsys, [*FAST, "--seeds", "2", "--seed", "4294967295", "--out", str(tmp_path / "out")], "seed is 4294967296")
    assert list(tmp_path.iterdir()) == []
