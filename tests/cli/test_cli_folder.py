"""``cluscam explain FOLDER``: what is written, broken images, another setting, and runs that are killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from hashlib import sha256

import numpy as np
import pyarrow.parquet as pq
import pytest
from command import fails
from PIL import Image

from analysis.paths import ROOT
from cluscam_lite import ClusCAM, load_dataset
from cluscam_lite.cli import main
from cluscam_lite.cli.common import short_warnings
from cluscam_lite.errors import CluscamError, ClusCAMWarning
from cluscam_lite.files import LOCK, alone_in
from cluscam_lite.models import get_spec, load_model

pytestmark = pytest.mark.usefixtures("no_data_root")
OPTIONS = ["--model", "scene_cnn", "--clusters", "3", "--maps", "npy"]


@pytest.fixture
def photos(tmp_path):
    """A folder of five drawn scenes, one of them in a folder below."""
    folder = tmp_path / "photos"
    (folder / "b c").mkdir(parents=True)
    for n, sample in enumerate(load_dataset("scenes", n=5)):
        sample.image.save(folder / (f"b c/{n}#.png" if n == 4 else f"{n}.png"))
    return folder


def hashes(out):
    """Path inside the folder -> hash, of all files that are results."""
    files = sorted(path for path in out.rglob("*") if path.is_file() and path.name != LOCK)
    return {path.relative_to(out).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def command(photos, out, *more):
    return ["explain", str(photos), *OPTIONS, *more, "--out", str(out)]


def test_every_image_has_its_files_and_its_row(photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(photos, out)) == 0
    names = ["0.png", "1.png", "2.png", "3.png", "b c/4#.png"]
    images = {f"images/{name}{suffix}" for name in names for suffix in (".png", ".npy", ".json")}
    assert set(hashes(out)) == images | {"index.html", "numbers.parquet", "run.json", "skipped.json"}
    assert "5 images, 5 of them explained now" in capsys.readouterr().out
    table = pq.read_table(out / "numbers.parquet").to_pylist()
    assert [row["image"] for row in table] == names
    spec = get_spec("scene_cnn")
    cam = ClusCAM.from_spec(spec, load_model(spec).module, n_clusters=3)
    for row, sample in zip(table, load_dataset("scenes", n=5), strict=True):
        e = cam(spec.preprocess()(sample.image)[None])
        assert np.array_equal(np.load(out / "images" / f"{row['image']}.npy"), e.saliency[0].numpy())
        assert row["target"] == int(e.target[0]) and row["forward_passes"] == 4
        assert [np.float32(score) for score in row["scores"]] == list(e.scores[0].numpy())
        with Image.open(out / "images" / f"{row['image']}.png") as strip:
            assert strip.size == (2 * 96 + 4, 96)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 5 and 'src="images/b%20c/4%23.png.png"' in page


def test_without_figures_and_with_seeds(photos, tmp_path):
    out = tmp_path / "out"
    assert main(command(photos, out, "--no-figures", "--seeds", "2")) == 0
    assert not list(out.rglob("*.png")) and "<img" not in (out / "index.html").read_text(encoding="utf-8")
    assert all(-1 <= row["agreement"] <= 1 for row in pq.read_table(out / "numbers.parquet").to_pylist())


def test_images_together_are_explained_as_alone(photos, tmp_path):
    for n, name in ((1, "alone"), (3, "together")):
        assert main(command(photos, tmp_path / name, "--at-once", str(n))) == 0
    for path in (tmp_path / "alone").rglob("*.npy"):
        other = np.load(tmp_path / "together" / path.relative_to(tmp_path / "alone"))
        assert np.allclose(np.load(path), other, atol=1e-4)


def test_a_broken_image_is_named_counted_and_skipped(photos, tmp_path, capsys):
    out = tmp_path / "out"
    whole = (photos / "1.png").read_bytes()
    (photos / "1.png").write_bytes(whole[: len(whole) // 2])
    (photos / "notes.txt").write_text("no image")
    assert main(command(photos, out)) == 3
    shown = capsys.readouterr()
    skipped, last = shown.err.splitlines()
    assert "skipped 1.png" in skipped and "damaged" in skipped and str(photos) not in skipped
    assert last.startswith("cluscam: 1 of 5 images") and "4 images, 4 of them" in shown.out
    assert [one["image"] for one in json.loads((out / "skipped.json").read_text())["skipped"]] == ["1.png"]
    assert "1 skipped" in (out / "index.html").read_text(encoding="utf-8")
    # mended, it alone is explained
    (photos / "1.png").write_bytes(whole)
    assert main(command(photos, out)) == 0
    assert "5 images, 1 of them explained now" in capsys.readouterr().out
    assert main(command(photos, tmp_path / "again")) == 0
    assert hashes(out) == hashes(tmp_path / "again")


def test_a_broken_image_among_others_does_not_make_them_again(photos, tmp_path, capsys):
    out = tmp_path / "out"
    (photos / "1.png").write_bytes(b"no image")
    assert main(command(photos, out, "--at-once", "5")) == 3
    assert "4 images, 4 of them explained now" in capsys.readouterr().out
    before = hashes(out)
    assert main(command(photos, out, "--at-once", "5")) == 3
    shown = capsys.readouterr()
    assert "4 images, 0 of them explained now" in shown.out and "skipped 1.png" in shown.err
    assert hashes(out) == before


def test_an_image_that_was_replaced_is_explained_again(photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(photos, out)) == 0
    (photos / "2.png").write_bytes((photos / "0.png").read_bytes())
    assert main(command(photos, out)) == 0
    assert "5 images, 1 of them explained now" in capsys.readouterr().out
    assert (out / "images" / "2.png.npy").read_bytes() == (out / "images" / "0.png.npy").read_bytes()


def test_another_setting_in_the_same_folder_is_refused(photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command(photos, out)) == 0
    before = hashes(out)
    capsys.readouterr()
    fails(capsys, command(photos, out, "--seed", "1"), "method.seed", "0 there and 1 here", "another folder")
    fails(capsys, command(photos, out, "--no-figures"), "figures", "another folder")
    assert hashes(out) == before


def test_a_folder_at_work_is_left_alone(photos, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    with alone_in(out):
        fails(capsys, command(photos, out), "another run is writing into", str(out))
    with pytest.raises(CluscamError, match="another run"), alone_in(out), alone_in(out):
        pass


def test_mistakes_are_one_sentence(photos, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    out = tmp_path / "out"
    fails(capsys, command(empty, out), "the folder", "has no images")
    fails(capsys, command(photos, photos / "out"), "lies in the folder of the images")
    fails(capsys, ["explain", str(photos / "0.png"), *command(photos, out)[1:]], "one folder alone")
    fails(capsys, command(photos, out, "--method", "cluscan"), "unknown method 'cluscan'", "cluscam")
    fails(capsys, command(photos, out, "--at-once", "0"), "--at-once", "whole number from 1")
    fails(capsys, command(photos / "0.png", out, "--at-once", "2"), "--at-once goes with a folder")
    fails(capsys, command(photos, out, "--maps", "png"), "--maps", "npz")
    assert not out.exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    fails(capsys, command(photos, tmp_path / "full"), "no record of a run", "an empty folder")


def test_killed_and_started_again_it_leaves_the_same_files(photos, tmp_path):
    for n in range(5, 16):
        load_dataset("scenes", n=n + 1)[n].image.save(photos / f"{n:02d}.png")
    code = "import sys; from cluscam_lite.cli import main; sys.exit(main())"
    start = [sys.executable, "-c", code, *command(photos, tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ends = []
    for number, wanted in ((signal.SIGKILL, 2), (signal.SIGTERM, 5)):
        run = subprocess.Popen(start, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while run.poll() is None and len(list((tmp_path / "out").rglob("*.json"))) < wanted:
            time.sleep(0.01)
        run.send_signal(number)
        ends.append((run.wait(60), run.stderr.read()))
        assert not [path for path in (tmp_path / "out" / "images").rglob(".*")]
    assert ends[0][0] == -signal.SIGKILL
    assert ends[1][0] == 128 + signal.SIGTERM and "ended by SIGTERM" in ends[1][1], ends
    assert not (tmp_path / "out" / ".partial").exists() and not (tmp_path / "out" / "index.html").exists()
    assert main(command(photos, tmp_path / "out")) == 0
    assert main(command(photos, tmp_path / "never stopped")) == 0
    assert hashes(tmp_path / "out") == hashes(tmp_path / "never stopped")


def test_images_of_formats_that_are_not_read_are_named(photos, tmp_path, capsys):
    for name in ("a.heic", "b.JP2", "notes.txt"):
        (photos / name).write_bytes(b"...")
    main(command(photos, tmp_path / "out"))
    assert "left out, in formats that are not read: 2, a.heic, b.JP2" in capsys.readouterr().out


TWICE = """
import torch
from torch import nn

