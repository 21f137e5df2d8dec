"""Signals at random moments in all long work: the same results, no child alive, nothing left over.

100 signals in all, twenty for each kind of work; seeded, but where they fall in the work depends on the machine.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from hashlib import sha256

import nbformat
import pandas as pd
import psutil
import pytest

from analysis.paths import ROOT
from cluscam_lite import load_dataset

pytestmark = pytest.mark.slow
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
EACH = 20
CLUSCAM, RUNNER = [sys.executable, "-m", "analysis"], [sys.executable, "-m", "analysis.run.notebooks"]
NOTEBOOK = "from cluscam_lite import ClusCAM, load_model, load_image\nimport time\n" + (
    "m = load_model('scene_cnn')\nx = m.spec.preprocess()(load_image('scene:3'))[None]\ntime.sleep(1)\n"
    "float(ClusCAM(m.module, n_clusters=5)(x).saliency.sum())"
)


def study(inputs, out):
    (inputs / "p.yaml").write_text((ROOT / "notebooks" / "profiles" / "smoke.yaml").read_text())
    return [*CLUSCAM, "study", "curves", "--profile", str(inputs / "p.yaml"), "--out", str(out)]


def training(inputs, out):
    recipe = ["--dataset", "phantoms", "--images", "64", "--epochs", "6", "--batch-size", "16"]
    return [*CLUSCAM, "train", "alzheimer", "--model", "phantom_cnn", *recipe, "--out", str(out)]


def tuning(inputs, out):
    grid = ["--dataset", "scenes", "--images", "4", "--grid", "5", "10", "20"]
    return [*CLUSCAM, "tune", "--model", "scene_cnn", *grid, "--out", str(out / "tuned.json")]


def folder(inputs, out):
    for n, sample in enumerate(load_dataset("scenes", n=8)):
        sample.image.save(inputs / f"{n}.png")
    return [*CLUSCAM, "explain", str(inputs), "--model", "scene_cnn", "--maps", "npy", "--out", str(out)]


def notebooks(inputs, out):
    for name in "ab":
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in ("seed: int = 0", NOTEBOOK)])
        book.cells[0].metadata["tags"] = ["parameters"]
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for n, cell in enumerate(book.cells):
            cell["id"] = f"{name}{n}"
        nbformat.write(book, inputs / f"{name}.ipynb")
    paths = [str(inputs / f"{name}.ipynb") for name in "ab"]
    return [*RUNNER, "--profile", "smoke", "--output", str(out), "--jobs", "2", "--notebook", *paths]


def results(out):
    """Path inside the folder -> what it holds, without times and provenance."""
    return {path.relative_to(out).as_posix(): held(path) for path in sorted(out.rglob("*")) if path.is_file()}


def held(path):
    if path.suffix == ".parquet":
        rows = pd.read_parquet(path)
        return rows[[c for c in rows.columns if not c.startswith("seconds")]].to_json()
    if path.suffix == ".ipynb":
        return [cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells]
    if path.suffix == ".json":
        return sorted(json.loads(path.read_text()))
    return sha256(path.read_bytes()).hexdigest()


def start(command, temporary):
    environment = os.environ | {"TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, start_new_session=True, **pipes)


def family(process):
    """The process's children and theirs, as psutil knows them."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("work", [study, training, tuning, folder, notebooks], ids=lambda work: work.__name__)
def test_signals_at_random_moments_change_nothing(work, tmp_path):
    chance = random.Random(work.__name__)
    inputs, temporary = tmp_path / "inputs", tmp_path / "temporary"
    inputs.mkdir()
    temporary.mkdir()
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    begin = time.monotonic()
    process = start(work(inputs, undisturbed), temporary)
    _, error = process.communicate()
    assert process.returncode == 0, error
    length = time.monotonic() - begin
    sent, finished, out = 0, 0, tmp_path / "out0"
    out.mkdir()
    while sent < EACH:
        process = start(work(inputs, out), temporary)
        try:
            time.sleep(chance.uniform(0.3, length))
            children, number = family(process), chance.choice(SIGNALS)
            process.send_signal(number)
            sent += process.poll() is None
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode in (0, -number, 128 + number), (number, error)
        assert "Traceback" not in error, (number, error)
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, (number, alive)
        if process.returncode == 0:  # it came too late: the next goes into a folder of its own
            assert results(out) == results(undisturbed)
            finished += 1
            out = tmp_path / f"out{finished}"
            out.mkdir()
    process = start(work(inputs, out), temporary)
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert results(out) == results(undisturbed)
    assert [path.name for path in temporary.iterdir() if not path.name.startswith("torchinductor_")] == []  # PyTorch's
    kernels = [path.name.split("-")[0] for path in (ROOT / "build" / "kernels").glob("*")]
    assert [pid for pid in kernels if not psutil.pid_exists(int(pid))] == []
