"""`cluscam bench` as it is used: the page's recipe, what is written, and what is refused in one sentence."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.__main__ import COMMANDS
from analysis.bench import examples
from analysis.bench.cases import noisy
from analysis.bench.explainers import Entry, checked_map, entry_of, seeded
from analysis.bench.run import few_threads
from analysis.bench.words import BLIND, GOOD, RANDOM, UNSHOWN
from analysis.paths import ROOT
from cluscam_lite import load_image, load_model
from cluscam_lite.cli import main
from cluscam_lite.errors import CluscamError

PAGE = (ROOT / "book" / "bench.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
(COMMAND,) = re.findall(r"^```bash\ncluscam (.*?)\n```$", PAGE, re.S | re.M)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with the page's mine.py, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLUSCAM_DATA", raising=False)
    (tmp_path / "mine.py").write_text(PYTHON[0])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if not hasattr(sys.modules[name], "__file__") or str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def bench(*arguments):
    return main(["bench", *arguments], COMMANDS)


def refused(capsys, *arguments):
    """The one sentence of a command that fails, and leaves no folder."""
    assert bench(*arguments, "--beside", "--n", "2", "--out", "new/out") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("cluscam: ") and not Path("new").exists(), lines
    return lines[0]


def test_the_recipe_of_the_page_tells_which_is_which(here, capsys):
    assert bench(*COMMAND.split()[1:], "--n", "2", "--beside", "smooth") == 0
    assert sorted(path.name for path in (here / "out").iterdir()) == ["report.md", "rows.parquet", "summary.csv"]
    shown = capsys.readouterr().out
    assert f"mine:centre: {BLIND}." in shown and f"mine:noise: {RANDOM}." in shown
    assert f"mine:occlusion: {GOOD}." in shown or f"mine:occlusion: {UNSHOWN}." in shown  # two scenes are few
    assert re.search(r"^\[1/7\] Smooth masks: \d+ cases, .* left$", shown, re.M)
    found = {}
    exec(PYTHON[1], found)
    table, rows = found["table"], found["rows"]
    assert [*table.index] == ["smooth", "centre", "edges", "random", "mine:occlusion", "mine:centre", "mine:noise"]
    assert table["found"]["mine:occlusion"] > max(table["found"][["centre", "edges", "random"]])
    assert table["forward_passes"][["smooth", "mine:occlusion", "mine:centre"]].tolist() == [31, 50, 0]
    assert table["found"]["mine:centre"] == table["found"]["centre"]
    assert set(rows["part"]) == {"removal", "shortcut", "several"}
    assert (rows["drop"].notna() == (rows["part"] == "removal")).all()


@pytest.mark.parametrize("name", ["occlusion", "centre", "noise"])
def test_the_functions_of_the_page_are_those_of_the_package(name):
    mine, x = {}, load_model("scene_cnn").spec.preprocess()(load_image("scene:3"))[None]
    exec(PYTHON[0], mine)
    maps = []
    for function in (mine[name], getattr(examples, name)):
        with seeded(0):
            maps.append(function(load_model("scene_cnn").module, x, 8))
    assert torch.equal(*maps)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("torch.zeros(3, 3)", ["gives shape (3, 3)", "of 96 x 96", "a map (H, W)"]),
        ("torch.zeros(2, 96, 96)", ["gives shape (2, 96, 96)"]),
        ("torch.full((96, 96), torch.nan)", ["gives NaN or infinite values", "expected finite numbers"]),
        ("'a map'", ["gives a str", "a tensor or NumPy array"]),
        ("None", ["gives a NoneType"]),
        ("1 / 0", ["fails on scene-test-0-same-00000 with ZeroDivisionError: division by zero"]),
        ("exit(3)", ["fails on", "SystemExit"]),
        ("model(x, 5)", ["fails on", "TypeError"]),
    ],
)
def test_an_explainer_that_does_not_do_is_one_sentence(body, words, here, capsys):
    (here / "wrong.py").write_text(f"import torch\ndef explain(model, x, target):\n    return {body}\n")
    sentence = refused(capsys, "--explainer", "wrong.py:explain")
    assert "the explainer wrong.py:explain" in sentence and all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--explainer", "mime:occlusion"], ["unknown module 'mime'", "nearest: mine", "looked for here"]),
        (["--explainer", "mine:oclusion"], ["unknown function of mine 'oclusion'", "nearest: occlusion"]),
        (["--explainer", "nowhere.py:explain"], ["there is no file nowhere.py"]),
        (["--explainer", "needs:explain"], ["needs cannot be imported", "No module named 'not_there'"]),
        (["--explainer", "broken:explain"], ["broken cannot be imported: SyntaxError"]),
        (["--explainer", ":explain"], ["cannot be imported"]),
        (["--explainer", "gradcan"], ["unknown method 'gradcan'", "gradcam", "module:function"]),
        (["--explainer", "cam", "--explainer", "cam"], ["cam is named twice"]),
        (["--explainer", "cam", "--model", "scene_cn"], ["unknown model 'scene_cn'", "scene_cnn"]),
    ],
)
def test_a_name_that_is_not_there_is_one_sentence(arguments, words, here, capsys):
    (here / "needs.py").write_text("import not_there\n")
    (here / "broken.py").write_text("def explain(:\n")
    sentence = refused(capsys, *arguments)
    assert all(word in sentence for word in words), sentence


def test_too_few_scenes_and_no_explainer(capsys):
    for arguments, words in ((["--n", "1", "--explainer", "cam"], "from 2 on"), ([], "--explainer")):
        assert bench(*arguments, "--out", "new") == 2 and words in capsys.readouterr().err


def test_interrupted_it_leaves_nothing(here, capsys):
    (here / "slow.py").write_text("def explain(model, x, target):\n    raise KeyboardInterrupt\n")
    assert bench("--explainer", "slow:explain", "--n", "2", "--beside", "--out", "new/out") == 130
    assert "interrupted" in capsys.readouterr().err and not (here / "new").exists()


def test_a_small_network_runs_on_one_thread_and_afterwards_all_is_as_before():
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt), few_threads(load_model("scene_cnn").spec):
        assert torch.get_num_threads() == 1
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before


def test_a_function_gets_a_copy_of_the_network_and_of_the_image():
    model = load_model("scene_cnn")
    x = torch.randn(1, 3, 96, 96)
    before = x.clone(), model.module(x).detach()

    def vandal(network, image, target):
        image.zero_()
        network.fc.weight.data.zero_()
        network.train()
        return np.arange(96 * 96).reshape(96, 96)

    found = Entry("vandal", "vandal", "yours", vandal).map(model, x, 0, 0, "one")
    assert (found.saliency.min(), found.saliency.max()) == (0, 1) and not found.uniform
    assert torch.equal(x, before[0]) and torch.equal(model.module(x), before[1])


def test_random_numbers_depend_on_the_seed_and_the_image_alone():
    model, x = load_model("scene_cnn"), torch.randn(1, 3, 96, 96)
    entry = Entry("noise", "noise", "yours", lambda *_: torch.rand(96, 96) + torch.from_numpy(np.random.rand(96, 96)))
    state = torch.get_rng_state()
    maps = [entry.map(model, x, 0, seed, name).saliency for seed, name in ((0, "a"), (0, "a"), (1, "a"), (0, "b"))]
    assert torch.equal(maps[0], maps[1]) and not torch.equal(maps[0], maps[2]) and not torch.equal(maps[0], maps[3])
    assert torch.equal(state, torch.get_rng_state())


def test_a_registered_method_is_what_it_is_elsewhere():
    model, x = load_model("scene_cnn"), load_model("scene_cnn").spec.preprocess()(load_image("scene:3"))[None]
    found = entry_of("cluscam").map(model, x, 8, 0, "one")
    from cluscam_lite import ClusCAM

    e = ClusCAM.from_spec(model.spec, model.module)(x, 8)
    assert torch.equal(found.saliency, e.saliency[0]) and found.forward == e.forward_passes == 31


def test_maps_of_any_range_are_read_alike_and_flat_ones_are_said():
    x = torch.zeros(1, 3, 4, 5)
    values = torch.randn(4, 5)
    first, _ = checked_map(values, x, "m", "i")
    second, _ = checked_map((100 * values - 7).numpy()[None], x, "m", "i")
    torch.testing.assert_close(first, second)
    flat, uniform = checked_map(torch.ones(4, 5), x, "m", "i")
    assert uniform and not flat.any()
    with pytest.raises(CluscamError, match=r"gives shape \(5, 4\)"):
        checked_map(values.T, x, "m", "i")


def test_noise_is_of_two_grey_levels():
    x = torch.zeros(1, 3, 96, 96)
    grey = (noisy(x, (0.25, 0.5, 1.0)) * torch.tensor([0.25, 0.5, 1.0]).view(1, 3, 1, 1) * 255).std((0, 2, 3))
    torch.testing.assert_close(grey, torch.full((3,), 2.0), rtol=0.05, atol=0)


def test_a_method_that_cannot_explain_the_network_is_named(here, capsys):
    options = ["--explainer", "cam", "--model", "scene_vit", "--beside", "--n", "2", "--out", "out"]
    assert bench(*options) == 0
    assert "cam: cannot explain this network. CAM needs a network that averages" in capsys.readouterr().out
    assert "Cannot explain this network: cam:" in (here / "out" / "report.md").read_text().replace("\n", " ")
    assert pd.read_csv(here / "out" / "summary.csv").set_index("explainer")["reason"]["cam"].startswith("CAM needs")


def test_a_network_from_elsewhere_with_what_it_does_not_say(here, capsys):
    Path("net.py").write_text("import cluscam_lite\n\nbuild = lambda: cluscam_lite.load_model('scene_cnn').module\n")
    given = ["--mean", ".5", ".5", ".5", "--std", ".25", ".25", ".25", "--size", "96"]
    command = ("--explainer", "cluscam", "--n", "2", "--beside")
    assert bench(*command, "--model", "net.py:build", *given, "--out", "out") == 0
    assert "network: net.py:build" in (here / "out" / "report.md").read_text()
    assert bench(*command, "--out", "own") == 0
    one, other = (pd.read_parquet(here / out / "rows.parquet") for out in ("out", "own"))
    of = "part == 'removal' and explainer == 'cluscam'"
    assert one.query(of)["drop"].tolist() == pytest.approx(other.query(of)["drop"].tolist(), abs=1e-3)
    capsys.readouterr()
    assert "give --mean and --std" in refused(capsys, "--explainer", "cluscam", "--model", "net.py:build")
    assert "--size goes with" in refused(capsys, "--explainer", "cluscam", "--size", "96")