class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 4)
    def forward(self, x):
        return self.head((self.body(x) + self.body(x.flip(3))).mean((2, 3)))

def build():
    torch.manual_seed(0)
    return Twice().eval()
"""


def test_a_note_that_comes_with_every_image_is_one_line_and_a_count(tmp_path, capsys):
    (tmp_path / "net.py").write_text(TWICE)
    (tmp_path / "photos").mkdir()
    for n, sample in enumerate(load_dataset("scenes", n=3)):
        sample.image.save(tmp_path / "photos" / f"{n}.png")
    half = ["0.5", "0.5", "0.5"]
    options = ["--model", f"{tmp_path / 'net.py'}:build", "--size", "64", "--mean", *half, "--std", *half]
    command = ["explain", str(tmp_path / "photos"), *options, "--clusters", "3", "--no-figures"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "ran 2 times in one pass" in line]
    assert len(said) == 2 and said[1] == f"{said[0]} (3 times in all)"


@pytest.mark.parametrize("kind", [ClusCAMWarning, UserWarning])
def test_a_note_that_comes_once_has_no_count(kind, capsys):
    with short_warnings():
        warnings.warn("one", kind, stacklevel=1)
        warnings.warn("another", kind, stacklevel=1)
    assert capsys.readouterr().err == "cluscam: note: one\ncluscam: note: another\n"
