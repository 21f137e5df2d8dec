"""The command line: every mistake is one sentence that leaves nothing behind."""

from dataclasses import replace
from unittest import mock

import pytest
import torch
from command import fails
from safetensors.torch import save_file

from cluscam_lite.cli import explain as cli_explain
from cluscam_lite.cli import main
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import get_spec, load_model

OF_ONE_SEED = [".png", ".clusters.png", ".json"]  # what `explain` writes

FAST = ["--model", "scene_cnn", "--weights", "random", "--clusters", "4"]

pytestmark = pytest.mark.usefixtures("no_data_root")


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
        ("FAST --target=+-5", ["unknown class '+-5'", "0 to 9"]),
        (f"FAST --target {'9' * 5000}", ["target 99999999999999999999 is outside", "0 to 9"]),
        (f"FAST --seed {'9' * 5000}", ["is not a whole number from 0 to 4294967295"]),
        ("FAST --out ~nosuchuser/x", ["~nosuchuser/x: there is no such user", "whole path"]),
        ("models --data-root ~nosuchuser/x", ["~nosuchuser/x: there is no such user"]),
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
        ("explain photograph:dog --model scene_cnn --out OUT", ["'dog' is no photograph", "chelsea"]),
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
    fails(capsys, ["explain", str(photo), *FAST, "--out", str(tmp_path / "out")], "no space is left there; free some")
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
    assert {path.name for path in tmp_path.iterdir()} == {f"photo{suffix}" for suffix in OF_ONE_SEED}
    assert "photo.json" in shown and "scene-1" not in shown


def test_no_character_of_a_name_reaches_the_terminal_raw(tmp_path, capsys):
    for name in ("red\x1b[31m.png", "two\nlines.png", "\udcff\udcfe.png"):
        status = main(["explain", str(tmp_path / name), *FAST, "--out", str(tmp_path / "out")])
        said = capsys.readouterr().err
        assert status == 2 and said.removesuffix("\n").isprintable() and said.count("\n") == 1


def test_a_name_as_long_as_a_file_system_takes(photo, tmp_path):
    long = tmp_path / ("a" * 240 + photo.suffix)
    long.write_bytes(photo.read_bytes())
    assert main(["explain", str(long), *FAST, "--no-figures", "--out", str(tmp_path / "out")]) == 0
    assert [len(path.name) for path in (tmp_path / "out").iterdir()] == [245]
