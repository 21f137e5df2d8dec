"""Every message of the page *Troubleshooting* is provoked, and says what the page says."""

import json
import re
import warnings
from dataclasses import replace

import pytest
import torch
from PIL import Image
from tiny import images, network
from torch import nn

from analysis.paths import ROOT
from analysis.run.notebooks import strict
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model
from cluscam_lite.datasets.images import open_image
from cluscam_lite.errors import CluscamError, ClusCAMWarning
from cluscam_lite.models import weights
from cluscam_lite.models.packages import PACKAGES, package_file
from cluscam_lite.packages import Packaged
from cluscam_lite.rivals.cam import CAM
from cluscam_lite.runtimes import OnnxModel

PAGE = (ROOT / "book" / "troubleshooting.md").read_text(encoding="utf-8")
OF_MAKE = "a warning stops the book"  # no message of the code: tests of the book see that it does
SYMPTOMS = [found for found in re.findall(r"^`([^`]+)`[^\n]*\n: ", PAGE, re.M) if found != OF_MAKE]


class OwnMaps:
    """A model that gives its own maps, and whose masked passes do as they are told."""

    def __init__(self, masked=None):
        self.net, self.masked = network(), masked

    def forward(self, x):
        return self.net[:2](x), self.net(x)

    def output(self, x):
        if self.masked is not None:
            raise self.masked
        return self.net(x)


def no_memory():
    ClusCAM(OwnMaps(torch.OutOfMemoryError("too much")), n_clusters=3)(images())


def not_a_number():
    net = network()
    nn.init.constant_(net[0].weight, torch.nan)
    ClusCAM(net, n_clusters=3)(images())


def blind(*, as_warning=False):
    """A network whose maps are all alike."""
    net = network()
    nn.init.zeros_(net[0].weight)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if as_warning else "ignore", ClusCAMWarning)
        e = ClusCAM(net, n_clusters=3)(images())
    raise CluscamError("; ".join(e.notes))  # notes, to be compared as messages are


def noted(net):
    """What is said of a network as a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClusCAMWarning)
        ClusCAM(net, n_clusters=3)(images())


class OneImage(nn.Module):
    """A network that was written for one image."""

    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return self.net(x.view(1, 3, *x.shape[-2:]))


class Again(nn.Module):
    """Sees the image, and its mirror image."""

    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return self.net(x) + self.net(x.flip(3))


class Noise(nn.Module):
    """Adds noise in eval mode too."""

    def forward(self, x):
        return x + torch.randn_like(x)


class Unused(nn.Module):
    """A network with a head that is never called."""

    def __init__(self):
        super().__init__()
        self.net, self.auxiliary = network(), nn.Linear(2, 2)

    def forward(self, x):
        return self.net(x)


def out_of_reach(monkeypatch):
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: False)
    load_dataset("ilsvrc", source="hub")


def changed_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "ASSETS", tmp_path)
    (tmp_path / "scene_cnn.safetensors").write_bytes(b"cut off")
    (tmp_path / "scene_cnn.json").write_text(json.dumps({"sha256": "0" * 64}))
    load_model("scene_cnn")


def no_package(monkeypatch):
    monkeypatch.setitem(PACKAGES, "scene_vit", replace(PACKAGES["efficientnet_lite0"], module="of_no_weights"))
    package_file("scene_vit")


def in_training_mode(tmp_path):
    pytest.importorskip("onnxruntime")
    net = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.BatchNorm2d(6), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    file = tmp_path / "net.onnx"
    mode = torch.onnx.TrainingMode.TRAINING
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about what it will become
        torch.onnx.export(net, (images(1),), file, dynamo=False, training=mode)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClusCAMWarning)
        ClusCAM(OnnxModel(file), n_clusters=3)(images(1))


def changed_package(monkeypatch):
    # any file of a package that is here, under another's hash
    monkeypatch.setitem(PACKAGES, "scene_vit", Packaged("torch", "torch", "version.py", "0" * 64))
    package_file("scene_vit")


GREY = Image.new("L", (96, 96))
FLAT = nn.Sequential(nn.Flatten(), nn.Linear(3 * 33 * 40, 5))
NOT_POOLED = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 31 * 38, 5)).eval()

# the beginning of a message -> what brings it about
CAUSES = {
    "… expected a normalised": lambda: ClusCAM(network(), n_clusters=3)(images()[0]),
    "x contains NaN": lambda: ClusCAM(network(), n_clusters=3)(images() / 0),
    "the image has mode": lambda: get_spec("scene_cnn").preprocess()(GREY),
    "there is no image": lambda: open_image("nowhere.png"),
    "unknown model": lambda: get_spec("resnet5"),
    "unknown layer": lambda: ClusCAM(load_model("scene_cnn").module, "stage5", n_clusters=3),
    "layer … did not run": lambda: ClusCAM(Unused().eval(), "auxiliary", n_clusters=3)(images()),
    "layer … gives": lambda: ClusCAM(network(), "3", n_clusters=3)(images()),
    "… is compiled by": lambda: CAM(torch.jit.trace(network(), images()))(images()),
    "no layer of this model": lambda: ClusCAM(FLAT, n_clusters=3)(images()),
    "layer has no meaning": lambda: ClusCAM(OwnMaps(), "0", n_clusters=3),
    "CAM needs a network": lambda: CAM(NOT_POOLED, "0")(images()),
    "n_clusters is": lambda: ClusCAM(network(), n_clusters=25)(images()),
    "drop_ratio is": lambda: ClusCAM(network(), n_clusters=3, drop_ratio=37.0),
    "fill='black' needs": lambda: ClusCAM(network(), n_clusters=3, fill="black")(images()),
    "only … of … clusters": lambda: blind(as_warning=True),
    "saliency: without contrast": blind,
    "unknown parameter": lambda: strict({"model": "scene_cnn"}, "environment"),
    "no data root is named": lambda: load_dataset("ilsvrc", source="dataroot"),
    "there is no ILSVRC": out_of_reach,
    "the weights of … that": changed_weights,
    "the weights of … come": no_package,
    "the weights of … in": changed_package,
    "the model gives … for": lambda: ClusCAM(nn.Sequential(network(), nn.Flatten(0)), n_clusters=3)(images()),
    "the network seems": lambda: noted(nn.Sequential(network(), nn.Softmax(1))),
    "the layer … ran": lambda: noted(Again()),
    "the network takes": lambda: ClusCAM(OneImage(), n_clusters=3)(images(1)),
    "two passes gave": lambda: noted(nn.Sequential(network(), Noise())),
    "the layer … normalises": lambda: noted(nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), network())),
    "… was exported": in_training_mode,
    "the model gave NaN": not_a_number,
    "one masked image": no_memory,
}


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom[:25])
def test_the_message_is_what_the_page_says(symptom, request, no_data_root):
    (cause,) = (cause for beginning, cause in CAUSES.items() if symptom.startswith(beginning))
    fixtures = cause.__code__.co_varnames[: cause.__code__.co_argcount]
    with pytest.raises((CluscamError, ClusCAMWarning)) as caught:
        cause(*(request.getfixturevalue(name) for name in fixtures))
    parts = [re.escape(part.strip(" ;:,")) for part in symptom.split("…")]
    assert re.search(".*".join(parts), str(caught.value)), caught.value


def test_the_page_has_the_messages_that_are_provoked_and_no_others():
    assert len(SYMPTOMS) == len(CAUSES)
