"""What made a run: the record that a notebook keeps, and the commands that repeat it."""

import json

from analysis.paths import ROOT
from analysis.run import notebooks
from analysis.run.parameters import profile_parameters
from analysis.run.provenance import as_table, how_to_reproduce, provenance


class OneModel:
    class spec:  # noqa: N801
        name = "net"

    source = "data root /home/somebody/data/weights/net.safetensors"
    sha256 = "ab" * 32


def test_provenance_holds_what_made_a_run_and_no_path():
    parameters = {"seed": 3, "data_root": "/home/somebody/data", "profile": "smoke", "dataset": "scenes"}
    record = provenance([OneModel], parameters=parameters)
    assert record == json.loads(json.dumps(record))
    assert record["seed"] == 3
    assert record["parameters"]["data_root"] == "data"
    assert record["models"] == {"net": {"source": "data root net.safetensors", "sha256": "ab" * 32}}
    assert {"torch", "numpy"} <= record["versions"].keys()
    assert "/home" not in json.dumps(record) and str(ROOT) not in json.dumps(record)
    table = as_table(record).data
    assert "models: net: sha256" in table and "ab" * 32 in table


def test_the_commands_that_reproduce_a_run():
    def commands(**parameters):
        return how_to_reproduce({"commit": "c0ffee", "modified": False, "parameters": parameters}).data

    smoke = profile_parameters("smoke")
    of_scenes = {name: value for name, value in smoke.items() if name not in ("model", "image")}
    assert commands(**of_scenes) == commands(**smoke) == "```bash\ngit checkout c0ffee\nmake book PROFILE=smoke\n```"
    assert "--profile smoke -p n_images 2\n" in commands(**smoke | {"n_images": 2})
    own = commands(**of_scenes | {"profile": "own", "models": ["scene_cnn"]})
    assert """--profile embedded -p profile own -p models '["scene_cnn"]' -p n_images 1\n""" in own
    assert "export CLUSCAM_DATA=DATA_ROOT" in commands(**profile_parameters("reference"))


def test_outside_the_repository_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr("analysis.run.provenance.ROOT", tmp_path)
    assert provenance()["commit"] == "unknown"
    assert notebooks.git_state() == {"commit": "unknown", "modified": "unknown"}
