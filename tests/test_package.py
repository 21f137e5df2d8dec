"""The package as others install it: what a wheel holds, and what works without the extras."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import EntryPoint

import pytest

from analysis.paths import ROOT
from cluscam_lite.cli import GROUP, main
from cluscam_lite.packages import CluscamError, from_extra

LEAN = """
import sys

class NotInstalled:
    names = "torchvision timm matplotlib pyarrow datasets pytorch_grad_cam pandas yaml tqdm skimage papermill".split()

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
import torch
from torch import nn
"""
OWN_NETWORK = """
from cluscam_lite import ClusCAM
from cluscam_lite.methods import METHODS
network = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)).eval()
found = ClusCAM(network, n_clusters=4)(torch.rand(1, 3, 32, 32))
print(tuple(found.saliency.shape), found.forward_passes)
"""
WITHOUT = """
from cluscam_lite import get_spec, load_image, load_model

def parquet_files():
    from cluscam_lite.datasets.ilsvrc.parquet import ParquetImages

def a_picture():
    from cluscam_lite.show.pictures import overlay

def a_figure():
    from cluscam_lite.show.drawing import explanation_figure

for extra, call in [
    ("models", lambda: load_model("resnet18", weights="random")),
    ("models", lambda: load_model("vit_tiny_patch16_224", weights="random")),
    ("models", lambda: get_spec("resnet18").class_names),
    ("pictures", a_picture),
    ("pictures", a_figure),
    ("pictures", lambda: load_image("scene:3")),
    ("data", parquet_files),
]:
    try:
        call()
    except Exception as error:
        print(extra, type(error).__name__, error)
"""


def run(code):
    return subprocess.run([sys.executable, "-c", LEAN + code], capture_output=True, text=True, cwd=ROOT)


def test_a_network_of_ones_own_is_explained_without_any_extra():
    done = run(OWN_NETWORK)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(1, 32, 32) 5"


def test_what_is_not_installed_is_one_sentence_that_names_the_extra():
    done = run(WITHOUT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    for line in lines:
        extra, kind, sentence = line.split(" ", 2)
        assert kind == "CluscamError"
        assert re.fullmatch(
            rf"this needs the package \w+, which is not installed; pip install 'cluscam-lite\[{extra}\]'", sentence
        )


def test_an_import_within_an_extra_that_works_changes_nothing():
    with from_extra("models"):
        import torchvision
    assert torchvision.__name__ == "torchvision"
    sentence = r"no_such_package, which is not installed; pip install 'cluscam-lite\[x\]'"
    with pytest.raises(CluscamError, match=sentence), from_extra("x"):
        import no_such_package.part  # noqa: F401


@pytest.mark.parametrize("added", [[], [EntryPoint("study", "analysis_of_no_one.command:study", GROUP)]])
def test_a_command_of_the_evidence_says_that_it_is_of_a_clone(added, capsys):
    assert main(["study", "logits"], added=added) == 2
    assert capsys.readouterr().err == (
        "cluscam: the command study is of a clone of this project: run pip install -e '.[book]' in it\n"
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the files that git tracks, built by the setuptools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True).stdout.decode()
    wanted = [name for name in listed.split("\0") if name and not name.startswith(("results/", "book/", "tests/"))]
    for name in wanted:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-w"]
    subprocess.run([sys.executable, "-m", *command, folder, source], check=True, capture_output=True, text=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_a_wheel_holds_the_module_with_its_data_and_nothing_else(wheel):
    assert {path.name.partition("-")[0] for path in wheel.iterdir()} == {"cluscam_lite"}
    files = (ROOT / "cluscam_lite").rglob("*")
    wanted = {path.relative_to(ROOT) for path in files if path.is_file() and "__pycache__" not in path.parts}
    held = {path.relative_to(wheel) for path in (wheel / "cluscam_lite").rglob("*") if path.is_file()}
    assert held == wanted


def test_the_wheels_network_is_explained_from_another_folder(wheel, tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})"
        + LEAN
        + (
            "from cluscam_lite import ClusCAM, load_model\nimport cluscam_lite\n"
            f"assert cluscam_lite.__file__.startswith({str(wheel)!r})\n"
            "loaded = load_model('scene_cnn')\n"
            "print(ClusCAM.from_spec(loaded.spec, loaded.module)(torch.rand(1, 3, 96, 96)).saliency.shape[0])"
        )
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"
